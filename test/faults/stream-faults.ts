import { setTimeout as sleep } from 'node:timers/promises';
import { randomFor } from '../../pipeline/demo/random.ts';
import { startTcpProxy } from '../support/storage-write-fake-tcp.ts';
import { type Case, isGood, type Section, type Verdict } from './case.ts';
import { recoverAndJudge } from './recover.ts';
import { prepareStream, type StreamWorld, type StreamWriter, streamPubSub } from './scenarios/stream.ts';
import { type Bench, runIn, type TableRows } from './world.ts';

const BOUND_MS = 150_000;
const SHORT = {
  SAMOVAR_REQUEST_TIMEOUT_SECONDS: '2',
  SAMOVAR_LOAD_TIMEOUT_MINUTES: '0.15',
  SAMOVAR_FAULT_HURRY: '0.05',
};
const RESETS = 8;
const RESET_EVERY_MS = 400;

type Warehouse = 'DuckDB' | 'BigQuery';

interface StreamFault {
  readonly name: string;
  /** Sets the fault up; what it gives back ends it and says how often it happened. */
  readonly begin: (world: StreamWorld, bench: Bench) => Promise<Begun>;
}

interface Begun {
  readonly env?: Readonly<Record<string, string>>;
  readonly end: () => Promise<number>;
}

/** So many times each; what is left over of them did not happen. */
const TIMES = 2;

/** Faults of the servers' own, which count down as they happen. */
function counted(
  name: string,
  countersOf: (world: StreamWorld) => Record<string, number>,
  keys: readonly string[],
): StreamFault {
  return {
    name,
    begin: async (world) => {
      const counters = countersOf(world);
      for (const key of keys) counters[key] = TIMES;
      return {
        end: async () => {
          const left = keys.reduce((sum, key) => sum + (counters[key] ?? 0), 0);
          for (const key of keys) counters[key] = 0;
          return keys.length * TIMES - left;
        },
      };
    },
  };
}

const ofServer = (world: StreamWorld) => world.bigquery.faults as unknown as Record<string, number>;
const ofWrites = (world: StreamWorld) =>
  world.bigquery.storageWrite.faults as unknown as Record<string, number>;

const TOLD_AGAIN: StreamFault = {
  name: 'everything told three times, in random order',
  begin: async (world, bench) => {
    const random = randomFor(bench.options.seed, 'told again');
    const again = [...world.notices, ...world.notices]
      .map((notice) => ({ notice, key: random.next() }))
      .sort((a, b) => a.key - b.key)
      .map(({ notice }) => notice);
    for (const notice of again) world.subscription.publish(notice);
    return { end: async () => again.length };
  },
};

const QUEUE_RESETS: StreamFault = {
  name: 'queue connection reset again and again',
  begin: async (world) => {
    const [host = '', port = ''] = (world.env.SAMOVAR_PUBSUB_ENDPOINT ?? '').split(':');
    const proxy = await startTcpProxy(Number(port));
    let resets = 0;
    let ended = false;
    const loop = (async () => {
      while (!ended && resets < RESETS) {
        await sleep(RESET_EVERY_MS);
        proxy.reset();
        resets += 1;
      }
    })();
    return {
      env: { SAMOVAR_PUBSUB_ENDPOINT: `${host}:${proxy.port}` },
      end: async () => {
        ended = true;
        await loop;
        await proxy.stop();
        return resets;
      },
    };
  },
};

const ofQueue = (world: StreamWorld) => world.subscription.faults as unknown as Record<string, number>;

