import { setMaxListeners } from 'node:events';
import { type Listening, listenHttp } from '../listen.ts';
import type { Report, Step } from './contract.ts';
import { createLoop, type Loop } from './loop.ts';
import { createSupervisorMetrics } from './metrics.ts';
import { supervisorPages } from './pages.ts';
import { createReconciler, type ReconcileOptions } from './reconcile.ts';
import { watchFleet } from './watch.ts';

export interface SupervisorOptions extends Omit<ReconcileOptions, 'onStep'> {
  /** `HOST:PORT` of /update, /healthz, /readyz and /metrics. */
  readonly address: string;
  readonly everyMs: number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** Runs the work while this process leads, again whenever it leads again, until the signal. */
  readonly lead: (work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal) => Promise<void>;
  readonly log: SupervisorLog;
  readonly signal: AbortSignal;
  /** For tests. */
  readonly retryMs?: number;
  readonly settleMs?: number;
}

export interface SupervisorLog {
  report(report: Report): void;
  step(step: Step, failure: unknown): void;
  watchFailed(error: unknown): void;
  leads(leads: boolean): void;
}

export interface RunningSupervisor {
  readonly url: string;
  /** Until the signal; rejects when it cannot go on. */
  readonly done: Promise<void>;
}

const RETRY_MS = 5_000;
const SETTLE_MS = 2_000;
/** A pass that takes longer hangs: each of its calls has a deadline of its own. */
const PASS_MS_MAX = 15 * 60_000;

/** Keeps the fleet as the list says, while it leads. Throws `config` for an address that cannot be had. */
export async function startSupervisor(options: SupervisorOptions): Promise<RunningSupervisor> {
  const { nowMs, log, signal, lead } = options;
  const metrics = createSupervisorMetrics();
  const state: State = {};
  const listening = await listenHttp(
    options.address,
    supervisorPages({
      update: () => state.loop?.update(),
      leads: () => state.loop !== undefined,
      stuck: () =>
        nowMs() - (state.beganMs ?? nowMs()) > PASS_MS_MAX
          ? 'a pass hangs: start this process again'
          : undefined,
      render: metrics.render,
    }).fetch,
    { connectionsMax: 100, silenceMs: PASS_MS_MAX },
  );
  const turn = async (leading: AbortSignal) => {
    metrics.leads(true);
    log.leads(true);
    try {
      await leadFleet(options, state, metrics, leading);
    } finally {
      delete state.loop;
      metrics.leads(false);
      log.leads(false);
    }
  };
  return { url: listening.url, done: ended(lead(turn, signal), listening) };
}

interface State {
  loop?: Loop;
  /** When the pass began that is under way. */
  beganMs?: number;
}

async function ended(work: Promise<void>, listening: Listening): Promise<void> {
  try {
    await work;
  } finally {
    await listening.close();
  }
}

/** With nothing remembered from the last time: what others did meanwhile is seen, not guessed. */
async function leadFleet(
  options: SupervisorOptions,
  state: State,
  metrics: ReturnType<typeof createSupervisorMetrics>,
  signal: AbortSignal,
): Promise<void> {
  const {
    cluster,
    namespace,
    nowMs,
    sleep,
    log,
    everyMs,
    retryMs = RETRY_MS,
    settleMs = SETTLE_MS,
  } = options;
  const onStep = (step: Step, failure: unknown) => {
    metrics.step(step, failure);
    log.step(step, failure);
  };
  const reconciler = createReconciler({ ...options, onStep });
  const pass = async (around: AbortSignal) => {
    state.beganMs = nowMs();
    try {
      return await reconciler.pass(around);
    } finally {
      delete state.beganMs;
    }
  };
  const onReport = (report: Report) => {
    metrics.report(report, nowMs());
    log.report(report);
  };
  const loop = createLoop({ pass, everyMs, retryMs, settleMs, sleep, onReport });
  state.loop = loop;
  // Whichever fails ends the other: a supervisor that no longer watches is not left half alive.
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  // Each call under way listens to it.
  setMaxListeners(0, both);
  const watched = watchFleet({
    ...{ cluster, namespace, sleep, retryMs, signal: both },
    onChange: loop.poke,
    onFailure: log.watchFailed,
  });
  try {
    await Promise.race([loop.run(both), watched]);
  } finally {
    stop.abort();
    await watched;
  }
}
