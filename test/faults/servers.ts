import { randomFor } from '../../pipeline/demo/random.ts';
import type { ProxyChoice, ProxyFault } from '../support/fault-proxy.ts';
import type { GcsServer } from '../support/gcs-server.ts';
import { type Case, isGood, type Section, type Verdict } from './case.ts';
import { comparePaths } from './compare.ts';
import { expectedPaths } from './corpus.ts';
import { recoverAndJudge } from './recover.ts';
import { GS_URL, openGsWorld, startCorpusServer } from './scenarios/gs-bigquery.ts';
import { type Bench, runIn, type TableRows } from './world.ts';

/** Settings under which a run among faults is a matter of seconds. */
const SHORT = {
  SAMOVAR_REQUEST_TIMEOUT_SECONDS: '2',
  SAMOVAR_LOAD_TIMEOUT_MINUTES: '0.15',
  SAMOVAR_FAULT_HURRY: '0.05',
};
/** A run must end by itself, whatever servers do. */
const BOUND_MS = 150_000;
const DAY_S = 86_400;

interface ServerFault {
  readonly name: string;
  readonly fault: ProxyFault;
  /** Of the requests. */
  readonly share: number;
  /** Then it is over. */
  readonly times: number;
  /** What only changes the server's state; absent: everything. */
  readonly method?: 'POST';
}

const MANY = 1_000;

const FAULTS: readonly ServerFault[] = [
  { name: 'latency', fault: { kind: 'latency', ms: 150 }, share: 0.5, times: MANY },
  { name: 'stall without end', fault: { kind: 'stall' }, share: 0.3, times: 3 },
  { name: 'answer that never comes', fault: { kind: 'stall-answer' }, share: 0.3, times: 3 },
  { name: 'reset before', fault: { kind: 'reset' }, share: 0.4, times: 12 },
  { name: 'lost answer', fault: { kind: 'lost-answer' }, share: 0.4, times: 12 },
  { name: 'reset in the middle of a body', fault: { kind: 'reset-body' }, share: 0.4, times: 12 },
  { name: 'wrong Content-Length', fault: { kind: 'short-body' }, share: 0.4, times: 12 },
  { name: 'truncated JSON', fault: { kind: 'truncated-json' }, share: 0.3, times: 6 },
  { name: 'HTML page, 502', fault: { kind: 'html', status: 502 }, share: 0.4, times: 12 },
  { name: 'HTML page, 200', fault: { kind: 'html', status: 200 }, share: 0.3, times: 6 },
  { name: '429 storm', fault: { kind: 'status', status: 429, retryAfter: '1' }, share: 0.7, times: 25 },
  { name: '500s', fault: { kind: 'status', status: 500 }, share: 0.5, times: 20 },
  { name: 'server clock a day behind', fault: { kind: 'date', seconds: -DAY_S }, share: 1, times: MANY },
  { name: 'server clock a day ahead', fault: { kind: 'date', seconds: DAY_S }, share: 1, times: MANY },
];

type Stage = 'gcs' | 'bigquery';
const STAGES: Readonly<Record<Stage, string>> = { gcs: 'collect from gs', bigquery: 'load into BigQuery' };

/** Each fault at each server in turn; then the servers are well, and a run or a few must bring everything in, once. */
export function serverSection(bench: Bench): Section {
  return {
    name: 'servers that misbehave',
    open: async () => {
      const { gcs, builds } = await startCorpusServer(bench);
      const shared = { gcs, wanted: await wantedRows(bench, gcs, expectedPaths(builds, GS_URL)) };
      const stages = Object.keys(STAGES) as Stage[];
      const cases = stages.flatMap((stage) => [
        ...FAULTS.map((fault) => faultCase(bench, shared, stage, fault)),
        ...(stage === 'bigquery' ? [unavailableThenLost(bench, shared)] : []),
      ]);
      return { cases: [...cases, ...clockCases(bench, shared)], close: () => gcs.close() };
    },
  };
}

interface Shared {
  readonly gcs: GcsServer;
  readonly wanted: TableRows;
}

