import { setMaxListeners } from 'node:events';
import { existsSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import pLimit from 'p-limit';
import type { Logger } from 'pino';
import type { Bucket, RequestEvent } from './backends/bucket/contract.ts';
import { openBucket } from './backends/bucket/index.ts';
import type { Queue } from './backends/queue/contract.ts';
import { openQueue } from './backends/queue/index.ts';
import type { Warehouse } from './backends/warehouse/contract.ts';
import { openWarehouse } from './backends/warehouse/index.ts';
import { limitedBucket } from './collect/limited.ts';
import type { BuildReaders } from './collect/reading/contract.ts';
import { openReaders } from './collect/reading/open.ts';
import { RETRY_DEFAULTS, resilientBucket } from './collect/resilient.ts';
import { readSecret, type SecretName } from './config/secrets.ts';
import { loadSettings, type Settings, type SettingsFlags } from './config/settings.ts';
import type { Progress } from './monitor/contract.ts';
import { createProgress } from './monitor/progress.ts';
import { startWatchdog } from './monitor/watchdog.ts';
import { createLog } from './show/log.ts';
import { type Holder, holdDatabase, holderText } from './store/hold.ts';
import { openStore, type Store } from './store/open.ts';

/**
 * The composition root: opens backends, owns the clock, randomness and shutdown. Commands get one, and hand its parts to stages.
 */
export interface Context {
  readonly settings: Settings;
  readonly log: Logger;
  /** Take nothing new: aborted by SIGINT and SIGTERM, its reason names the signal; and by the watchdog. */
  readonly stopping: AbortSignal;
  /** End at once: aborted with `stopping`, or in a graceful command when its grace time is over. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** True where a person watches stderr. */
  readonly interactive: boolean;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** To read. `dryRun`: a database that is not there is not made. */
  openStore(options?: { readonly dryRun?: boolean }): Store;
  /**
   * To write: waits until nobody else does, then keeps others from it. Throws `conflict` with who holds it. `file`: another database
   * than the settings'.
   */
  holdStore(command: string, file?: string): Promise<Store>;
  /** Reads JUnit files: on threads of its own, which start with the first build. */
  readonly readers: BuildReaders;
  openBucket(url: string, options: BucketOptions): Bucket;
  openWarehouse(): Promise<Warehouse>;
  openQueue(url: string): Promise<Queue>;
  /** A secret: of the environment, else of a file. Never kept in settings, so that nothing prints it. */
  secret(name: SecretName): string | undefined;
  /** Runs when the command ends, last in first out. */
  onClose(work: () => void | Promise<void>): void;
  close(): Promise<void>;
}

export interface BucketOptions {
  readonly requestsInFlight: number;
  readonly anonymous?: boolean;
  readonly onRequest?: (event: RequestEvent) => void;
  readonly onRetry?: (error: unknown) => void;
}

export interface ContextOptions {
  /** What is under way when the command is told to end gets the grace time of the settings. */
  readonly graceful?: boolean;
  /** The database of mutation logs instead of the builds', unless --db names one. */
  readonly mutationLog?: boolean;
  /** The database of caches instead, likewise. */
  readonly cache?: boolean;
}

/** A variable of another tool, in whose place a command stands. Undefined where it is not set, or empty. */
export function othersVariable(name: Uppercase<string>): string | undefined {
  return process.env[name] || undefined;
}

/** Reads the settings (flags over environment over file over defaults) and makes the context of one command. */
export async function loadContext(flags: SettingsFlags, options: ContextOptions = {}): Promise<Context> {
  const settings = await loadSettings({ flags, env: process.env });
  return createContext({ ...settings, db: flags.db ?? databaseOf(settings, options) }, options);
}

function databaseOf(settings: Settings, { mutationLog, cache }: ContextOptions): string {
  if (mutationLog === true) return settings.mutationLog.db;
  return cache === true ? settings.cache.db : settings.db;
}

function createContext(settings: Settings, { graceful = false }: ContextOptions): Context {
  const stopping = new AbortController();
  const stop = new AbortController();
  // Every request in flight listens to them: that is no leak.
  setMaxListeners(0, stop.signal, stopping.signal);
  const graceMs = graceful ? settings.graceMs : 0;
  const interactive = Boolean(process.stderr.isTTY) && settings.logFormat !== 'json';
  const log = createLog(settings.logLevel, interactive);
  const closers: (() => void | Promise<void>)[] = [];
  const onClose = (work: () => void | Promise<void>) => void closers.push(work);
  const nowMs = () => Date.now();
  const sleep = (ms: number, signal?: AbortSignal) =>
    abortableSleep(ms, signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal]));
  const end = (reason: string, afterMs: number) => endBy({ stopping, stop, reason, afterMs, onClose });
  watchSignals(stopping.signal, log, onClose, (signal) => end(signal, graceMs));
  const progress = watchProgress(settings, { log, nowMs, onClose, end: () => end(STALLED, 0) });
  const readers = openReaders(settings.readers);
  onClose(() => readers.close());
  const open = (file: string) => {
    const store = openStore(file, { nowMs, onNotice: (text) => log.warn(text) });
    onClose(() => store.close());
    return store;
  };
  return {
    settings,
    log,
    stopping: stopping.signal,
    signal: stop.signal,
    progress,
    nowMs,
    random: Math.random,
    sleep,
    interactive,
    stdout: process.stdout,
    stderr: process.stderr,
    openStore: ({ dryRun = false } = {}) =>
      open(dryRun && !existsSync(settings.db) ? ':memory:' : settings.db),
    holdStore: async (command, file = settings.db) => {
      const around = { nowMs, sleep, signal: stop.signal, waitMs: settings.holdWaitMs };
      const onWait = (holder: Holder | undefined) =>
        log.info(
          `waiting for ${file}: held by ${holder === undefined ? 'another process' : holderText(holder)}`,
        );
      onClose(await holdDatabase(file, { command, ...around, onWait }));
      return open(file);
    },
    readers,
    openBucket: (url, options) => {
      const bucket = connectBucket(url, options, { settings, nowMs, sleep, signal: stop.signal });
      onClose(() => bucket.close());
      return bucket;
    },
    openWarehouse: async () => {
      const warehouse = await openWarehouse(settings.warehouse, warehouseOptions(settings));
      onClose(() => warehouse.close());
      return warehouse;
    },
    openQueue: (url) => {
      const { requestTimeoutMs, pubsubEndpoint } = settings;
      const endpoint = pubsubEndpoint === undefined ? {} : { endpoint: pubsubEndpoint };
      return openQueue(url, { nowMs, timeoutMs: requestTimeoutMs, ...endpoint });
    },
    secret: (name) => readSecret(name, settings, process.env),
    onClose,
    close: async () => {
      for (const work of closers.splice(0).reverse()) await work();
    },
  };
}