const LOAD_FAULTS = [
  TOLD_AGAIN,
  QUEUE_RESETS,
  counted('acknowledgements lost', ofQueue, ['lostAcks']),
  counted('acknowledgements refused', ofQueue, ['refusedAcks']),
  counted('acknowledgements taken, answers stalled', ofQueue, ['stalledAcks']),
];
const STAGES: readonly (readonly [Warehouse, StreamWriter, readonly StreamFault[]])[] = [
  ['DuckDB', 'load', LOAD_FAULTS],
  [
    'BigQuery',
    'storage-write',
    [
      TOLD_AGAIN,
      counted('appends taken, answers lost', ofWrites, ['lostAppends']),
      counted('connections reset before appends', ofWrites, ['resetAppends']),
      counted('appends taken, answers stalled', ofWrites, ['stalledAppends']),
      counted('appends never looked at', ofWrites, ['ignoredAppends']),
      counted('appends refused: INTERNAL, UNAVAILABLE', ofWrites, ['internalAppends', 'unavailable']),
      counted('streams made, answers stalled', ofWrites, ['stalledCalls']),
    ],
  ],
  [
    'BigQuery',
    'insert-all',
    [
      TOLD_AGAIN,
      {
        name: 'inserts taken, answers lost, ids forgotten',
        begin: (world, bench) => {
          world.bigquery.faults.dedupe = false;
          return counted('', ofServer, ['lostInserts']).begin(world, bench);
        },
      },
      counted('inserts refused: 503', ofServer, ['unavailableInserts']),
    ],
  ],
];

/** Streams among faults; then the servers are well. Each writer has its own section, because each has its own servers. */
export function streamFaultSections(bench: Bench): readonly Section[] {
  return STAGES.map(([warehouse, writer, faults]) => {
    const scenario = streamPubSub(warehouse, writer);
    return {
      name: `faults in ${scenario.name}`,
      open: async () => {
        const prepared = await prepareStream(bench, { warehouse, writer });
        try {
          const wanted = await wantedOf(bench, prepared);
          const shared = { stage: scenario.name, prepared, wanted };
          return { cases: faults.map((fault) => streamCase(bench, shared, fault)), close: prepared.close };
        } catch (error) {
          await prepared.close();
          throw error;
        }
      },
    };
  });
}

type StreamPrepared = Awaited<ReturnType<typeof prepareStream>>;

async function wantedOf(bench: Bench, prepared: StreamPrepared): Promise<TableRows> {
  const world = await prepared.open();
  try {
    const run = await runIn(bench, world, BOUND_MS);
    if (run.code !== 0) throw new Error(`fails without any fault:\n${run.stderr}`);
    return await world.rows();
  } finally {
    await world.close();
    bench.dropFolder(world.folder, false);
  }
}

interface Shared {
  readonly stage: string;
  readonly prepared: StreamPrepared;
  readonly wanted: TableRows;
}

function streamCase(bench: Bench, shared: Shared, fault: StreamFault): Case {
  return {
    fault: fault.name,
    stage: shared.stage,
    label: fault.name,
    replay: `--only "faults in ${shared.stage}: ${fault.name}"`,
    run: () => runStream(bench, shared, fault),
  };
}

async function runStream(bench: Bench, { prepared, wanted }: Shared, fault: StreamFault): Promise<Verdict> {
  const world = await prepared.open();
  let failed = true;
  try {
    const begun = await fault.begin(world, bench);
    const env = { ...SHORT, ...begun.env };
    const first = await runIn(bench, world, BOUND_MS, { env });
    const injected = await begun.end();
    const verdict = await recoverAndJudge(bench, world, {
      boundMs: BOUND_MS,
      wanted,
      injected,
      before: first,
    });
    const problems = [...verdict.problems];
    if (first.late) problems.push(`the run did not end by itself within ${BOUND_MS / 1000} s`);
    if (/\n\s+at .*\(/.test(first.stderr)) problems.push('the run ended in a stack trace');
    failed = !isGood({ ...verdict, problems });
    const doubles = await world.rawDoubles();
    const remark =
      doubles === 0
        ? {}
        : {
            remark: `${fault.name}: ${doubles} rows more in the tables, which the views of the newest rows leave out`,
          };
    return {
      ...verdict,
      problems,
      ...remark,
      note: `exit ${first.code} after ${(first.ms / 1000).toFixed(1)} s`,
    };
  } finally {
    await world.close();
    bench.dropFolder(world.folder, failed);
  }
}
