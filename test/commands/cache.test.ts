import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { beforeAll, describe, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { tempFolder } from '../support/temp.ts';

const cwd = tempFolder();
const DB = ['--db', 'demo/cache.db'];
const DEMO = [...DB, '--providers', 'demo/cache-providers.yaml'];
const run = (...args: readonly string[]) => cli(['cache', ...args], { cwd });
const json = async (...args: readonly string[]) => {
  const { stdout, stderr } = await run(...args, ...DEMO, '--json');
  expect(stderr).not.toContain('bug in Samovar');
  return JSON.parse(stdout) as never;
};

/** The upstreams are gone by now: what the commands show is what is kept. */
beforeAll(async () => {
  const { code, stdout, stderr } = await run('demo', '--once', '--json');
  expect([code, stderr.includes('Error')]).toEqual([0, false]);
  const { failed, answer } = JSON.parse(stdout) as Record<string, unknown>;
  expect(failed).toEqual([]);
  expect(answer).toMatchObject({ status: 200, packages: 9 });
}, 180_000);

describe('samovar cache, on the demo', { timeout: 120_000 }, () => {
  test('get gives a value with its state, or the value alone, or says that there is none', async () => {
    const read = (await json('get', 'fedora_releases')) as Record<string, unknown>;
    expect(read).toMatchObject({
      provider: 'fedora_releases',
      state: 'fresh',
      value: { fedora: { stable: 42 } },
    });
    const alone = await run('get', 'user_packages', 'adamova', '--value', ...DEMO);
    expect(JSON.parse(alone.stdout)).toMatchObject({ groups: ['rust-sig'] });
    expect((await run('get', 'package_bugs', 'no-such-package', '--value', ...DEMO)).code).toBe(1);
    const without = await run('get', 'package_bugs', ...DEMO);
    expect([without.code, without.stderr]).toEqual([
      2,
      expect.stringContaining('samovar cache get package_bugs KEY'),
    ]);
  });

  test('a misspelt provider is told from what there is', async () => {
    const { code, stderr } = await run('get', 'fedora_release', ...DEMO);
    expect([code, stderr]).toEqual([2, expect.stringContaining('fedora_releases')]);
  });

  test('status tells of every provider, and that nobody works', async () => {
    const { providers } = (await json('status')) as {
      providers: { provider: string; entries: { fresh: number } }[];
    };
    expect(providers.find(({ provider }) => provider === 'package_static')?.entries.fresh).toBeGreaterThan(
      50,
    );
    expect((await run('status', ...DEMO)).stdout).toContain('start `samovar cache run`');
  });

  test('refresh --wait fetches here where no worker runs, keeps the old value, and fails by its exit code', async () => {
    // No recorded upstream listens any more.
    const { code, stdout } = await run('refresh', 'schedule', '--wait', ...DEMO);
    expect([code, stdout]).toEqual([1, expect.stringContaining('network')]);
    expect(((await json('get', 'schedule')) as { value: unknown }).value).not.toBeNull();
    const failed = (await json('runs', '--failed')) as { provider: string; code: string }[];
    expect(failed[0]).toMatchObject({ provider: 'schedule', code: 'network' });
  });

  test('clear wants to be told what, counts first, and takes what is derived along', async () => {
    expect((await run('clear', ...DEMO)).code).toBe(2);
    expect((await run('clear', '--all', '--provider', 'orphans', ...DEMO)).code).toBe(2);
    const unsure = await run('clear', '--provider', 'orphans', '--hard', ...DEMO);
    expect([unsure.code, unsure.stderr]).toEqual([2, expect.stringContaining('Add --yes')]);
    const dry = (await json('clear', '--provider', 'orphans', '--hard', '--dry-run')) as {
      providers: { provider: string; derived: boolean }[];
    };
    expect(dry.providers.map(({ provider, derived }) => [provider, derived])).toEqual(
      expect.arrayContaining([
        ['orphans', false],
        ['package_static', true],
      ]),
    );
    expect((await json('get', 'orphans')) as object).toMatchObject({ state: 'fresh' });
    await json('clear', '--provider', 'orphans', '--no-rewarm');
    expect((await json('get', 'orphans')) as object).toMatchObject({
      state: 'stale',
      value: expect.anything(),
    });
    await json('clear', '--provider', 'orphans', '--hard', '--yes', '--no-rewarm');
    expect((await json('get', 'orphans')) as object).toMatchObject({ state: 'missing', value: null });
  });

  test('prefixes are literal', async () => {
    const dry = (prefix: string) =>
      json('clear', '--provider', 'package_bugs', '--prefix', prefix, '--dry-run');
    const count = async (prefix: string) =>
      ((await dry(prefix)) as { providers: { entries: number }[] }).providers.reduce(
        (sum, { entries }) => sum + entries,
        0,
      );
    expect(await count('rust-')).toBe(7);
    expect(await count('rust_')).toBe(0);
    expect(await count('r%')).toBe(0);
  });

  test('pause and resume hold for everybody who opens the database', async () => {
    await json('pause', 'package_prs');
    const state = async () =>
      ((await json('status')) as { providers: { provider: string; paused: boolean }[] }).providers.find(
        ({ provider }) => provider === 'package_prs',
      )?.paused;
    expect(await state()).toBe(true);
    await json('resume', 'package_prs');
    expect(await state()).toBe(false);
  });

  test('jobs are listed and dropped, and what is not there is said so', async () => {
    await run('refresh', 'koschei_data', ...DEMO);
    const jobs = (await json('jobs', 'list', '--provider', 'koschei_data')) as {
      id: number;
      reason: string;
    }[];
    expect(jobs).toMatchObject([{ reason: 'manual' }]);
    expect((await json('jobs', 'cancel', String(jobs[0]?.id))) as object).toMatchObject({ cancel: true });
    expect((await run('jobs', 'cancel', String(jobs[0]?.id), ...DEMO)).code).toBe(1);
  });

  test('gc says beforehand what it does', async () => {
    const dry = (await json('gc', '--dry-run')) as { removed: unknown };
    expect((await json('gc')) as object).toMatchObject({ removed: dry.removed });
  });

  test('debug takes lines from a pipe', () => {
    const input = "get('fedora_releases'); value('fedora_releases').fedora.stable\n";
    const root = join(import.meta.dirname, '../..');
    const entry =
      process.env.SAMOVAR_TEST_BUILT === undefined
        ? ['--import', import.meta.resolve('tsx'), join(root, 'pipeline/cli.ts')]
        : [join(root, 'dist/cli.js')];
    const out = execFileSync(process.execPath, [...entry, 'cache', 'debug', ...DEMO], {
      cwd,
      input,
      encoding: 'utf8',
    });
    expect(out).toContain('fedora_releases: fresh');
    expect(out).toContain('42');
  });

  test('load brings values and refreshes into the warehouse, once, and never a private one', async () => {
    const load = async () =>
      (await run('load', ...DEMO, '--json', '--warehouse', 'duckdb:demo/cache.duckdb')).stdout;
    const first = JSON.parse(await load()) as {
      made: Record<string, number>;
      complete: boolean;
      tables: { table: string; known: number; warehouse: { rows: number; keys: number } }[];
    };
    expect(first.complete).toBe(true);
    expect(first.made.cache_entry).toBeGreaterThan(100);
    for (const { known, warehouse } of first.tables) expect(warehouse).toEqual({ rows: known, keys: known });
    const again = JSON.parse(await load()) as typeof first;
    expect(again).toMatchObject({ made: { cache_entry: 0, cache_run: 0 }, complete: true });
    expect(again.tables.map(({ warehouse }) => warehouse)).toEqual(
      first.tables.map(({ warehouse }) => warehouse),
    );
  });

  test('run works, schedules and serves until it is told to stop, and ends as the shell expects', async () => {
    const seen: string[] = [];
    const onStderr = (text: string, child: ChildProcess) => {
      seen.push(text);
      const [, url] = /"url":"(http:[^"]+)"/.exec(seen.join('')) ?? [];
      if (url === undefined || existsSync(join(cwd, 'asked'))) return;
      writeFileSync(join(cwd, 'asked'), '');
      void fetch(`${url}/api/v1/releases`)
        .then((answer) => answer.json())
        .then((body) => writeFileSync(join(cwd, 'asked'), JSON.stringify(body)))
        .finally(() => child.kill('SIGTERM'));
    };
    const { code } = await cli(['cache', 'run', '--http', '0', ...DEMO], { cwd, onStderr });
    expect(code).toBe(143);
    const db = new Database(join(cwd, 'demo/cache.db'), { readonly: true });
    expect(db.prepare("SELECT count(*) FROM cache_job WHERE state = 'running'").pluck().get()).toBe(0);
    db.close();
  });
});
