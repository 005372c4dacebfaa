import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { LOGS_ROOT, PR_ROOT } from './builds.ts';
import { type Command, type Measured, measure } from './measure.ts';
import type { BenchOptions } from './options.ts';
import { aligned, type BenchResult, machine } from './report.ts';
import { CLI, samovarProblems } from './samovar.ts';
import { type BenchServer, type RequestCounts, startServer } from './server-process.ts';
import { sizesText } from './shard-sizes.ts';
import { medianOf, short } from './statistics.ts';

const DIVISIONS = [1, 2, 4, 8];
/** In this division each shard is also killed once, and run again. */
const KILLED_DIVISION = 4;
const SINCE = '2000-01-01';
/** Between two looks at what a shard has written so far. */
const LOOK_MS = 5;

export interface ShardRun {
  readonly shards: number;
  /** Until the last shard has ended. */
  readonly wallS: number;
  /** Of all shards. */
  readonly cpuS: number | undefined;
  /** Of the largest. */
  readonly rssBytes: number | undefined;
  readonly rows: number;
  /** Of NDJSON, and of the files. */
  readonly bytes: number;
  readonly fileBytes: number;
  readonly requests: RequestCounts;
  /** The rows are those of the first run with one shard. */
  readonly identical: boolean;
}

export interface ShardsResult {
  readonly bench: 'shards';
  readonly options: Readonly<Record<string, unknown>>;
  readonly machine: BenchResult['machine'];
  readonly runs: readonly ShardRun[];
  /** Shards killed at some moment and run again. */
  readonly killed:
    | { readonly shards: number; readonly kills: number; readonly identical: boolean }
    | undefined;
  /** `bq-load --manifests` of all of these divisions into DuckDB: every row once. */
  readonly load: { readonly wallS: number; readonly rows: number; readonly wanted: number } | undefined;
  readonly notes: readonly string[];
}

interface Bench {
  readonly scratch: string;
  readonly server: BenchServer;
  readonly options: BenchOptions;
}

