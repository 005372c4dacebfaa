import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { CookieOptions } from 'hono/utils/cookie';
import { keyCheck } from '../key.ts';
import type { AuthOptions } from './options.ts';
import { createSeal } from './sealed.ts';

/** Who is logged in. */
export interface Session {
  readonly user: string;
  readonly groups: readonly string[];
  readonly isAdmin: boolean;
  readonly maySeePrivate: boolean;
  /** Every form that changes something carries it. */
  readonly csrf: string;
}

/** What waits in the browser while the login provider is asked. */
export interface LoginState {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly redirect: string;
}

export interface Sessions {
  read(context: Context): Session | undefined;
  begin(context: Context, session: Omit<Session, 'csrf'>): void;
  end(context: Context): void;
  isForm(session: Session, csrf: unknown): boolean;
  /** The admin token; in constant time. */
  isAdminToken(token: string): boolean;
  keepLogin(context: Context, state: LoginState): void;
  /** A text for the next page, which nobody else can put there. */
  sealNotice(text: string): string;
  openNotice(sealed: string | undefined): string | undefined;
  /** Once: it is gone from the browser afterwards. */
  takeLogin(context: Context): LoginState | undefined;
}

export interface SessionsOptions {
  readonly auth: AuthOptions;
  readonly secure: boolean;
  readonly sessionMs: number;
  readonly nowMs: () => number;
}

const LOGIN_MS = 600_000;
const NOTICE_MS = 60_000;
/** Browsers keep 4,096 bytes of a cookie with its name and attributes. */
const COOKIE_CHARS_MAX = 3_600;

export function createSessions({ auth, secure, sessionMs, nowMs }: SessionsOptions): Sessions {
  const seal = createSeal(auth.sessionKey);
  const checkToken = auth.adminToken === undefined ? () => false : keyCheck(auth.adminToken);
  // A cookie of that name is of this host alone, whatever its neighbours set.
  const name = (what: string) => (secure ? `__Host-samovar_${what}` : `samovar_${what}`);
  const attributes: CookieOptions = { path: '/', httpOnly: true, sameSite: 'Lax', secure };
  const keep = (context: Context, what: string, value: unknown, lastingMs: number) => {
    const sealed = seal.seal(what, value, nowMs() + lastingMs);
    if (sealed.length > COOKIE_CHARS_MAX) return false;
    setCookie(context, name(what), sealed, { ...attributes, maxAge: Math.floor(lastingMs / 1_000) });
    return true;
  };
  const take = (context: Context, what: string) =>
    seal.open(what, getCookie(context, name(what)) ?? '', nowMs());
  return {
    read: (context) => take(context, 'session') as Session | undefined,
    begin: (context, session) => {
      const whole = { ...session, csrf: randomBytes(18).toString('base64url') };
      // Somebody of a thousand groups is logged in without their names: what they allow is decided already.
      if (!keep(context, 'session', whole, sessionMs))
        keep(context, 'session', { ...whole, groups: [] }, sessionMs);
    },
    end: (context) => void deleteCookie(context, name('session'), attributes),
    isForm: (session, csrf) => typeof csrf === 'string' && isEqual(csrf, session.csrf),
    isAdminToken: (token) => checkToken(token),
    sealNotice: (text) => seal.seal('notice', text, nowMs() + NOTICE_MS),
    openNotice: (sealed) => seal.open('notice', sealed ?? '', nowMs()) as string | undefined,
    keepLogin: (context, state) => void keep(context, 'login', state, LOGIN_MS),
    takeLogin: (context) => {
      const state = take(context, 'login') as LoginState | undefined;
      deleteCookie(context, name('login'), attributes);
      return state;
    },
  };
}

function isEqual(given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** A path of this server, or `/`: whoever follows it stays here. */
export function localPath(redirect: string | undefined): string {
  if (redirect === undefined || !/^\/(?![/\\])[\x21-\x7e]*$/.test(redirect) || redirect.includes('\\'))
    return '/';
  const base = 'http://here.invalid';
  const url = URL.canParse(redirect, base) ? new URL(redirect, base) : undefined;
  // `/..//elsewhere` has become `//elsewhere`.
  if (url?.origin !== base || url.pathname.startsWith('//')) return '/';
  return `${url.pathname}${url.search}${url.hash}`;
}
