import { type Context, Hono } from 'hono';
import * as client from 'openid-client';
import type { OidcOptions } from './options.ts';
import { HttpRefusal } from './refusal.ts';
import { localPath, type Session, type Sessions } from './sessions.ts';

const TIMEOUT_S = 10;
const SCOPE = 'openid profile';
export const CALLBACK = '/oidc_callback';

export interface OidcPagesOptions {
  readonly oidc: OidcOptions;
  readonly sessions: Sessions;
  readonly publicUrl: string;
  readonly log: (message: string, error: unknown) => void;
}

/** Login by an OpenID provider: authorization code with PKCE, state and nonce. The provider is asked for its metadata at the first login. */
export function oidcPages(options: OidcPagesOptions): Hono {
  const { oidc, sessions, publicUrl, log } = options;
  const app = new Hono();
  const configuration = discovered(oidc, log);
  const callbackUrl = `${publicUrl}${CALLBACK}`;
  app.get('/api/v1/oidc_login', async (context) => {
    const config = await configuration();
    const [state, nonce] = [client.randomState(), client.randomNonce()];
    const verifier = client.randomPKCECodeVerifier();
    sessions.keepLogin(context, {
      ...{ state, nonce, verifier },
      redirect: localPath(context.req.query('redirect')),
    });
    const target = client.buildAuthorizationUrl(config, {
      redirect_uri: callbackUrl,
      scope: oidc.scope ?? SCOPE,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    });
    return context.redirect(target.href, 302);
  });
  const callback = async (context: Context) => {
    const login = sessions.takeLogin(context);
    if (login === undefined)
      throw new HttpRefusal(400, 'this login was not begun here, or more than 10 minutes ago: begin again');
    const config = await configuration();
    const { search } = new URL(context.req.url);
    const claims = await exchanged(config, new URL(`${callbackUrl}${search}`), login, log);
    sessions.begin(context, sessionOf(claims, oidc));
    return context.redirect(login.redirect, 302);
  };
  app.get(CALLBACK, callback);
  // The address that the clients of flask-oidc are registered with.
  app.get('/api/flask_oidc/authorize', callback);
  return app;
}

type Claims = Readonly<Record<string, unknown>>;

async function exchanged(
  config: client.Configuration,
  url: URL,
  { state, nonce, verifier }: { readonly state: string; readonly nonce: string; readonly verifier: string },
  log: OidcPagesOptions['log'],
): Promise<Claims> {
  try {
    const tokens = await client.authorizationCodeGrant(config, url, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
    });
    const claims: Claims = { ...tokens.claims() };
    if (config.serverMetadata().userinfo_endpoint === undefined) return claims;
    return { ...claims, ...(await client.fetchUserInfo(config, tokens.access_token, String(claims.sub))) };
  } catch (error) {
    log('a login failed', error);
    throw new HttpRefusal(403, 'the login was refused: begin again. The log of this server says why.');
  }
}

/** Once; after a failure, once more at the next login. */
function discovered(oidc: OidcOptions, log: OidcPagesOptions['log']): () => Promise<client.Configuration> {
  let found: Promise<client.Configuration> | undefined;
  const discover = async () => {
    const issuer = new URL(oidc.issuer);
    const { clientId, clientSecret } = oidc;
    const authentication =
      clientSecret === undefined ? client.None() : client.ClientSecretBasic(clientSecret);
    return client.discovery(issuer, clientId, undefined, authentication, {
      timeout: TIMEOUT_S,
      execute: isLoopback(issuer) ? [client.allowInsecureRequests] : [],
    });
  };
  return async () => {
    found ??= discover();
    try {
      return await found;
    } catch (error) {
      found = undefined;
      log(`the login provider ${oidc.issuer} could not be asked`, error);
      throw new HttpRefusal(503, 'the login provider cannot be reached: try again later', {
        retryAfterS: 30,
      });
    }
  };
}

/** Plain HTTP only within this machine. */
function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}

function sessionOf(claims: Claims, oidc: OidcOptions): Omit<Session, 'csrf'> {
  const names = [oidc.userClaim ?? 'nickname', 'preferred_username', 'sub'].map((name) => claims[name]);
  const user = names.find((name): name is string => typeof name === 'string' && name !== '') ?? 'unknown';
  const listed = claims[oidc.groupsClaim ?? 'groups'];
  const groups = Array.isArray(listed)
    ? listed.filter((group): group is string => typeof group === 'string')
    : [];
  const isIn = (group: string | undefined) => group !== undefined && groups.includes(group);
  return { user, groups, isAdmin: isIn(oidc.adminGroup), maySeePrivate: isIn(oidc.privateGroup) };
}
