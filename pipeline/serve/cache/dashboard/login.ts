import { type Context, Hono } from 'hono';
import { html } from 'hono/html';
import { clientAddress } from '../client.ts';
import type { CacheApiOptions } from '../options.ts';
import { createRateLimit } from '../rate.ts';
import { HttpRefusal } from '../refusal.ts';
import type { Sessions } from '../sessions.ts';
import { canLogIn, formOf } from './access.ts';
import { type Html, page } from './layout.ts';

/** Guesses of the token, for one address. */
const LOGIN_RATE = { perSecond: 0.2, burst: 10, clientsMax: 10_000 };

/** Login by the admin token, or a link to the OpenID provider; and logout. */
export function loginPages(options: CacheApiOptions, sessions: Sessions): Hono {
  const { publicUrl, nowMs, rate, log } = options;
  const app = new Hono();
  const limit = createRateLimit({ ...LOGIN_RATE, proxies: 0 });
  const enter = () => {
    if (!canLogIn(options)) throw new HttpRefusal(404, 'there is no such page');
  };
  app.get('/dashboard/login', (context) => {
    enter();
    return context.html(loginPage(options, false));
  });
  app.post('/dashboard/login', async (context) => {
    enter();
    const waitMs = limit(clientAddress(context, rate?.proxies ?? 0), nowMs());
    if (waitMs > 0)
      throw new HttpRefusal(429, 'too many logins from this address', {
        retryAfterS: Math.ceil(waitMs / 1_000),
      });
    const { token = '' } = await formOf(context, publicUrl);
    if (!sessions.isAdminToken(token)) {
      log('a login at the dashboard was refused', 'the token is wrong');
      return context.html(loginPage(options, true), 403);
    }
    sessions.begin(context, { user: 'admin', groups: [], isAdmin: true, maySeePrivate: false });
    return context.redirect('/dashboard', 303);
  });
  app.post('/dashboard/logout', async (context: Context) => {
    enter();
    const session = sessions.read(context);
    const { csrf } = await formOf(context, publicUrl);
    if (session !== undefined && !sessions.isForm(session, csrf))
      throw new HttpRefusal(403, 'this form is of another session: load the page again');
    sessions.end(context);
    return context.redirect('/dashboard', 303);
  });
  return app;
}

function loginPage({ environment, auth, publicDashboard }: CacheApiOptions, wasWrong: boolean): Html {
  const wrong = html`<p class="note bad" role="alert" id="wrong">That is not the token.</p>`;
  const form = html`<form class="box" method="post" action="/dashboard/login">
<label for="token">Admin token</label>
<input type="password" id="token" name="token" autocomplete="current-password" required maxlength="512"${wasWrong ? html` aria-invalid="true" aria-describedby="wrong"` : ''}>
<p class="row"><button type="submit" class="main">Log in</button></p></form>`;
  const provider = html`<p><a class="button" href="/api/v1/oidc_login?redirect=/dashboard">Log in with your account</a></p>`;
  return page({
    title: 'Log in',
    environment,
    body: html`<section class="narrow">${wasWrong ? wrong : ''}${auth.adminToken === undefined ? '' : form}
${auth.oidc?.adminGroup === undefined ? '' : provider}${publicDashboard ? html`<p><a href="/dashboard">Look without logging in</a></p>` : ''}</section>`,
  });
}
