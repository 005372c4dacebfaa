import { Hono } from 'hono';
import { oidcPages } from './oidc.ts';
import type { CacheApiOptions } from './options.ts';
import { HttpRefusal } from './refusal.ts';
import { localPath, type Sessions } from './sessions.ts';

/** Who is logged in, login and logout. Without a login provider everybody is a stranger. */
export function accountPages({ auth, publicUrl, log }: CacheApiOptions, sessions: Sessions): Hono {
  const app = new Hono();
  app.get('/api/v1/current_user', (context) => {
    const session = sessions.read(context);
    context.header('cache-control', 'no-store');
    return context.json({
      is_authenticated: session !== undefined,
      user: session?.user ?? null,
      fas_groups: session?.groups ?? [],
    });
  });
  app.get('/api/v1/oidc_logout', (context) => {
    sessions.end(context);
    return context.redirect(localPath(context.req.query('redirect')), 302);
  });
  if (auth.oidc !== undefined && publicUrl !== undefined)
    return app.route('/', oidcPages({ oidc: auth.oidc, sessions, publicUrl, log }));
  app.get('/api/v1/oidc_login', () => {
    throw new HttpRefusal(404, 'there is no login here: this server has no OpenID provider');
  });
  return app;
}