export async function wantedRows(
  bench: Bench,
  gcs: GcsServer,
  expected: ReadonlyMap<string, readonly string[]>,
): Promise<TableRows> {
  const world = await openGsWorld(bench, gcs);
  try {
    const run = await runIn(bench, world, BOUND_MS);
    const rows = await world.rows();
    const truth = comparePaths(rows, expected);
    if (run.code !== 0 || truth.paths.length > 0)
      throw new Error(`wrong without any fault: ${truth.paths.join(', ')}\n${run.stderr}`);
    return rows;
  } finally {
    await world.close();
    bench.dropFolder(world.folder, false);
  }
}

function faultCase(bench: Bench, shared: Shared, stage: Stage, given: ServerFault): Case {
  return serverCase(bench, shared, {
    fault: given.name,
    stage: STAGES[stage],
    choices: () => ({ [stage]: seeded(bench.options.seed, stage, given) }),
  });
}

/** Some of the requests, up to a number: which ones follows from the seed. */
function seeded(
  seed: number,
  stage: string,
  { name, fault, share, times, method }: ServerFault,
): ProxyChoice {
  const random = randomFor(seed, stage, name);
  let left = times;
  return (request) => {
    if (left === 0 || (method !== undefined && request.method !== method) || random.next() >= share)
      return undefined;
    left -= 1;
    return fault;
  };
}

/** Every job is first refused, then made without an answer, and asked about in vain. */
function unavailableThenLost(bench: Bench, shared: Shared): Case {
  return serverCase(bench, shared, {
    fault: '503, then a lost answer',
    stage: STAGES.bigquery,
    choices: () => {
      const seen = new Map<string, number>();
      return {
        bigquery: ({ method, path }) => {
          if (!/\/jobs/.test(path)) return undefined;
          const times = (seen.get(method) ?? 0) + 1;
          seen.set(method, times);
          if (method === 'GET') return times % 2 === 0 ? { kind: 'status', status: 503 } : undefined;
          return times % 3 === 1
            ? { kind: 'status', status: 503 }
            : times % 3 === 2
              ? { kind: 'lost-answer' }
              : undefined;
        },
      };
    },
  });
}

/** The process's own clock is wrong, then right again. */
function clockCases(bench: Bench, shared: Shared): readonly Case[] {
  return ([-DAY_S, DAY_S] as const).map((seconds) => {
    const ways = seconds < 0 ? 'behind' : 'ahead';
    return serverCase(bench, shared, {
      fault: `own clock a day ${ways}`,
      stage: 'collect and load',
      choices: () => ({}),
      env: { SAMOVAR_FAULT_CLOCK_SECONDS: String(seconds) },
    });
  });
}

interface ServerCase {
  readonly fault: string;
  readonly stage: string;
  readonly choices: () => { readonly gcs?: ProxyChoice; readonly bigquery?: ProxyChoice };
  readonly env?: Readonly<Record<string, string>>;
}

function serverCase(bench: Bench, shared: Shared, given: ServerCase): Case {
  const { fault, stage } = given;
  return {
    fault,
    stage,
    label: stage,
    replay: `--only "servers that misbehave: ${fault} ${stage}"`,
    run: () => runAmongFaults(bench, shared, given),
  };
}

async function runAmongFaults(bench: Bench, { gcs, wanted }: Shared, given: ServerCase): Promise<Verdict> {
  const world = await openGsWorld(bench, gcs, { choices: given.choices(), env: SHORT });
  let failed = true;
  try {
    const first = await runIn(bench, world, BOUND_MS, { env: given.env ?? {} });
    const { proxies } = world;
    const injected = given.env === undefined ? proxies.gcs.injected() + proxies.bigquery.injected() : 1;
    proxies.gcs.choose(undefined);
    proxies.bigquery.choose(undefined);
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
    return { ...verdict, problems, note: `exit ${first.code} after ${(first.ms / 1000).toFixed(1)} s` };
  } finally {
    await world.close();
    bench.dropFolder(world.folder, failed);
  }
}
