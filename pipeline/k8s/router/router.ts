import { listenHttp } from '../listen.ts';
import type { Repo } from '../supervisor/names.ts';
import { keyGuard } from './around.ts';
import { createWorkers } from './calls.ts';
import type { WorkerLimits } from './connections.ts';
import { createForward, type RetryRules } from './forward.ts';
import { type Method, startGrpc, type UnaryWork } from './grpc-server.ts';
import { LIST_PATH, listRepositories } from './list.ts';
import { loadMessages } from './messages.ts';
import { createRouterMetrics } from './metrics.ts';
import { RouteError } from './status.ts';
import { createTable, type Table } from './table.ts';
import { NO_TRACING, type Tracing } from './trace.ts';
import { routerPages } from './web.ts';

export interface RouterOptions {
  /** `HOST:PORT`, or `PORT` for this machine only. */
  readonly addresses: { readonly grpc: string; readonly http: string };
  readonly readList: () => Promise<readonly Repo[]>;
  /** Between two looks at the list. */
  readonly reloadMs: number;
  /** `HOST:PORT` of the worker of `owner/name`, whose Service is `mtr-s-<hash>`. */
  readonly workerAddress: (service: string, full: string) => string;
  /** Has the supervisor look at everything; throws RouteError. */
  readonly updateFleet: (signal: AbortSignal) => Promise<void>;
  /** Clients must give it; workers are given it too. */
  readonly apiKey?: string;
  /** For one call, whatever the client says. */
  readonly callMs: number;
  readonly retry?: RetryRules;
  readonly limits?: Partial<WorkerLimits>;
  /** Streaming methods beside those of drghs.v1: their path, and the field of the first message that names a repository. */
  readonly streams?: Readonly<Record<string, number>>;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly random: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly log: RouterLog;
  /** Nobody: calls have a trace all the same, for logs and workers. */
  readonly tracing?: Tracing;
  readonly signal: AbortSignal;
}

export interface RouterLog {
  failed(what: string, error: unknown, trace?: string): void;
  list(count: number): void;
}

export interface RunningRouter {
  readonly grpc: string;
  readonly http: string;
  /** Until the signal, and what was under way has ended. */
  readonly done: Promise<void>;
}

const RETRY: RetryRules = { attemptsMax: 5, firstMs: 100, lastMs: 2_000 };
const LIMITS: WorkerLimits = { answerBytesMax: 32_000_000, callsMax: 200, idleMs: 5 * 60_000 };
const WORKERS_AT_ONCE = 32;
const HTTP_LIMITS = { connectionsMax: 2_000, silenceMs: 120_000 };
const SERVICE = '/drghs.v1.IssueService';

/** Throws what the first reading of the list throws, and `config` for an address that cannot be had. */
export async function startRouter(options: RouterOptions): Promise<RunningRouter> {
  const { nowMs, callMs, log, signal } = options;
  const list = await keepList(options);
  const workers = createWorkers({ ...LIMITS, ...options.limits }, nowMs);
  const metrics = createRouterMetrics(options.monotonicMs, {
    repositories: () => list.table().all().length,
    connections: workers.size,
  });
  const forward = createForward({
    ...options,
    ...{ table: list.table, workers, retry: options.retry ?? RETRY },
    onRetry: metrics.retried,
  });
  const work = {
    list: (request: Buffer, around: Parameters<UnaryWork>[1]) =>
      listRepositories(request, around, { table: list.table, forward, nowMs, workersMax: WORKERS_AT_ONCE }),
    issues: ((request, around) =>
      forward.unary(`${SERVICE}/ListIssues`, 1, request, around)) satisfies UnaryWork,
    issue: ((request, around) =>
      forward.unary(`${SERVICE}/GetIssue`, 1, request, around)) satisfies UnaryWork,
  };
  const update = async () => {
    await options.updateFleet(signal);
    await list.reload();
  };
  const { tracing = NO_TRACING } = options;
  const around = { nowMs, callMs, tracing, guard: keyGuard(options.apiKey), begin: metrics.begin };
  const failed = (path: string, error: RouteError, trace: string) => {
    if (error.ours) log.failed(path, error, trace);
  };
  const methods = methodsOf(work, update, options.streams ?? {});
  const grpc = await startGrpc({
    ...{ ...around, address: options.addresses.grpc, methods, log: failed },
    ...{ table: list.table, workers, forward },
  });
  const pages = routerPages({
    ...{ ...around, ...work, update, messages: await loadMessages(), log: failed, render: metrics.render },
    notReady: () => (signal.aborted ? 'ending' : undefined),
  });
  const http = await listenHttp(options.addresses.http, pages.fetch, HTTP_LIMITS).catch(
    async (error: unknown) => {
      await grpc.close();
      throw error;
    },
  );
  const close = async () => {
    await Promise.all([grpc.close(), http.close()]);
    workers.close();
  };
  return { grpc: grpc.address, http: http.url, done: list.done.then(close) };
}

interface Work {
  readonly list: UnaryWork;
  readonly issues: UnaryWork;
  readonly issue: UnaryWork;
}

const SERVING = Buffer.from([0x08, 0x01]);

function methodsOf(
  work: Work,
  update: () => Promise<void>,
  streams: Readonly<Record<string, number>>,
): readonly Method[] {
  const empty = async () => Buffer.alloc(0);
  return [
    { path: LIST_PATH, unary: work.list },
    { path: `${SERVICE}/ListIssues`, unary: work.issues },
    { path: `${SERVICE}/GetIssue`, unary: work.issue },
    { path: '/drghs.v1.IssueServiceAdmin/UpdateTrackedRepos', unary: () => update().then(empty) },
    ...Object.entries(streams).map(([path, streamBy]) => ({ path, streamBy })),
    // A router that listens has its list: it can work, whatever its workers do.
    { path: '/grpc.health.v1.Health/Check', open: true, unary: async () => SERVING },
    {
      path: '/grpc.health.v1.Health/Watch',
      open: true,
      watch: (send) => {
        send(SERVING);
        return () => undefined;
      },
    },
  ];
}

interface KeptList {
  readonly table: () => Table;
  /** Throws UNAVAILABLE when it cannot be read; what was read before holds. */
  reload(): Promise<void>;
  readonly done: Promise<void>;
}

async function keepList({ readList, reloadMs, sleep, signal, log }: RouterOptions): Promise<KeptList> {
  let seen = '';
  let table = createTable([]);
  const read = async () => {
    const repos = await readList();
    const text = JSON.stringify(repos);
    if (text === seen) return;
    seen = text;
    table = createTable(repos);
    log.list(repos.length);
  };
  await read();
  const run = async () => {
    while (!signal.aborted) {
      await sleep(reloadMs, signal);
      if (!signal.aborted) await read().catch((error: unknown) => log.failed('reading the list', error));
    }
  };
  return {
    table: () => table,
    reload: () =>
      read().catch((cause: unknown) => {
        throw new RouteError('UNAVAILABLE', 'the list of repositories could not be read: try again', {
          cause,
        });
      }),
    done: run(),
  };
}
