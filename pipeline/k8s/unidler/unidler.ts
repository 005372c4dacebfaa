import type { Hands } from '../idling/change.ts';
import { createKubeEvents, type Happened } from '../idling/kube-events.ts';
import { listenMetrics } from '../idling/metrics-page.ts';
import { type Listening, listenHttp } from '../listen.ts';
import { createUnidlerApp, type UnidlerAppOptions } from './app.ts';
import type { News, WakeOptions } from './contract.ts';
import { createLooker } from './look.ts';
import { createUnidlerMetrics } from './metrics.ts';
import { createPage, type PageOptions } from './page.ts';
import { createWaker, type Waker } from './waker.ts';
import { createWebhook } from './webhook.ts';

export interface UnidlerOptions extends WakeOptions, PageOptions {
  /** `:8080` as Go has it, `8080`, `HOST:PORT`. */
  readonly address: string;
  /** Of /metrics, which hosts of visitors do not show. Undefined: nowhere. */
  readonly metricsAddress?: string;
  /** Told when a wake begins and ends. */
  readonly webhook?: string;
  readonly wakeOnGet?: boolean;
  readonly holdMs?: number;
  /** Pause before a held request is sent on to an app that was ready already. */
  readonly lagMs?: number;
  readonly pageStatus?: 200 | 503;
  readonly ignoredAgents?: RegExp;
  readonly heartbeatMs?: number;
  /** When a wake begins, and how it ends. */
  readonly onNews?: (news: News) => void;
}

export interface Unidler extends Listening {
  /** Where /metrics is; undefined: nowhere. */
  readonly metricsUrl: string | undefined;
}

const LIMITS = { connectionsMax: 2_000, silenceMs: 60_000 } as const;
const LOOK = { keptMs: 1_000, hostsMax: 1_000, atOnce: 4 } as const;
const WAKES = { wakesMax: 200, keptMs: { success: 5_000, error: 30_000 } } as const;
const PROBES = /kube-probe|ELB-HealthChecker|GoogleHC|Prometheus|bot\b|crawler|spider/i;
/** What a wake tells others is no reason to wait for them. */
const TELL_MS = 10_000;

/** Serves waiting pages until it is closed. Throws `config` for an address, a template or a webhook that will not do. */
export async function startUnidler(options: UnidlerOptions, hands: Hands): Promise<Unidler> {
  const ended = new AbortController();
  const signal = AbortSignal.any([hands.signal, ended.signal]);
  const page = createPage(options);
  const metrics = createUnidlerMetrics(() => waker.count());
  const own = { ...hands, signal, onRetry: metrics.retried };
  const tellers = [metrics.news, ...tellersOf(options, own), options.onNews];
  const onNews = (news: News) => {
    for (const tell of tellers) tell?.(news);
  };
  const waker: Waker = createWaker({ ...options, ...WAKES, onNews }, own);
  const app: UnidlerAppOptions = {
    ...{ waker, page, metrics, signal },
    looker: createLooker({ ...options, ...LOOK }, own),
    wakeOnGet: options.wakeOnGet ?? false,
    holdMs: options.holdMs ?? 0,
    holdsMax: 100,
    lagMs: options.lagMs ?? 1_000,
    pageStatus: options.pageStatus ?? 200,
    heartbeatMs: options.heartbeatMs ?? 15_000,
    retryAfterSeconds: 10,
    ignoredAgents: options.ignoredAgents ?? PROBES,
    log: options.log,
  };
  const { metricsAddress } = options;
  const measured =
    metricsAddress === undefined ? undefined : await listenMetrics(metricsAddress, metrics.render);
  const address = /^\d+$/.test(options.address) ? `:${options.address}` : options.address;
  try {
    const listening = await listenHttp(address, createUnidlerApp(app), LIMITS);
    const close = async () => {
      ended.abort();
      await Promise.all([listening.close(), measured?.close()]);
    };
    return { url: listening.url, metricsUrl: measured && `${measured.url}/metrics`, close };
  } catch (error) {
    await measured?.close();
    throw error;
  }
}

const REASONS: Readonly<Record<News['what'], Happened['reason']>> = {
  started: 'Unidling',
  ready: 'Unidled',
  failed: 'UnidleFailed',
};

/** Those beside metrics who are told of wakes: none of them keeps a wake waiting, or makes it fail. */
function tellersOf({ webhook, log }: UnidlerOptions, hands: Hands): readonly ((news: News) => void)[] {
  const events = createKubeEvents({ component: 'samovar-unidler', timeoutMs: TELL_MS, log }, hands);
  const note = ({ what, host, app, text, ms }: News) => {
    const seconds = what === 'ready' ? ` after ${Math.round(ms / 1000)} s` : '';
    const message = what === 'started' ? `Somebody asked for ${host}.` : `${host}: ${text}${seconds}`;
    void events.note(app?.workloads ?? [], { reason: REASONS[what], message });
  };
  return webhook === undefined
    ? [note]
    : [note, createWebhook({ url: webhook, timeoutMs: TELL_MS, log }, hands)];
}
