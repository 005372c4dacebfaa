import { writeFileSync } from 'node:fs';
import { BENCHES, type Benched, withModest } from './benches.ts';
import type { Goal } from './goals.ts';
import { parseBenchArgs, USAGE } from './options.ts';
import { goalLines } from './report.ts';

/** 0 when every run of every bench ended well, 1 when one failed, 2 for a wrong command line. */
async function main(args: readonly string[]): Promise<number> {
  const { name, options: given } = parseBenchArgs(args, Date.now());
  const options = name === 'all' ? withModest(given) : given;
  const known = Object.entries(BENCHES);
  const wanted = known.filter(([bench, { inAll }]) => (name === 'all' ? inAll : bench === name));
  if (wanted.length === 0)
    throw new Error(
      `there is no bench "${name ?? ''}"; there are ${Object.keys(BENCHES).join(', ')} and all`,
    );
  const results: object[] = [];
  const goals: Goal[] = [];
  let anyFailed = false;
  const write = () => {
    if (options.jsonFile !== undefined)
      writeFileSync(options.jsonFile, `${JSON.stringify(results, null, 2)}\n`);
  };
  for (const [bench, { run }] of wanted) {
    // One that cannot be run costs the others nothing.
    const {
      result,
      text,
      failed,
      goals: own,
    }: Benched = await run(options).catch((error: unknown) => {
      const said = `${bench}: ${error instanceof Error ? error.message : String(error)}`;
      return { result: { bench, failed: said }, text: said, failed: true };
    });
    results.push(result);
    goals.push(...(own ?? []));
    anyFailed ||= failed;
    process.stdout.write(`${text}\n\n`);
    // What is measured is kept, whatever becomes of the next one.
    write();
  }
  if (name === 'all') process.stdout.write(`${goalLines(goals).join('\n')}\n`);
  return anyFailed ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
  process.exitCode = 2;
}
