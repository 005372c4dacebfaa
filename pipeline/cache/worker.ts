import { setMaxListeners } from 'node:events';
import { createPool } from '../collect/pool.ts';
import { SamovarError } from '../errors.ts';
import { asError } from './backoff.ts';
import { type Claim, claim, LEASE_MS, type Only } from './claim.ts';
import type { Upstream } from './contract.ts';
import type { RunRecord } from './engine.ts';
import { execute } from './execute.ts';
import type { CacheParts } from './parts.ts';
import { registryOf } from './registry.ts';

export interface WorkerOptions extends CacheParts {
  readonly http: Upstream;
  /** Of its own among all workers: host and process id. */
  readonly name: string;
  /** Jobs at once; a batch of keys that one call fetches is one. */
  readonly concurrency: number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
  /** Gives up what is running: it waits again, as if it had not begun. */
  readonly signal: AbortSignal;
  /** Takes no new jobs; what is running ends. */
  readonly stopping?: AbortSignal;
  /** Only these jobs, and those of what a derived provider is made of. */
  readonly only?: Only;
  /** Told of every job's end. */
  readonly onRun?: (run: RunRecord) => void;
  /** A job is given up after it; default 10 min. */
  readonly jobTimeoutMs?: number;
  /** How long a worker that gives no sign keeps its jobs; default 60 s. */
  readonly leaseMs?: number;
}

const JOB_TIMEOUT_MS = 10 * 60_000;
/** Without a job: how long until it looks again. */
const IDLE_MS = 500;
/** After an error of the database. */
const TROUBLE_MS = 5000;

type Took = 'job' | 'nothing' | 'trouble';

/** Carries out jobs until `stopping` or `signal`. */
export async function runWorker(options: WorkerOptions): Promise<void> {
  const { sleep, stopping, signal } = options;
  const worker = startWorker(options);
  const ending = AbortSignal.any(stopping === undefined ? [signal] : [signal, stopping]);
  try {
    while (!ending.aborted) {
      const took = await worker.take();
      if (took === 'job') continue;
      await sleep(took === 'trouble' ? TROUBLE_MS : IDLE_MS, ending).catch(() => undefined);
    }
    await worker.drain();
  } finally {
    worker.end();
  }
}

/** Carries out jobs until none is due any more (those that others run are not waited for); how many calls that were. */
export async function workOnce(options: WorkerOptions): Promise<number> {
  const { stopping, signal } = options;
  const worker = startWorker(options);
  try {
    while (!signal.aborted && !stopping?.aborted) {
      const took = await worker.take();
      if (took === 'job') continue;
      // A job that ends may make others due, or make room for them.
      if (!(await worker.oneEnded())) break;
    }
    await worker.drain();
    return worker.count();
  } finally {
    worker.end();
  }
}

function startWorker(options: WorkerOptions) {
  const { signal, concurrency, name, only, leaseMs = LEASE_MS } = options;
  registryOf(options.providers);
  // Every job under way listens to it: that is no leak.
  setMaxListeners(0, signal);
  const pool = createPool(concurrency);
  const running = new Map<Claim, AbortController>();
  const ended: (() => void)[] = [];
  let count = 0;
  const stopSigns = giveSigns(options, running, leaseMs);
  const run = async (claimed: Claim) => {
    const own = new AbortController();
    const onAbort = () => own.abort(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    const stopTimer = deadline(options, claimed, own);
    running.set(claimed, own);
    try {
      await execute(options, claimed, own.signal);
    } finally {
      stopTimer();
      signal.removeEventListener('abort', onAbort);
      running.delete(claimed);
      for (const wake of ended.splice(0)) wake();
    }
  };
  const take = () =>
    new Promise<Took>((resolve) => {
      // Nothing is claimed before there is room for it.
      void pool.submit(async () => {
        const claimed = tryClaim(options, name, only, leaseMs);
        if (typeof claimed === 'string') return resolve(claimed);
        count += 1;
        const work = run(claimed);
        resolve('job');
        await work;
      });
    });
  return {
    take,
    count: () => count,
    drain: () => pool.drain(),
    /** False: none is running. */
    oneEnded: async () => {
      if (running.size === 0) return false;
      await new Promise<void>((resolve) => ended.push(resolve));
      return true;
    },
    end: () => stopSigns(),
  };
}

function tryClaim(
  options: WorkerOptions,
  name: string,
  only: Only | undefined,
  leaseMs: number,
): Claim | Exclude<Took, 'job'> {
  try {
    return claim(options, name, only, leaseMs) ?? 'nothing';
  } catch (cause) {
    options.onNotice?.(asError(cause, name).message);
    return 'trouble';
  }
}

function deadline({ jobTimeoutMs = JOB_TIMEOUT_MS }: WorkerOptions, claimed: Claim, own: AbortController) {
  const { name } = claimed.provider;
  const timer = setTimeout(() => {
    const text = `${name}: not done within ${Math.round(jobTimeoutMs / 1000)} s`;
    own.abort(new SamovarError('timeout', text, { subject: name }));
  }, jobTimeoutMs);
  return () => clearTimeout(timer);
}

/** Keeps the leases of what runs, and gives up what was lost. */
function giveSigns(
  { store, nowMs, name, onNotice }: WorkerOptions,
  running: ReadonlyMap<Claim, AbortController>,
  leaseMs: number,
): () => void {
  const { leases, jobs } = store.cache;
  const sign = () => {
    try {
      const untilMs = nowMs() + leaseMs;
      leases.take({ role: 'worker', name, owner: name, nowMs: nowMs(), untilMs });
      if (running.size === 0) return;
      const held = jobs.renew(name, untilMs);
      for (const [claimed, own] of running)
        if (!claimed.jobs.some(({ id }) => held.has(id)))
          own.abort(new SamovarError('aborted', 'another worker has it'));
    } catch (cause) {
      onNotice?.(asError(cause, name).message);
    }
  };
  sign();
  const timer = setInterval(sign, leaseMs / 3);
  timer.unref();
  return () => {
    clearInterval(timer);
    try {
      leases.release('worker', name, name);
    } catch (cause) {
      onNotice?.(asError(cause, name).message);
    }
  };
}