interface Surroundings {
  readonly settings: Settings;
  readonly nowMs: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Driver, then the limit on requests in flight, then retries: a request that waits to be tried again holds no place. */
function connectBucket(url: string, options: BucketOptions, around: Surroundings): Bucket {
  const driver = openBucket(url, {
    timeoutMs: around.settings.requestTimeoutMs,
    connections: options.requestsInFlight,
    ...(options.onRequest && { onRequest: options.onRequest }),
    ...(options.anonymous && { anonymous: true }),
    ...(around.settings.storageEndpoint !== undefined && { endpoint: around.settings.storageEndpoint }),
  });
  return resilientBucket(limitedBucket(driver, pLimit(options.requestsInFlight)), {
    ...RETRY_DEFAULTS,
    random: Math.random,
    clock: around.nowMs,
    sleep: around.sleep,
    signal: around.signal,
    ...(options.onRetry && { onRetry: options.onRetry }),
  });
}

/** How a warehouse is opened. */
export function warehouseOptions(settings: Settings) {
  return {
    timeoutMs: settings.requestTimeoutMs,
    loadTimeoutMs: settings.loadTimeoutMs,
    lockWaitMs: settings.holdWaitMs,
    queryBytesMax: settings.queryBytesMax,
    ...(settings.location !== undefined && { location: settings.location }),
    ...(settings.bigqueryEndpoint !== undefined && { endpoint: settings.bigqueryEndpoint }),
    ...(settings.storageWriteEndpoint !== undefined && {
      storageWriteEndpoint: settings.storageWriteEndpoint,
    }),
  };
}

/** The first signal asks for a clean end, the second ends at once. */
function watchSignals(
  stopping: AbortSignal,
  log: Logger,
  onClose: (work: () => void) => void,
  end: (signal: string) => void,
): void {
  const handle = (signal: NodeJS.Signals) => {
    if (stopping.aborted) process.exit(signal === 'SIGINT' ? 130 : 143);
    log.warn(`${signal}: finishing what is under way; once more to stop at once`);
    end(signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, handle);
    onClose(() => void process.off(signal, handle));
  }
}

/** Why a run ended that made no progress. */
export const STALLED = 'stalled';
/** For what does not listen to its signal. */
const LAST_RESORT_MS = 10_000;

interface Ending {
  readonly stopping: AbortController;
  readonly stop: AbortController;
  readonly reason: string;
  readonly afterMs: number;
  readonly onClose: (work: () => void) => void;
}

/** Nothing new from now on, nothing at all after the grace time, and no process a little later. */
function endBy({ stopping, stop, reason, afterMs, onClose }: Ending): void {
  stopping.abort(reason);
  if (afterMs === 0) stop.abort(reason);
  const grace = setTimeout(() => stop.abort(reason), afterMs);
  const last = setTimeout(() => process.exit(exitCodeOf(reason)), afterMs + LAST_RESORT_MS);
  for (const timer of [grace, last]) {
    timer.unref();
    onClose(() => clearTimeout(timer));
  }
}

/** The exit status of a run that was ended from outside, as the shell expects it. */
export function exitCodeOf(reason: unknown): number {
  return reason === 'SIGINT' ? 130 : reason === 'SIGTERM' ? 143 : 1;
}

interface Watched {
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly onClose: (work: () => void) => void;
  readonly end: () => void;
}

/** Watches progress, not life: a process that hangs ends with a dump of what it was doing, and whoever runs it starts it again. */
function watchProgress(settings: Settings, { log, nowMs, onClose, end }: Watched): Progress {
  const monotonicMs = () => performance.now();
  const progress = createProgress({ nowMs, monotonicMs, limitMs: settings.stallMs });
  const stopWatching = startWatchdog({
    progress,
    everyMs: Math.min(10_000, settings.stallMs / 4),
    monotonicMs,
    onStuck: (stuck, dump) => {
      const [worst] = stuck;
      const seconds = Math.round((worst?.silentMs ?? 0) / 1000);
      log.error(
        `no progress for ${seconds} s (${worst?.stage}: ${worst?.what}): ending, to be started again\n${dump}`,
      );
      end();
    },
  });
  onClose(stopWatching);
  return progress;
}

function abortableSleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
