import { benchBuilds } from './builds.ts';
import { benchCache } from './cache.ts';
import { benchCliff } from './cliff.ts';
import { benchEmit } from './emit.ts';
import type { Goal } from './goals.ts';
import { benchGrid, gridText } from './grid.ts';
import { benchIdle } from './idle.ts';
import { benchLatency } from './latency.ts';
import { benchMemory } from './memory.ts';
import { benchMutationLog, mutationText } from './mutation.ts';
import type { BenchOptions } from './options.ts';
import { benchParse } from './parse.ts';
import { type BenchResult, mediansOf, reportText } from './report.ts';
import { benchRequests } from './requests.ts';
import { benchRouter, routerText } from './router.ts';
import { benchShards, shardsFailed, shardsText } from './shards.ts';
import { benchStream } from './stream.ts';
import { benchTriage, triageText } from './triage.ts';

export interface Benched {
  /** As JSON. */
  readonly result: object;
  readonly text: string;
  readonly failed: boolean;
  readonly goals?: readonly Goal[];
}

export interface Bench {
  /** It belongs to the table of goals. */
  readonly inAll: boolean;
  run(options: BenchOptions): Promise<Benched>;
}

/** What `all` runs at where nothing else is said: an hour with Kettle, minutes without. */
const MODEST = { sizes: [500, 2_000, 20_000], perJob: [200, 5_000], events: 300, seconds: 10, scale: 0.1 };

export function withModest(options: BenchOptions): BenchOptions {
  const { sizes, perJob, events, seconds, scale } = options;
  return {
    ...options,
    sizes: sizes ?? MODEST.sizes,
    perJob: perJob ?? MODEST.perJob,
    events: events ?? MODEST.events,
    seconds: seconds ?? MODEST.seconds,
    scale: scale ?? MODEST.scale,
  };
}

/** Every bench by its name; `all` runs those of the table of goals in this order. */
export const BENCHES: Readonly<Record<string, Bench>> = {
  builds: ofTable(benchBuilds),
  emit: ofTable(benchEmit),
  latency: ofTable(benchLatency),
  idle: ofTable(benchIdle),
  memory: ofTable(benchMemory),
  stream: ofTable(benchStream),
  parse: ofTable(benchParse),
  requests: ofTable(benchRequests),
  cliff: ofTable(benchCliff),
  shards: {
    inAll: true,
    run: async (options) => {
      const result = await benchShards(options);
      return { result, text: shardsText(result), failed: shardsFailed(result) };
    },
  },
  cache: { ...ofTable(benchCache), inAll: false },
  'mutation-log': {
    inAll: false,
    run: async (options) => {
      const result = await benchMutationLog(options);
      return { result, text: mutationText(result), failed: false };
    },
  },
  triage: {
    inAll: false,
    run: async (options) => {
      const result = await benchTriage(options);
      return { result, text: triageText(result), failed: false };
    },
  },
  grid: {
    inAll: false,
    run: async (options) => {
      const result = await benchGrid(options);
      const failed = result.goals.some(({ met }) => met !== true);
      return { result, text: gridText(result), failed, goals: result.goals };
    },
  },
  router: {
    inAll: false,
    run: async (options) => {
      const result = await benchRouter(options);
      return { result, text: routerText(result), failed: result.runs.some(({ failed }) => failed > 0) };
    },
  },
};

function ofTable(bench: (options: BenchOptions) => Promise<BenchResult>): Bench {
  return {
    inAll: true,
    run: async (options) => {
      const result = await bench(options);
      const failed = result.runs.some((run) => run.failed !== undefined);
      const withMedians = { ...result, medians: mediansOf(result.runs) };
      return { result: withMedians, text: reportText(result), failed, goals: result.goals ?? [] };
    },
  };
}
