import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const CLIENT_ID = 'samovar';
export const CLIENT_SECRET = 'a secret: of two';

export interface OidcProvider {
  readonly issuer: string;
  /** Claims of the next login; what is given here stands above what would be right. */
  claims: Record<string, unknown>;
  /** Answers of the metadata. */
  isDown: boolean;
  readonly requests: string[];
  /** Who follows the login's address: where the provider sends the browser back to. */
  authorize(location: string): URL;
  close(): Promise<void>;
}

interface Grant {
  readonly challenge: string;
  readonly nonce: string;
  readonly redirect: string;
}

/** A small OpenID provider on loopback: metadata, keys, codes held by PKCE, tokens signed with RS256. */
export async function startOidcProvider(): Promise<OidcProvider> {
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const grants = new Map<string, Grant>();
  const server = createServer((request, response) => {
    provider.requests.push(`${request.method} ${request.url}`);
    void answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const idToken = (nonce: string) => {
    const nowS = Math.floor(Date.now() / 1_000);
    const right = { iss: issuer, aud: CLIENT_ID, sub: 'u-1', iat: nowS, exp: nowS + 60, nonce };
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const text = `${part({ alg: 'RS256', kid: 'k', typ: 'JWT' })}.${part({ ...right, ...provider.claims })}`;
    return `${text}.${sign('sha256', Buffer.from(text), keys.privateKey).toString('base64url')}`;
  };
  const pages: Readonly<Record<string, () => unknown>> = {
    '/.well-known/openid-configuration': () => ({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      userinfo_endpoint: `${issuer}/userinfo`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    }),
    '/jwks': () => ({
      keys: [{ ...keys.publicKey.export({ format: 'jwk' }), kid: 'k', use: 'sig', alg: 'RS256' }],
    }),
    '/userinfo': () => ({ sub: 'u-1', nickname: 'kim', groups: ['packager', 'sysadmin-qa'] }),
  };
  const tokens = (request: IncomingMessage, body: URLSearchParams): unknown => {
    const grant = grants.get(body.get('code') ?? '');
    grants.delete(body.get('code') ?? '');
    const challenge = createHash('sha256')
      .update(body.get('code_verifier') ?? '')
      .digest('base64url');
    const basic = Buffer.from(
      (request.headers.authorization ?? '').replace(/^Basic /, ''),
      'base64',
    ).toString();
    const isClient = basic.split(':').map(formDecoded).join(':') === `${CLIENT_ID}:${CLIENT_SECRET}`;
    if (grant === undefined || grant.challenge !== challenge || !isClient) return undefined;
    if (grant.redirect !== body.get('redirect_uri')) return undefined;
    return { access_token: 'a', token_type: 'bearer', expires_in: 60, id_token: idToken(grant.nonce) };
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const { pathname } = new URL(request.url ?? '/', issuer);
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const value = pathname === '/token' ? tokens(request, new URLSearchParams(text)) : pages[pathname]?.();
    const status = provider.isDown ? 500 : value === undefined ? 400 : 200;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(status === 200 ? value : { error: 'invalid_grant' }));
  };
  const provider: OidcProvider = {
    ...{ issuer, claims: {}, isDown: false, requests: [] },
    authorize: (location) => {
      const asked = new URL(location).searchParams;
      const code = randomUUID();
      const redirect = asked.get('redirect_uri') ?? '';
      if (asked.get('code_challenge_method') !== 'S256') throw new Error('no PKCE');
      grants.set(code, {
        ...{ challenge: asked.get('code_challenge') ?? '', nonce: asked.get('nonce') ?? '', redirect },
      });
      const back = new URL(redirect);
      back.searchParams.set('code', code);
      back.searchParams.set('state', asked.get('state') ?? '');
      return back;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return provider;
}

function formDecoded(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}
