import { type Context, Hono } from 'hono';
import { html } from 'hono/html';
import { isKnown } from '../motd.ts';
import type { CacheApiOptions } from '../options.ts';
import { HttpRefusal } from '../refusal.ts';
import type { Session, Sessions } from '../sessions.ts';
import { type Access, accessOf, canLogIn, formOf } from './access.ts';
import { actionOf, type Params, runAction } from './actions.ts';
import { createFragments, type Fragment } from './fragments.ts';
import { ASSETS, type Html, PAGE_POLICY, page } from './layout.ts';
import { loginPages } from './login.ts';

/** The queue and the cache, for people. There is none (404) without somebody who could log in, unless everybody may look. */
export function dashboardPages(options: CacheApiOptions, sessions: Sessions): Hono {
  const app = new Hono();
  const fragments = createFragments(options);
  app.use('/dashboard/*', async (context, next) => {
    await next();
    context.header('content-security-policy', PAGE_POLICY);
    // With `no-referrer` browsers send `Origin: null` with a form, and it could not be told whose it is.
    context.header('referrer-policy', 'same-origin');
    if (!context.res.headers.has('cache-control')) context.header('cache-control', 'no-store');
  });
  for (const { path, type, text } of ASSETS)
    app.get(path, (context) => {
      context.header('cache-control', 'public, max-age=31536000, immutable');
      return context.body(text, 200, { 'content-type': type });
    });
  app.get('/dashboard', async (context) => {
    const access = enter(context, options, sessions);
    if (access.kind === 'none') return context.redirect('/dashboard/login', 302);
    const notice = sessions.openNotice(context.req.query('done'));
    return context.html(dashboard(options, access, await fragments.show(access.kind === 'admin'), notice));
  });
  app.get('/dashboard/live', async (context) => {
    const access = enter(context, options, sessions);
    if (access.kind === 'none') throw new HttpRefusal(401, 'log in');
    const { body, etag } = await fragments.show(access.kind === 'admin');
    context.header('etag', etag);
    if (isKnown(context.req.header('if-none-match'), etag)) return context.body(null, 304);
    return context.html(body);
  });
  deedPages(app, options, sessions, fragments.forget);
  return app.route('/', loginPages(options, sessions));
}

function enter(context: Context, options: CacheApiOptions, sessions: Sessions): Access {
  const access = accessOf(context, options, sessions);
  if (access.kind === 'closed') throw new HttpRefusal(404, 'there is no such page');
  return access;
}

function dashboard(
  options: CacheApiOptions,
  access: Access,
  { etag, html: live }: Fragment,
  notice: string | undefined,
): Html {
  const { environment } = options;
  const head = html`<button type="button" id="toggle" hidden>Stop live updates</button>
${access.kind === 'admin' ? logoutForm(access.session) : canLogIn(options) ? html`<a class="button" href="/dashboard/login">Log in</a>` : ''}`;
  return page({
    title: 'Cache',
    environment,
    head,
    isLive: true,
    body: html`${notice === undefined ? '' : html`<p class="note" role="status">${notice}</p>`}
<p class="note" id="said" role="status"></p>
<div id="live" data-etag="${etag}">${live}</div>`,
  });
}

function logoutForm({ user, csrf }: Session): Html {
  return html`<span class="soft">${user}</span><form method="post" action="/dashboard/logout"><input type="hidden" name="csrf" value="${csrf}"><button type="submit">Log out</button></form>`;
}

/** First a page that asks, then the deed, then back with what came of it. */
function deedPages(app: Hono, options: CacheApiOptions, sessions: Sessions, done: () => void): void {
  const { cache, environment, publicUrl, log } = options;
  const admin = (context: Context): Session => {
    const access = enter(context, options, sessions);
    if (access.kind === 'admin') return access.session;
    throw new HttpRefusal(
      access.kind === 'none' ? 401 : 403,
      'only who is logged in as an operator may do that',
    );
  };
  app.get('/dashboard/confirm', (context) => {
    const { csrf } = admin(context);
    const params: Params = context.req.query();
    return context.html(confirmation(environment, params, csrf, actionOf(params).explain(cache, params)));
  });
  app.post('/dashboard/do', async (context) => {
    const session = admin(context);
    const params = await formOf(context, publicUrl);
    if (!sessions.isForm(session, params.csrf))
      throw new HttpRefusal(403, 'this form is of another session: load the page again');
    const said = runAction(cache, params);
    done();
    const what = ['do', 'provider', 'job', 'key', 'prefix', 'how'].map((name) => params[name] ?? '');
    log(`${session.user} did something on the dashboard`, JSON.stringify(what));
    return context.redirect(`/dashboard?done=${sessions.sealNotice(said)}`, 303);
  });
}

function confirmation(environment: string, params: Params, csrf: string, explained: Html): Html {
  const { title, isDangerous } = actionOf(params);
  const about = params.provider ?? (params.job === undefined ? 'all providers' : `job ${params.job}`);
  const kept = ['do', 'provider', 'job'].flatMap((name) => {
    const value = params[name];
    return value === undefined ? [] : [html`<input type="hidden" name="${name}" value="${value}">`];
  });
  return page({
    title: `${title} ${about}?`,
    environment,
    body: html`<section class="narrow"><form class="box" method="post" action="/dashboard/do">
<input type="hidden" name="csrf" value="${csrf}">${kept}
${explained}
<p class="row"><button type="submit" class="${isDangerous ? 'danger' : 'main'}">${title}</button> <a class="button" href="/dashboard">Back</a></p>
</form></section>`,
  });
}
