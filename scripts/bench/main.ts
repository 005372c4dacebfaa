import { writeFileSync } from 'node:fs';
import { benchBuilds } from './builds.ts';
import { benchCache } from './cache.ts';
import { benchMutationLog, mutationText } from './mutation.ts';
import { type BenchOptions, parseBenchArgs, USAGE } from './options.ts';
import { reportText } from './report.ts';
import { benchRouter, routerText } from './router.ts';
import { benchShards, shardsFailed, shardsText } from './shards.ts';

interface Benched {
  /** As JSON. */
  readonly result: object;
  readonly text: string;
  readonly failed: boolean;
}

/** Every bench by its name; `all` runs them in this order. */
const BENCHES: Readonly<Record<string, (options: BenchOptions) => Promise<Benched>>> = {
  builds: async (options) => {
    const result = await benchBuilds(options);
    const failed = result.runs.some((run) => run.failed !== undefined);
    return { result, text: reportText(result), failed };
  },
  cache: async (options) => {
    const result = await benchCache(options);
    return { result, text: reportText(result), failed: false };
  },
  'mutation-log': async (options) => {
    const result = await benchMutationLog(options);
    return { result, text: mutationText(result), failed: false };
  },
  router: async (options) => {
    const result = await benchRouter(options);
    return { result, text: routerText(result), failed: result.runs.some(({ failed }) => failed > 0) };
  },
  shards: async (options) => {
    const result = await benchShards(options);
    return { result, text: shardsText(result), failed: shardsFailed(result) };
  },
};

/** 0 when every run of every bench ended well, 1 when one failed, 2 for a wrong command line. */
async function main(args: readonly string[]): Promise<number> {
  const { name, options } = parseBenchArgs(args, Date.now());
  const names = name === 'all' ? Object.keys(BENCHES) : [name ?? ''];
  const results: object[] = [];
  let anyFailed = false;
  for (const wanted of names) {
    const bench = BENCHES[wanted];
    if (bench === undefined)
      throw new Error(`there is no bench "${wanted}"; there are ${Object.keys(BENCHES).join(', ')} and all`);
    const { result, text, failed } = await bench(options);
    results.push(result);
    anyFailed ||= failed;
    process.stdout.write(`${text}\n`);
  }
  if (options.jsonFile !== undefined)
    writeFileSync(options.jsonFile, `${JSON.stringify(results, null, 2)}\n`);
  return anyFailed ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
  process.exitCode = 2;
}
