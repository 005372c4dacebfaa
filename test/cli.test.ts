import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openWarehouse } from '../pipeline/backends/warehouse/index.ts';
import { snowflakeAt } from '../pipeline/records/ids.ts';
import { type CliResult, cli } from './support/cli.ts';
import { startGcsServer } from './support/gcs-server.ts';
import { prowBucket } from './support/prow.ts';
import { tempFolder } from './support/temp.ts';

const temp = tempFolder();
let folders = 0;

function newFolder(): string {
  folders += 1;
  const folder = join(temp, `cwd-${folders}`);
  mkdirSync(folder);
  return folder;
}

async function count(cwd: string, table: string): Promise<number> {
  const warehouse = await openWarehouse(`duckdb:${join(cwd, 'data/warehouse.duckdb')}`, {
    timeoutMs: 10_000,
    loadTimeoutMs: 10_000,
  });
  try {
    const [row] = await warehouse.query(
      `SELECT count(*) AS rows, count(DISTINCT path) AS paths FROM ${warehouse.tableName(table)}`,
    );
    expect(row?.rows).toEqual(row?.paths);
    return Number(row?.rows);
  } finally {
    await warehouse.close();
  }
}

describe('the whole cycle on the embedded default', () => {
  it('fills three tables from the demo, says what it did, and does nothing twice', async () => {
    const cwd = newFolder();
    const first = await cli(['update'], { cwd });
    expect(first.stderr).not.toContain('FAILED');
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/This run: \d+ builds added/);
    expect(first.stdout).toContain('The flakiest tests');
    expect(first.stdout).toMatch(/dead letter.*samovar dead-letters list/);
    const [day, week, all] = [await count(cwd, 'day'), await count(cwd, 'week'), await count(cwd, 'all')];
    expect(day).toBeGreaterThan(0);
    expect(week).toBeGreaterThan(day);
    expect(all).toBeGreaterThan(week);

    const second = await cli(['update', '--json'], { cwd });
    expect(second.code).toBe(0);
    const summary = JSON.parse(second.stdout) as {
      collected: { stats: { added: number } };
      tables: { rows: number }[];
    };
    expect(summary.collected.stats.added).toBe(0);
    expect(summary.tables.map(({ rows }) => rows)).toEqual([0, 0, 0]);
    expect(await count(cwd, 'all')).toBe(all);
  }, 120_000);

  it('is finished by the next run when it is killed, without a row too few or too many', async () => {
    const reference = newFolder();
    await cli(['update'], { cwd: reference });
    const expected = await count(reference, 'all');
    const cwd = newFolder();
    for (const afterMs of [900, 1_500, 2_200]) {
      await cli(['update'], { cwd, onStart: (child) => setTimeout(() => child.kill('SIGKILL'), afterMs) });
    }
    expect((await cli(['update'], { cwd })).code).toBe(0);
    expect(await count(cwd, 'all')).toBe(expected);
  }, 120_000);
});

describe('make-json and bq-load', () => {
  it('go by hand: rows count as emitted after the load, and not before', async () => {
    const cwd = newFolder();
    const config = join(cwd, 'buckets.yaml');
    await cli(['update'], { cwd });
    const roots = readFileSync(new URL('../config/demo-buckets.yaml', import.meta.url), 'utf8');
    writeFileSync(config, roots);
    const common = ['--db', 'mine.db', '--buckets', config, '--warehouse', 'duckdb:mine.duckdb'];
    expect((await cli(['make-db', '--junit', ...common], { cwd })).code).toBe(0);
    const file = join(cwd, 'all.json.gz');
    for (const _ of [1, 2])
      expect((await cli(['make-json', '--table', 'all', '--out', file, ...common], { cwd })).code).toBe(0);
    const lines = gunzipSync(readFileSync(file)).toString().trimEnd().split('\n');
    expect(new Set(lines.map((line) => (JSON.parse(line) as { path: string }).path)).size).toBe(lines.length);
    const loaded = await cli(['bq-load', file, ...common], { cwd });
    expect(loaded.stdout).toContain(`${lines.length} rows`);
    expect((await cli(['bq-load', file, ...common], { cwd })).stdout).toContain('already');
    expect((await cli(['make-json', '--table', 'all', '--out', file, ...common], { cwd })).stderr).toContain(
      '0 rows',
    );
  }, 120_000);

  it('a broken pipe marks nothing as emitted', async () => {
    const cwd = newFolder();
    await cli(['update'], { cwd });
    const args = ['make-json', '--db', 'data/build.db'];
    const broken = await cli(args, {
      cwd,
      onStart: (child) => child.stdout?.once('data', () => child.stdout?.destroy()),
    });
    expect(broken.code).toBe(1);
    const whole = await cli(args, { cwd });
    expect(whole.stdout.trimEnd().split('\n')).toHaveLength(await count(cwd, 'all'));
    expect(whole.stderr).toContain('incremental progress gen #0');
    const again = await cli(args, { cwd });
    expect([again.stdout, again.stderr.trim()]).toEqual(['', 'no rows emitted']);
    expect((await cli([...args, '--assert-oldest', '1.9'], { cwd })).code).toBe(1);
    expect((await cli([...args, '--assert-oldest', '100'], { cwd })).code).toBe(0);
    expect((await cli([...args, '--reset-emitted'], { cwd })).stdout).toBe(whole.stdout);
  }, 120_000);
});

