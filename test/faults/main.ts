import { isGood } from './case.ts';
import { HELP, parseFaultArgs } from './options.ts';
import { failureText, hasFailed, reportRows, reportText } from './report.ts';
import { runFaults } from './run.ts';

const SEEDS = 1_000_000;

async function main(): Promise<number> {
  const options = parseFaultArgs(process.argv.slice(2), () => Date.now() % SEEDS);
  if (options === undefined) {
    process.stdout.write(HELP);
    return 0;
  }
  const startedMs = Date.now();
  const log = (text: string) => void process.stderr.write(`${text}\n`);
  log(`seed ${options.seed}`);
  const { outcomes, skipped } = await runFaults(options, log);
  const rows = reportRows(outcomes);
  const failures = outcomes.filter(({ verdict }) => !isGood(verdict));
  if (options.json)
    process.stdout.write(`${JSON.stringify({ seed: options.seed, rows, failures, skipped })}\n`);
  else {
    const notes = outcomes.flatMap(({ verdict }) => verdict.remark ?? []);
    const texts = [reportText(rows), ...notes, ...skipped.map((text) => `skipped: ${text}`)];
    if (failures.length > 0) texts.push('', ...failures.map((one) => failureText(one, options.seed)));
    process.stdout.write(`${texts.join('\n')}\n`);
  }
  log(
    `${outcomes.length} cases, ${failures.length} failed, seed ${options.seed}, ${Math.round((Date.now() - startedMs) / 1000)} s`,
  );
  return outcomes.length > 0 && !hasFailed(outcomes) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(
    `test:faults: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = 1;
}
