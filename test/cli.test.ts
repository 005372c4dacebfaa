import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openWarehouse } from '../pipeline/backends/warehouse/index.ts';
import { cli } from './support/cli.ts';
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
    expect(first.stdout).toMatch(/This run: {2}\d+ builds added/);
    expect(first.stdout).toContain('The flakiest tests');
    expect(first.stdout).toContain('dead letters');
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
    ['a misspelt command', ['updat'], 2, /Did you mean update/],
    ['an unknown flag', ['make-db', '--bucket', 'x'], 2, /Unknown argument.*bucket/],
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

  it('each command has help with examples', async () => {
    for (const command of [
      'update',
      'make-db',
      'make-json',
      'bq-load',
      'backfill',
      'prune',
      'dead-letters',
      'junit',
    ]) {
      const { stdout, code } = await cli([command, '--help'], { cwd });
      expect(code).toBe(0);
      expect(stdout, command).toContain('Examples:');
    }
  }, 60_000);
});

describe('a signal', () => {
  it('ends a collection cleanly, with what it has committed, and exits as the shell expects', async () => {
    const folder = newFolder();
    await cli(['update'], { cwd: folder });
    rmSync(join(folder, 'data/build.db'));
    const result = await cli(
      [
        'make-db',
        '--junit',
        '--db',
        'data/build.db',
        '--buckets',
        new URL('../config/demo-buckets.yaml', import.meta.url).pathname,
      ],
      {
        cwd: folder,
        onStart: (child) => setTimeout(() => child.kill('SIGINT'), 1_100),
      },
    );
    expect([0, 130]).toContain(result.code);
    expect(result.stderr).not.toMatch(/\n\s+at .*\(/);
  }, 60_000);
});
