import { createReadStream, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { type Kettle, kettleProblems, type Python, prepareKettle } from '../kettle/kettle.ts';
import { BUCKET } from './corpus/index.ts';
import type { CorpusSpec } from './corpus/source.ts';
import { type Command, measure } from './measure.ts';
import type { BenchOptions } from './options.ts';
import type { Run } from './run.ts';
import { type Samovar, samovar, samovarProblems } from './samovar.ts';
import { type BenchServer, startServer } from './server-process.ts';

export const LOGS_ROOT = `gs://${BUCKET}/logs/:\n  contact: bench\n  prefix: ""\n  sequential: false\n`;
export const PR_ROOT = `gs://${BUCKET}/pr-logs:\n  contact: bench\n  prefix: "pr:"\n  sequential: false\n  pr: true\n`;

/** What a bench of both sides works with. */
export interface Bench {
  readonly options: BenchOptions;
  readonly scratch: string;
  readonly server: BenchServer;
  readonly ours: Samovar | undefined;
  readonly bucketsFile: string;
  readonly kettle: Kettle | undefined;
  /** Those of Kettle's interpreters that are to be measured. */
  readonly pythons: readonly Python[];
  /** A file of this run. */
  readonly at: (name: string) => string;
  /** What could not be measured, and why. */
  readonly notes: readonly string[];
}

/** Runs `work` with a server of the corpus and a scratch folder, both gone afterwards. */
export async function withBench<T>(
  options: BenchOptions,
  corpus: CorpusSpec,
  work: (bench: Bench) => Promise<T>,
  latencyMs = 0,
): Promise<T> {
  const scratch = mkdtempSync(join(tmpdir(), 'samovar-bench-'));
  const server = await startServer({ corpus, latencyMs });
  const at = (name: string) => join(scratch, name);
  const bucketsFile = at('buckets.yaml');
  writeFileSync(bucketsFile, LOGS_ROOT + PR_ROOT);
  const problems = options.skipKettle ? [] : kettleProblems(options.kettle);
  const hasKettle = !options.skipKettle && problems.length === 0 && options.kettle !== undefined;
  const kettle = hasKettle ? prepareKettle(options.kettle, at('kettle'), LOGS_ROOT) : undefined;
  const pythons = kettle?.pythons.filter((python) => python === 'cpython' || options.pypy) ?? [];
  const notes = [...samovarProblems(), ...problems].map((problem) => `not measured: ${problem}`);
  const ours = samovarProblems().length === 0 ? samovar(bucketsFile) : undefined;
  try {
    return await work({ options, scratch, server, ours, bucketsFile, kettle, pythons, at, notes });
  } finally {
    await server.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

export interface Collecting {
  readonly work: string;
  readonly db: string;
  /** Default true. */
  readonly junit?: boolean;
}

/** make-db of one side, measured, with the requests it made. */
export async function collect(
  { options, server, ours, kettle, at }: Bench,
  side: 'samovar' | 'kettle',
  { work, db, junit = true }: Collecting,
): Promise<readonly Run[]> {
  const { threads, log } = options;
  const given = { db, endpoint: server.endpoint, threads, stderr: at('make-db.log') };
  const command = side === 'samovar' ? ours?.makeDb({ ...given, junit }) : kettle?.makeDb(given);
  if (command === undefined) return [];
  await server.takeCounts();
  // Kettle's own command always asks for JUnit.
  const args = command.args.filter((arg) => junit || arg !== '--junit');
  const measured = await measure({ ...command, args });
  const requests = await server.takeCounts();
  const { builds, xmlBytes } = await server.totals();
  log(`${work}, ${side}: ${measured.wallS.toFixed(1)} s`);
  const bytes = { builds, ...(junit && { xmlBytes }), dbBytes: bytesOf(db) };
  return [{ work, side, ...measured, ...bytes, requests, ...failure(measured.exitCode, command) }];
}

export interface Emitting {
  readonly work: string;
  readonly side: string;
  readonly command: Command;
  /** Where its rows are. */
  readonly out: string;
}

/** An emission, measured, with its rows. */
export async function emit({ options }: Bench, { work, side, command, out }: Emitting): Promise<Run> {
  const made = await measure(command);
  options.log(`${work}, ${side}: ${made.wallS.toFixed(1)} s`);
  const rows = made.exitCode === 0 ? await linesOf(out) : 0;
  return { work, side, ...made, rows, outBytes: bytesOf(out), ...failure(made.exitCode, command) };
}

/** Kettle's make_json; every row again, as Kettle marks rows when it writes them. */
export function kettleMakeJson(
  kettle: Kettle,
  given: { readonly db: string; readonly out: string; readonly python: Python; readonly days?: number },
): Command {
  const command = kettle.makeJson({ ...given, stderr: `${given.out}.log` });
  return { ...command, args: [...command.args, '--reset-emitted'] };
}

/** The last thing a failed command said: its log goes with the scratch folder. */
function failure(exitCode: number, { stderr }: Command): Pick<Run, 'failed'> {
  if (exitCode === 0) return {};
  const said = stderr === undefined ? '' : readFileSync(stderr, 'utf8').trimEnd().split('\n').at(-1);
  return { failed: `exit ${exitCode}: ${said}` };
}

export function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

async function linesOf(path: string): Promise<number> {
  let lines = 0;
  const file = createReadStream(path);
  for await (const chunk of path.endsWith('.gz') ? file.pipe(createGunzip()) : file)
    for (const byte of chunk as Buffer) if (byte === 10) lines += 1;
  return lines;
}

/** The corpus the options name. */
export function mixedCorpus({ builds, seed, anchorMs }: BenchOptions) {
  return { builds, seed, anchorMs };
}