/** `backfill --shard` in 1, 2, 4 and 8 processes at once against a bucket with latency: how fast, and whether the rows are the same. */
export async function benchShards(options: BenchOptions): Promise<ShardsResult> {
  const { builds, seed, anchorMs, latencyMs, threads, repeat } = options;
  const notes = samovarProblems().map((problem) => `not measured: ${problem}`);
  const result = {
    bench: 'shards' as const,
    options: { builds, seed, latencyMs, threads, repeat },
    machine: machine(),
  };
  if (notes.length > 0) return { ...result, runs: [], killed: undefined, load: undefined, notes };
  const scratch = mkdtempSync(join(tmpdir(), 'samovar-bench-'));
  const server = await startServer({ corpus: { builds, seed, anchorMs }, latencyMs });
  writeFileSync(join(scratch, 'buckets.yaml'), LOGS_ROOT + PR_ROOT);
  const bench = { scratch, server, options };
  try {
    const runs: ShardRun[] = [];
    let wanted: string | undefined;
    for (let at = 0; at < repeat * DIVISIONS.length; at += 1) {
      const shards = DIVISIONS[at % DIVISIONS.length] ?? 1;
      const { digest, ...run } = await runDivision(bench, shards, `${at}-of-${shards}`);
      wanted ??= digest;
      runs.push({ ...run, identical: digest === wanted });
      options.log(`${shards} shards: ${short(run.wallS)} s, ${short(run.cpuS)} s of CPU, ${run.rows} rows`);
    }
    const killed = await runKilled(bench, wanted);
    return { ...result, runs, killed, load: await runLoad(bench, runs[0]?.rows ?? 0), notes };
  } finally {
    await server.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The command of one shard in a folder of its own, as on a machine of its own. */
function shardCommand({ scratch, server, options }: Bench, shard: string, out: string): Command {
  const cwd = join(scratch, `${out}-${shard.replace('/', '-of-')}`);
  mkdirSync(cwd, { recursive: true });
  const args = [
    'backfill',
    '--since',
    SINCE,
    '--shard',
    shard,
    '--out',
    `file://${join(scratch, 'out', out)}`,
  ];
  const more = ['--buckets', join(scratch, 'buckets.yaml'), '--threads', String(options.threads)];
  const env = { STORAGE_EMULATOR_HOST: server.endpoint, SAMOVAR_LOG_LEVEL: 'error' };
  return { command: process.execPath, args: [CLI, ...args, ...more], cwd, env, stderr: join(cwd, 'stderr') };
}

async function runDivision(bench: Bench, shards: number, out: string) {
  await bench.server.takeCounts();
  const started = performance.now();
  const commands = Array.from({ length: shards }, (_, index) =>
    shardCommand(bench, `${index}/${shards}`, out),
  );
  const measured = await Promise.all(commands.map((command) => runWell(command)));
  const wallS = (performance.now() - started) / 1000;
  const sum = measured.reduce<number | undefined>((total, { cpuS }) => plus(total, cpuS), 0);
  const rss = measured.flatMap(({ rssBytes }) => (rssBytes === undefined ? [] : [rssBytes]));
  return {
    shards,
    wallS,
    cpuS: sum,
    rssBytes: rss.length === 0 ? undefined : Math.max(...rss),
    requests: await bench.server.takeCounts(),
    ...digestOf(join(bench.scratch, 'out', out)),
  };
}

const plus = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? undefined : a + b;

async function runWell(command: Command): Promise<Measured> {
  const measured = await measure(command);
  if (measured.exitCode === 0) return measured;
  const said = command.stderr === undefined ? '' : readFileSync(command.stderr, 'utf8').trim();
  throw new Error(`a shard ended with ${measured.exitCode}: ${said}`);
}

/** Each shard is killed once, the first when it has a database, the others when so many more files are there; then all are run again. */
async function runKilled(bench: Bench, wanted: string | undefined) {
  const out = 'killed';
  let kills = 0;
  for (let index = 0; index < KILLED_DIVISION; index += 1) {
    const { command, args, cwd, env } = shardCommand(bench, `${index}/${KILLED_DIVISION}`, out);
    const before = entriesOf(join(bench.scratch, 'out', out));
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: 'ignore' });
    const timer = setInterval(() => {
      const folder = index === 0 ? join(cwd, 'data') : join(bench.scratch, 'out', out);
      if (entriesOf(folder) >= (index === 0 ? 1 : before + 3 * index)) child.kill('SIGKILL');
    }, LOOK_MS);
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
    clearInterval(timer);
    if (signal === 'SIGKILL') kills += 1;
  }
  const { digest } = await runDivision(bench, KILLED_DIVISION, out);
  return { shards: KILLED_DIVISION, kills, identical: digest === wanted };
}

function entriesOf(folder: string): number {
  return existsSync(folder) ? readdirSync(folder, { recursive: true }).length : 0;
}

/** Everything that was written, many times the same rows, into one table. */
async function runLoad(bench: Bench, wanted: number) {
  const cwd = join(bench.scratch, 'load');
  mkdirSync(cwd);
  let rows = 0;
  const started = performance.now();
  for (const out of readdirSync(join(bench.scratch, 'out')).sort()) {
    const place = [
      '--manifests',
      `file://${join(bench.scratch, 'out', out)}`,
      '--warehouse',
      'duckdb:w.duckdb',
    ];
    const command = {
      command: process.execPath,
      args: [CLI, 'bq-load', ...place, '--db', 'loader.db', '--json'],
      cwd,
      env: { SAMOVAR_LOG_LEVEL: 'error' },
      stdout: join(cwd, `${out}.json`),
      stderr: join(cwd, `${out}.log`),
    };
    await runWell(command);
    const { tables } = JSON.parse(readFileSync(command.stdout, 'utf8')) as { tables: { rows: number }[] };
    rows += tables.reduce((sum, table) => sum + table.rows, 0);
  }
  return { wallS: (performance.now() - started) / 1000, rows, wanted };
}

