import { writeFileSync } from 'node:fs';
import { benchBuilds } from './builds.ts';
import { type BenchOptions, parseBenchArgs, USAGE } from './options.ts';
import { type BenchResult, reportText } from './report.ts';

/** Every bench by its name; `all` runs them in this order. */
const BENCHES: Readonly<Record<string, (options: BenchOptions) => Promise<BenchResult>>> = {
  builds: benchBuilds,
};

/** 0 when every run of every bench ended well, 1 when one failed, 2 for a wrong command line. */
async function main(args: readonly string[]): Promise<number> {
  const { name, options } = parseBenchArgs(args, Date.now());
  const names = name === 'all' ? Object.keys(BENCHES) : [name ?? ''];
  const results: BenchResult[] = [];
  for (const wanted of names) {
    const bench = BENCHES[wanted];
    if (bench === undefined)
      throw new Error(`there is no bench "${wanted}"; there are ${Object.keys(BENCHES).join(', ')} and all`);
    const result = await bench(options);
    results.push(result);
    process.stdout.write(`${reportText(result)}\n`);
  }
  if (options.jsonFile !== undefined)
    writeFileSync(options.jsonFile, `${JSON.stringify(results, null, 2)}\n`);
  return results.some(({ runs }) => runs.some(({ failed }) => failed !== undefined)) ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
  process.exitCode = 2;
}