describe('what goes wrong is told in words, with the exit code for it', () => {
  const cwd = newFolder();

  it.each<[string, string[], number, RegExp]>([
    ['no command', [], 2, /Say what to do/],
    ['a misspelt command', ['updat'], 2, /no command "updat"\n.*Did you mean update/],
    [
      'a misspelt sub-command',
      ['ledger', 'shwo'],
      2,
      /no command "shwo"\n.*Did you mean show\?.*samovar ledger --help/,
    ],
    ['a misspelt query', ['query', 'job-helth'], 2, /no query "job-helth"\n.*Did you mean job-health/],
    [
      'a value of no kind',
      ['query', '--list', '--format', 'jsn'],
      2,
      /--format "jsn" is none of.*\n.*Did you mean json/,
    ],
    ['a word where a number has to be', ['prune', '--days', 'many'], 2, /--days needs a number/],
    ['a flag without its value', ['make-db', '--job'], 2, /--job needs a value/],
    ['a flag that was given twice', ['make-db', '--job', 'a', '--job', 'b'], 2, /--job was given 2 times/],
    ['something that must be named', ['cache', 'get'], 2, /PROVIDER must be named/],
    ['a flag that must be given', ['backfill'], 2, /--since must be given/],
    ['an unknown flag', ['make-db', '--bucket', 'x'], 2, /no flag --bucket .*\n.*Did you mean --buckets/],
    ['a missing buckets file', ['make-db', '--buckets', 'nowhere.yaml'], 2, /nowhere\.yaml/],
    ['a time that is none', ['make-db', '--since', 'yesterday'], 2, /--since: "yesterday" is not a time/],
    ['an unknown table', ['bq-load', '--table', 'month'], 2, /there is no table "month".*\n.*day, week, all/],
    ['a warehouse of no kind', ['bq-load', '--table', 'day', '--warehouse', 'mysql:x'], 2, /mysql:x/],
    ['a file name for rows that is none', ['make-json', '--out', 'rows.csv'], 2, /\.json\.gz/],
    ['a file without a manifest', ['bq-load', 'nothing.json.gz'], 1, /nothing\.json\.gz/],
    ['a JUnit file that is not there', ['junit', 'nothing.xml'], 1, /nothing\.xml/],
  ])(
    '%s',
    async (_, args, code, message) => {
      const result = await cli(args, { cwd });
      expect(result.stderr).toMatch(message);
      expect(result.stderr).not.toMatch(/\n\s+at .*\(/);
      // What, why, and what to do now.
      expect(result.stderr).toMatch(/^samovar.*: .+\nwhy {3}.+\n(?:.*\n)*?now {3}.+\n$/m);
      expect(result.code).toBe(code);
    },
    30_000,
  );

  it("a database that is somebody else's is left alone", async () => {
    const folder = newFolder();
    writeFileSync(
      join(folder, 'text.db'),
      'not a database at all, but long enough to be read as one. '.repeat(30),
    );
    const result = await cli(['make-db', '--db', 'text.db', '--buckets', 'b.yaml'], { cwd: folder });
    expect(result.code).toBe(2);
    rmSync(folder, { recursive: true });
  }, 30_000);
});

describe('a signal', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    '%s ends a collection cleanly: what was read is kept, and the next run goes on',
    async (signal, code) => {
      const folder = newFolder();
      let child: ChildProcess | undefined;
      const server = await startGcsServer({
        latencyMs: 20,
        faults: (request, n) => {
          if (request.kind === 'read' && n === 30) child?.kill(signal);
          return undefined;
        },
      });
      const prow = prowBucket((name, bytes) => void server.put(`ci-logs/${name}`, bytes), 'gs://ci-logs');
      for (let n = 1; n <= 200; n += 1) {
        prow.build('ci-a', snowflakeAt(Date.parse('2026-11-01') + n * 60_000), {
          finished: { timestamp: 1_793_000_000 + n, passed: true },
        });
      }
      writeFileSync(
        join(folder, 'buckets.yaml'),
        'gs://ci-logs/logs/:\n  sequential: false\n  anonymous: true\n',
      );
      const args = [
        'make-db',
        '--junit',
        '--db',
        'b.db',
        '--buckets',
        'buckets.yaml',
        '--threads',
        '4',
        '--json',
      ];
      const options = { cwd: folder, env: { STORAGE_EMULATOR_HOST: server.endpoint } };
      const stopped = await cli(args, {
        ...options,
        onStart: (started) => {
          child = started;
        },
      });
      expect(stopped.code).toBe(code);
      expect(stopped.stderr).toContain('finishing what is under way');
      expect(stopped.stderr).not.toMatch(/\n\s+at .*\(/);
      const added = (result: CliResult) =>
        (JSON.parse(result.stdout) as { stats: { rows: number } }).stats.rows;
      const kept = added(stopped);
      expect(kept).toBeGreaterThan(0);
      const rest = await cli(args, options);
      expect(rest.code).toBe(0);
      expect(kept + added(rest)).toBe(200);
      await server.close();
    },
    60_000,
  );
});