interface Manifest {
  readonly table: string;
  readonly bytes: number;
  readonly fileBytes: number;
  readonly files: readonly { readonly name: string }[];
}

/** One hash of all lines in the order of their own hashes: the same for any division. */
function digestOf(folder: string) {
  const hashes: string[] = [];
  let bytes = 0;
  let fileBytes = 0;
  for (const name of readdirSync(join(folder, 'manifests/all'))) {
    const manifest = JSON.parse(readFileSync(join(folder, 'manifests/all', name), 'utf8')) as Manifest;
    bytes += manifest.bytes;
    fileBytes += manifest.fileBytes;
    for (const file of manifest.files) {
      const lines = gunzipSync(readFileSync(join(folder, manifest.table, file.name)));
      for (let from = 0, to = lines.indexOf(10); to >= 0; from = to + 1, to = lines.indexOf(10, from))
        hashes.push(createHash('sha256').update(lines.subarray(from, to)).digest('hex'));
    }
  }
  const digest = createHash('sha256').update(hashes.sort().join('\n')).digest('hex');
  return { rows: hashes.length, bytes, fileBytes, digest };
}

export function shardsFailed({ runs, killed, load }: ShardsResult): boolean {
  const same = runs.every(({ identical }) => identical) && killed?.identical !== false;
  return !same || (load !== undefined && load.rows !== load.wanted);
}

function requestsOf({ requests }: ShardRun): number {
  return Object.values(requests).reduce((sum, count) => sum + count, 0);
}

function sizesOf({ runs }: ShardsResult): readonly string[] {
  const alone = runs.filter(({ shards }) => shards === 1);
  const cpuSPerBuild = medianOf(alone, (run) => run.cpuS && run.cpuS / run.rows);
  const requestsPerBuild = medianOf(alone, (run) => requestsOf(run) / run.rows);
  const bytesPerBuild = medianOf(alone, (run) => run.fileBytes / run.rows);
  if (cpuSPerBuild === undefined || requestsPerBuild === undefined || bytesPerBuild === undefined) return [];
  return sizesText({ cpuSPerBuild, requestsPerBuild, bytesPerBuild });
}

export function shardsText(result: ShardsResult): string {
  const { cpu, cores, node } = result.machine;
  const { killed, load } = result;
  const yes = (is: boolean) => (is ? 'yes' : 'NO');
  const rows = DIVISIONS.map((shards) => {
    const runs = result.runs.filter((run) => run.shards === shards);
    const of = (figure: (run: ShardRun) => number | undefined) => short(medianOf(runs, figure));
    const lists = (run: ShardRun) => run.requests.list;
    return [
      String(shards),
      yes(runs.every(({ identical }) => identical)),
      of((run) => run.wallS),
      of((run) => run.cpuS),
      of((run) => run.rssBytes && run.rssBytes / 1e6),
      of((run) => run.rows / run.wallS),
      of((run) => run.cpuS && run.rows / run.cpuS),
      of(requestsOf),
      of(lists),
    ];
  });
  const titles = [
    'shards',
    'identical',
    'wall s',
    'CPU s',
    'peak RSS MB',
    'rows/s',
    'rows/CPU s',
    'requests',
    'lists',
  ];
  return [
    `shards ${JSON.stringify(result.options)}`,
    `${cores} × ${cpu}, Node ${node}`,
    '',
    ...aligned([titles, ...rows]),
    '',
    ...(killed === undefined
      ? []
      : [
          `${killed.kills} of ${killed.shards} shards killed and run again: identical ${yes(killed.identical)}`,
        ]),
    ...(load === undefined
      ? []
      : [`bq-load of all of it: ${load.rows} rows of ${load.wanted} in ${short(load.wallS)} s`]),
    '',
    ...sizesOf(result),
    ...result.notes,
  ].join('\n');
}
