import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { isObject, type JsonObject } from '../../pipeline/records/json.ts';
import { parseJson } from '../../pipeline/records/json-parser.ts';
import { type Command, measure } from '../bench/measure.ts';
import { samovar, samovarProblems } from '../bench/samovar.ts';
import { startServer } from '../bench/server-process.ts';
import { type Comparison, classify, comparisonText } from './comparison.ts';
import { type CorpusSource, openSource } from './corpus-source.ts';
import { diffRows } from './diff-rows.ts';
import { kettleProblems, prepareKettle } from './kettle.ts';

const USAGE = `scripts/compare-with-kettle --kettle DIR (--corpus DIR | --demo | --builds N [--seed S]) [--json]
Runs the real Kettle and Samovar on one corpus and prints every row and field in which they differ.
Exit: 0 only deliberate differences, 1 others too, 2 wrong command line, 3 something needed is missing.`;
const THREADS = 8;

interface Sides {
  /** Rows as lines, by path. */
  readonly kettle: ReadonlyMap<string, string>;
  readonly ours: ReadonlyMap<string, string>;
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kettle: { type: 'string' },
      corpus: { type: 'string' },
      demo: { type: 'boolean', default: false },
      builds: { type: 'string' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
    },
  });
  if (
    [values.corpus, values.builds, values.demo || undefined].filter((given) => given !== undefined).length !==
    1
  )
    throw new Error('give one of --corpus, --demo and --builds');
  const problems = [...kettleProblems(values.kettle), ...samovarProblems()];
  if (problems.length > 0 || values.kettle === undefined) {
    process.stderr.write(`Nothing was compared.\n${problems.join('\n')}\n`);
    return 3;
  }
  const scratch = mkdtempSync(join(tmpdir(), 'samovar-compare-'));
  try {
    const builds = values.builds === undefined ? undefined : Number(values.builds);
    const source = await openSource({
      dir: values.corpus,
      builds,
      seed: Number(values.seed),
      demo: values.demo,
      nowMs: Date.now(),
      scratch: join(scratch, 'corpus'),
    });
    const comparison = compare(await runBoth(source, values.kettle, scratch), source);
    process.stdout.write(values.json ? `${JSON.stringify(comparison)}\n` : comparisonText(comparison));
    return comparison.differences.some(({ id }) => id === undefined) ? 1 : 0;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Both collect from one server into databases of their own, then write all their rows. */
async function runBoth(source: CorpusSource, kettleDir: string, scratch: string): Promise<Sides> {
  const at = (name: string) => join(scratch, name);
  writeFileSync(at('buckets.yaml'), source.rootsYaml + source.prRootYaml);
  const kettle = prepareKettle(kettleDir, at('kettle'), source.rootsYaml);
  const ours = samovar(at('buckets.yaml'));
  const server = await startServer(source.server);
  try {
    const { endpoint } = server;
    await run(kettle.makeDb({ db: at('kettle.db'), endpoint, threads: THREADS, stderr: at('log') }));
    await run(
      kettle.makeJson({ db: at('kettle.db'), out: at('kettle.json'), python: 'cpython', stderr: at('log') }),
    );
    // 1: some builds are dead letters, which is what the corpus may be about. Their rows are then missing, and told.
    await run(ours.makeDb({ db: at('ours.db'), endpoint, threads: THREADS, stderr: at('log') }), [0, 1]);
    await run(
      ours.makeJson({ db: at('ours.db'), out: at('ours.json'), ledger: 'compare', stderr: at('log') }),
    );
  } finally {
    await server.stop();
  }
  return { kettle: await readRows(at('kettle.json')), ours: await readRows(at('ours.json')) };
}

async function run(command: Command, allowed: readonly number[] = [0]): Promise<void> {
  const { exitCode } = await measure(command);
  if (allowed.includes(exitCode)) return;
  const log =
    command.stderr === undefined
      ? ''
      : readFileSync(command.stderr, 'utf8').split('\n').slice(-15).join('\n');
  throw new Error(
    `${command.command} ${command.args.join(' ')} ended with ${exitCode}, so nothing was compared:\n${log}`,
  );
}

/** Kettle prints messages among its rows: a line that does not begin like a row is none. */
async function readRows(file: string): Promise<ReadonlyMap<string, string>> {
  const rows = new Map<string, string>();
  for await (const line of createInterface({
    input: createReadStream(file),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    if (line.startsWith('{')) rows.set(String(rowOf(line)?.path), line);
  }
  return rows;
}

function rowOf(line: string | undefined): JsonObject | undefined {
  const value = line === undefined ? undefined : parseJson(line, { depthMax: 100 });
  return isObject(value) ? value : undefined;
}

function compare({ kettle, ours }: Sides, source: CorpusSource): Comparison {
  const paths = [...new Set([...kettle.keys(), ...ours.keys()])].sort();
  const found = paths.flatMap((path) => diffRows(path, rowOf(kettle.get(path)), rowOf(ours.get(path))));
  return { kettleRows: kettle.size, ourRows: ours.size, differences: classify(found, source.buckets) };
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}\n`);
  process.exitCode = 2;
}
