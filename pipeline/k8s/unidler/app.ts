import { describeError, SamovarError } from '../../errors.ts';
import type { WakeEvent } from './contract.ts';
import { streamOnce, streamWake } from './events.ts';
import type { Looker, State } from './look.ts';
import type { UnidlerMetrics } from './metrics.ts';
import type { Page } from './page.ts';
import { hostOf, isForeign, pathBack, wantsPage } from './request.ts';
import type { Wake, Waker } from './waker.ts';

export interface UnidlerAppOptions {
  readonly waker: Waker;
  readonly looker: Looker;
  readonly page: Page;
  /** As the original: who looks at `/events/` wakes, be it a crawler. */
  readonly wakeOnGet: boolean;
  /** How long programs' requests may wait for their app, which they wake then; 0: they are told to come again. */
  readonly holdMs: number;
  readonly holdsMax: number;
  /** Pause before what is ready already is sent on: an ingress that lags behind would have it here again, and again. */
  readonly lagMs: number;
  /** 200 as the original's, or 503, which tells crawlers and monitors that this is not the app. */
  readonly pageStatus: 200 | 503;
  readonly heartbeatMs: number;
  /** What programs are told, in seconds. */
  readonly retryAfterSeconds: number;
  /** User agents whose requests are no reason to wake anything: probes, crawlers. */
  readonly ignoredAgents: RegExp;
  readonly metrics: Pick<UnidlerMetrics, 'begin'>;
  readonly log: (message: string, details: Readonly<Record<string, unknown>>) => void;
  /** Ends streams and holds. */
  readonly signal: AbortSignal;
}

const SECURE = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  // By which the page tells the unidler from the app that it waits for.
  'x-unidler': 'samovar',
};

/** What is asked of sleeping apps' hosts, on any path. */
export function createUnidlerApp(options: UnidlerAppOptions) {
  const holds = { count: 0 };
  return async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const { pathname } = url;
    if (pathname === '/healthz')
      return new Response('Still OK', { headers: { 'content-type': 'text/plain' } });
    const host = hostOf(request);
    if (host === undefined) return told(400, { message: 'That is no host.' });
    try {
      if (/^\/events\/?$/.test(pathname) && request.method === 'GET')
        return await answerEvents(request, host, options);
      if (pathname === '/wake' && request.method === 'POST') return await answerWake(request, host, options);
      if (wantsPage(request)) return await answerPage(host, `${pathname}${url.search}`, options);
      return await answerProgram(request, host, holds, options);
    } catch (error) {
      options.log('a request failed', { host, reason: describeError(error) });
      return told(503, { message: 'The cluster does not answer. Try again in a moment.' }, 5);
    }
  };
}

async function answerEvents(request: Request, host: string, options: UnidlerAppOptions): Promise<Response> {
  const wake = options.wakeOnGet ? options.waker.wake(host) : await currentWake(host, options);
  const { heartbeatMs, signal, metrics } = options;
  const lastEventId = request.headers.get('last-event-id') ?? undefined;
  if (typeof wake === 'object')
    return streamWake(wake, { heartbeatMs, lastEventId, signal, onEnd: metrics.begin('streams') });
  return streamOnce(EVENTS[wake]);
}

const EVENTS: Readonly<Record<Exclude<State, 'waking'>, WakeEvent>> = {
  idle: { type: 'idle', text: 'App is idle.' },
  live: { type: 'success', text: 'Ready' },
  unknown: { type: 'error', text: 'Ingress for your app not found.' },
};

/** What another process began is gone on with: nothing is woken by it that nobody asked for. */
async function currentWake(
  host: string,
  { waker, looker }: UnidlerAppOptions,
): Promise<Wake | Exclude<State, 'waking'>> {
  const known = waker.current(host);
  if (known !== undefined && known.outcome !== 'success') return known;
  const state = await looker.stateOf(host);
  if (state === 'waking') return waker.wake(host);
  return known ?? state;
}

async function answerWake(request: Request, host: string, options: UnidlerAppOptions): Promise<Response> {
  if (isForeign(request, host)) return told(403, { message: 'Another site may not wake this app.' });
  const failed = options.waker.current(host)?.outcome === 'error';
  try {
    if (failed) options.waker.forget(host);
    options.waker.wake(host);
  } catch (error) {
    if (!(error instanceof SamovarError && error.code === 'throttled')) throw error;
    return told(503, { message: error.message }, options.retryAfterSeconds);
  }
  if (!(request.headers.get('accept') ?? '').includes('text/html'))
    return told(202, { message: 'It is being woken.', events: '/events/' }, options.retryAfterSeconds);
  const location = pathBack(new URL(request.url));
  return new Response(null, { status: 303, headers: { ...SECURE, location } });
}

async function answerPage(host: string, back: string, options: UnidlerAppOptions): Promise<Response> {
  const wake = await currentWake(host, options);
  const state = typeof wake === 'string' ? wake : stateOf(wake);
  const events = typeof wake === 'string' ? [] : wake.events;
  const status = state === 'unknown' ? 404 : options.pageStatus;
  return new Response(options.page.render({ state, events, back }), {
    status,
    headers: {
      ...SECURE,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': options.page.policy,
      'x-robots-tag': 'noindex',
      ...(status === 503 && { 'retry-after': String(options.retryAfterSeconds) }),
    },
  });
}

function stateOf({ outcome }: Wake) {
  if (outcome === 'error') return 'failed';
  return outcome === 'success' ? 'live' : 'waking';
}

async function answerProgram(
  request: Request,
  host: string,
  holds: { count: number },
  options: UnidlerAppOptions,
): Promise<Response> {
  const { holdMs, holdsMax, ignoredAgents, lagMs, waker } = options;
  const agent = request.headers.get('user-agent') ?? '';
  const isHeld = holdMs > 0 && holds.count < holdsMax && !ignoredAgents.test(agent);
  const state = await currentWake(host, options);
  if (state === 'unknown') return told(404, { message: 'No app of this cluster has this host.' });
  if (!isHeld) return comeAgain(typeof state === 'string' ? state : stateOf(state), options);
  holds.count += 1;
  const ended = options.metrics.begin('holds');
  try {
    const isReady = state === 'live' || (typeof state === 'object' && state.outcome === 'success');
    const wake = isReady ? undefined : waker.wake(host);
    const signal = AbortSignal.any([request.signal, options.signal]);
    await (wake === undefined ? atMost(undefined, lagMs, signal) : atMost(wake.done, holdMs, signal));
    if (wake !== undefined && wake.outcome !== 'success') return comeAgain(stateOf(wake), options);
    // The same request again, with its method and body, goes to the app.
    const { pathname, search } = new URL(request.url);
    const headers = { ...SECURE, location: `${pathname.replace(/^\/+/, '/')}${search}`, 'retry-after': '1' };
    return new Response(null, { status: 307, headers });
  } finally {
    holds.count -= 1;
    ended();
  }
}

function comeAgain(state: string, { retryAfterSeconds }: UnidlerAppOptions): Response {
  const message =
    state === 'idle' ? 'This app is asleep: POST /wake wakes it.' : 'This app is not ready yet.';
  return told(503, { message, state, wake: '/wake', events: '/events/' }, retryAfterSeconds);
}

function told(status: number, value: object, retryAfterSeconds?: number): Response {
  return new Response(`${JSON.stringify(value)}\n`, {
    status,
    headers: {
      ...SECURE,
      'content-type': 'application/json',
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
    },
  });
}

function atMost(work: Promise<void> | undefined, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    void work?.then(end);
  });
}
