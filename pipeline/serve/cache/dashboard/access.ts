import type { Context } from 'hono';
import type { CacheApiOptions } from '../options.ts';
import { HttpRefusal } from '../refusal.ts';
import type { Session, Sessions } from '../sessions.ts';
import type { Params } from './actions.ts';

/** admin: may change things. viewer: may look. none: must log in. closed: there is no dashboard. */
export type Access =
  | { readonly kind: 'admin'; readonly session: Session }
  | { readonly kind: 'viewer' }
  | { readonly kind: 'none' }
  | { readonly kind: 'closed' };

export function accessOf(context: Context, options: CacheApiOptions, sessions: Sessions): Access {
  const session = sessions.read(context);
  if (session?.isAdmin === true) return { kind: 'admin', session };
  if (options.publicDashboard) return { kind: 'viewer' };
  return { kind: canLogIn(options) ? 'none' : 'closed' };
}

export function canLogIn({ auth }: CacheApiOptions): boolean {
  return auth.adminToken !== undefined || auth.oidc?.adminGroup !== undefined;
}

/** Fields of a form, each once and as text. Refuses what another site's page has sent. */
export async function formOf(context: Context, publicUrl: string | undefined): Promise<Params> {
  assertOwnPage(context, publicUrl);
  if (!/^application\/x-www-form-urlencoded\b/.test(context.req.header('content-type') ?? ''))
    throw new HttpRefusal(415, 'this page takes its own form only');
  const fields = new URLSearchParams(await context.req.text());
  return Object.fromEntries(fields);
}

/** Cookies alone do not say that the form was ours: browsers tell where it was, and it carries a token besides. */
function assertOwnPage(context: Context, publicUrl: string | undefined): void {
  const site = context.req.header('sec-fetch-site');
  const origin = context.req.header('origin');
  const own = publicUrl === undefined ? undefined : new URL(publicUrl).origin;
  const isOwn =
    origin === undefined || origin === own || URL.parse(origin)?.host === context.req.header('host');
  if ((site === undefined || site === 'same-origin') && isOwn) return;
  throw new HttpRefusal(403, 'this form was not sent from the dashboard');
}
