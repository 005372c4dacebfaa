import type { Hands } from '../idling/change.ts';
import { type Listening, listenHttp } from '../listen.ts';
import { createUnidlerApp, type UnidlerAppOptions } from './app.ts';
import type { WakeOptions } from './contract.ts';
import { createLooker } from './look.ts';
import { createPage, type PageOptions } from './page.ts';
import { createWaker } from './waker.ts';

export interface UnidlerOptions extends WakeOptions, PageOptions {
  /** `:8080` as Go has it, `8080`, `HOST:PORT`. */
  readonly address: string;
  readonly wakeOnGet?: boolean;
  readonly holdMs?: number;
  readonly pageStatus?: 200 | 503;
  readonly ignoredAgents?: RegExp;
  readonly heartbeatMs?: number;
  /** Of each wake, how it ended and after how long. */
  readonly onEnd?: (outcome: 'success' | 'error', ms: number) => void;
}

const LIMITS = { connectionsMax: 2_000, silenceMs: 60_000 } as const;
const LOOK = { keptMs: 1_000, hostsMax: 1_000, atOnce: 4 } as const;
const WAKES = { wakesMax: 200, keptMs: { success: 5_000, error: 30_000 } } as const;
const PROBES = /kube-probe|ELB-HealthChecker|GoogleHC|Prometheus|bot\b|crawler|spider/i;

/** Serves waiting pages until it is closed. Throws `config` for an address or a template that will not do. */
export async function startUnidler(options: UnidlerOptions, hands: Hands): Promise<Listening> {
  const ended = new AbortController();
  const signal = AbortSignal.any([hands.signal, ended.signal]);
  const own = { ...hands, signal };
  const app: UnidlerAppOptions = {
    waker: createWaker({ ...options, ...WAKES }, own),
    looker: createLooker({ ...options, ...LOOK }, own),
    page: createPage(options),
    wakeOnGet: options.wakeOnGet ?? false,
    holdMs: options.holdMs ?? 0,
    holdsMax: 100,
    pageStatus: options.pageStatus ?? 200,
    heartbeatMs: options.heartbeatMs ?? 15_000,
    retryAfterSeconds: 10,
    ignoredAgents: options.ignoredAgents ?? PROBES,
    log: options.log,
    signal,
  };
  const address = /^\d+$/.test(options.address) ? `:${options.address}` : options.address;
  const listening = await listenHttp(address, createUnidlerApp(app), LIMITS);
  return {
    url: listening.url,
    close: async () => {
      ended.abort();
      await listening.close();
    },
  };
}
