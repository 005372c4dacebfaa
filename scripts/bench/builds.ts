import { createReadStream, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Kettle, kettleProblems, type Python, prepareKettle } from '../kettle/kettle.ts';
import { BUCKET } from './corpus/index.ts';
import { type Command, measure } from './measure.ts';
import type { BenchOptions } from './options.ts';
import { type BenchResult, machine, type Run } from './report.ts';
import { samovar, samovarProblems } from './samovar.ts';
import { type BenchServer, startServer } from './server-process.ts';

export const LOGS_ROOT = `gs://${BUCKET}/logs/:\n  contact: bench\n  prefix: ""\n  sequential: false\n`;
export const PR_ROOT = `gs://${BUCKET}/pr-logs:\n  contact: bench\n  prefix: "pr:"\n  sequential: false\n  pr: true\n`;

/** One side of the bench in its own folder: its commands, and what its files are called. */
interface Side {
  readonly name: string;
  readonly db: string;
  readonly makeDb: Command;
  readonly makeJson: readonly { readonly side: string; readonly command: Command; readonly out: string }[];
}

/** make-db with JUnit on an empty database, then every row as JSON: ours beside the real Kettle. */
export async function benchBuilds(options: BenchOptions): Promise<BenchResult> {
  const scratch = mkdtempSync(join(tmpdir(), 'samovar-bench-'));
  const corpus = { builds: options.builds, seed: options.seed, anchorMs: options.anchorMs };
  const server = await startServer({ corpus, latencyMs: options.latencyMs });
  const notes = [...samovarProblems(), ...(options.skipKettle ? [] : kettleProblems(options.kettle))].map(
    (problem) => `not measured: ${problem}`,
  );
  const runs: Run[] = [];
  try {
    for (let repeat = 0; repeat < options.repeat; repeat += 1) {
      for (const side of sidesOf(options, scratch, server.endpoint, repeat))
        runs.push(...(await runSide(side, server, options.log)));
    }
  } finally {
    await server.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
  const { builds, seed, repeat, latencyMs, threads } = options;
  return {
    bench: 'builds',
    options: { builds, seed, repeat, latencyMs, threads },
    machine: machine(),
    runs,
    notes,
  };
}

function sidesOf(options: BenchOptions, scratch: string, endpoint: string, repeat: number): readonly Side[] {
  const { threads } = options;
  const at = (name: string) => join(scratch, `${repeat}-${name}`);
  const sides: Side[] = [];
  if (samovarProblems().length === 0) {
    const bucketsFile = join(scratch, 'buckets.yaml');
    writeFileSync(bucketsFile, LOGS_ROOT + PR_ROOT);
    const ours = samovar(bucketsFile);
    const [db, out] = [at('samovar.db'), at('samovar.json')];
    sides.push({
      name: 'samovar',
      db,
      makeDb: ours.makeDb({ db, endpoint, threads, stderr: at('samovar-make-db.log') }),
      makeJson: [
        {
          side: 'samovar',
          out,
          command: ours.makeJson({ db, out, ledger: 'bench', stderr: at('samovar-make-json.log') }),
        },
      ],
    });
  }
  if (!options.skipKettle && options.kettle !== undefined && kettleProblems(options.kettle).length === 0) {
    const kettle = prepareKettle(options.kettle, join(scratch, 'kettle'), LOGS_ROOT);
    const db = at('kettle.db');
    sides.push({
      name: 'kettle',
      db,
      makeDb: kettle.makeDb({ db, endpoint, threads, stderr: at('kettle-make-db.log') }),
      makeJson: kettle.pythons
        .filter((python) => python === 'cpython' || options.pypy)
        .map((python) => kettleMakeJson(kettle, db, at, python)),
    });
  }
  return sides;
}

/** Each interpreter gets a database in which nothing is emitted yet: Kettle marks rows as it writes them. */
function kettleMakeJson(kettle: Kettle, db: string, at: (name: string) => string, python: Python) {
  const out = at(`kettle-${python}.json`);
  const command = kettle.makeJson({ db, out, python, stderr: at(`kettle-${python}.log`) });
  return {
    side: `kettle ${python}`,
    out,
    command: { ...command, args: [...command.args, '--reset-emitted'] },
  };
}

async function runSide(
  side: Side,
  server: BenchServer,
  log: (text: string) => void,
): Promise<readonly Run[]> {
  await server.takeCounts();
  const collected = await measure(side.makeDb);
  const requests = await server.takeCounts();
  const { builds, xmlBytes } = await server.totals();
  const runs: Run[] = [
    {
      work: 'make-db',
      side: side.name,
      ...collected,
      builds,
      xmlBytes,
      dbBytes: bytesOf(side.db),
      requests,
      ...failure(collected.exitCode, side.makeDb),
    },
  ];
  log(`make-db ${side.name}: ${collected.wallS.toFixed(1)} s`);
  for (const { side: name, command, out } of side.makeJson) {
    const made = await measure(command);
    runs.push({
      work: 'make-json',
      side: name,
      ...made,
      rows: await linesOf(out),
      outBytes: bytesOf(out),
      ...failure(made.exitCode, command),
    });
    log(`make-json ${name}: ${made.wallS.toFixed(1)} s`);
  }
  return runs;
}

/** The last thing a failed command said: its log goes with the scratch folder. */
function failure(exitCode: number, { stderr }: Command): Pick<Run, 'failed'> {
  if (exitCode === 0) return {};
  const said = stderr === undefined ? '' : readFileSync(stderr, 'utf8').trimEnd().split('\n').at(-1);
  return { failed: `exit ${exitCode}: ${said}` };
}

function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

async function linesOf(path: string): Promise<number> {
  let lines = 0;
  for await (const chunk of createReadStream(path))
    for (const byte of chunk as Buffer) if (byte === 10) lines += 1;
  return lines;
}
