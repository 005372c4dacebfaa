import { rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openWarehouse } from '../../pipeline/backends/warehouse/index.ts';
import { randomFor } from '../../pipeline/demo/random.ts';
import type { ShardManifest } from '../../pipeline/emit/shard-manifest.ts';
import { snowflakeAt } from '../../pipeline/records/ids.ts';
import { cli } from '../support/cli.ts';
import { junitXml, prowFolder } from '../support/prow.ts';
import { folderBucket, writtenLines } from '../support/shards.ts';
import { tempFolder } from '../support/temp.ts';

const FIRST_MS = Date.parse('2026-03-01T12:00:00Z');
const DAY_MS = 86_400_000;
const BUILDS = 3 * 12 + 12 + 10;
const RANGE = ['--since', '2026-02-01', '--until', '2026-04-01'];
const AT_ONCE = 4;

/** Loaded before the command: it dies at a numbered side effect. */
const PRELOAD = `--import=${import.meta.resolve('tsx')} --import=${resolve(import.meta.dirname, '../faults/preload/index.ts')}`;

/** Folders, presubmits and small numbers over twelve days, in a folder to run in. */
function world(): string {
  const cwd = tempFolder();
  const prow = prowFolder(join(cwd, 'bucket'));
  const build = (startedMs: number) => ({
    started: { timestamp: startedMs / 1000 },
    finished: { timestamp: startedMs / 1000 + 600, passed: true },
    files: { 'artifacts/junit.xml': junitXml({ passed: 3, failed: 1 }) },
  });
  for (let day = 0; day < 12; day += 1) {
    const ms = FIRST_MS + day * DAY_MS;
    for (const job of ['ci-a', 'ci-b', 'ci-c']) prow.build(job, snowflakeAt(ms), build(ms));
    const pointer = `file:bucket/pr-logs/pull/k_k/${day}/pull-x/${snowflakeAt(ms)}`;
    prow.presubmit('k_k', day, 'pull-x', snowflakeAt(ms), { ...build(ms), pointer });
    if (day < 10) prow.build('ci-small', String(day + 1), build(ms));
  }
  // Never a row, whoever looks: that keeps no shard from being complete.
  prow.build('ci-broken', snowflakeAt(FIRST_MS), {
    started: { timestamp: FIRST_MS / 1000 },
    finished: '{nope',
  });
  const roots =
    'file:bucket/logs/:\n  sequential: false\nfile:bucket/pr-logs/:\n  pr: true\n  prefix: "pr:"\n';
  writeFileSync(join(cwd, 'buckets.yaml'), roots);
  return cwd;
}

interface Killed {
  readonly env?: Readonly<Record<string, string>>;
}

const backfill = (cwd: string, shard: readonly string[], out: string, { env }: Killed = {}) =>
  cli(
    [
      'backfill',
      ...RANGE,
      ...shard,
      '--out',
      `file:${out}/x`,
      '--buckets',
      'buckets.yaml',
      '--log-level',
      'warn',
    ],
    { cwd, ...(env && { env }) },
  );

const killAt = (point: string) => ({ env: { NODE_OPTIONS: PRELOAD, SAMOVAR_FAULT_KILL_AT: point } });

/** All shards of a whole, some at once. Each must end well. */
async function allShards(cwd: string, count: number, out: string): Promise<void> {
  const left = Array.from({ length: count }, (_, index) => index);
  const worker = async () => {
    for (let index = left.shift(); index !== undefined; index = left.shift()) {
      const { code, stderr } = await backfill(cwd, ['--shard', `${index}/${count}`], out);
      expect(code, stderr).toBe(0);
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, count) }, worker));
}

const linesOf = (cwd: string, out: string, count: number) =>
  writtenLines(folderBucket(join(cwd, out)), 'x/', count);

const bqLoad = (cwd: string, out: string, more: readonly string[] = [], { env }: Killed = {}) =>
  cli(
    [
      'bq-load',
      '--manifests',
      `file:${out}/x`,
      '--warehouse',
      'duckdb:w.duckdb',
      '--db',
      'loader.db',
      ...more,
    ],
    { cwd, ...(env && { env }) },
  );

async function loadedPaths(cwd: string): Promise<readonly string[]> {
  const options = { timeoutMs: 10_000, loadTimeoutMs: 10_000 };
  const warehouse = await openWarehouse(`duckdb:${join(cwd, 'w.duckdb')}`, options);
  const rows = await warehouse.query(`SELECT path FROM ${warehouse.tableName('all')} ORDER BY path`);
  await warehouse.close();
  return rows.map(({ path }) => String(path)).sort();
}

const pathsOf = (lines: readonly string[]) => lines.map((line) => String(JSON.parse(line).path)).sort();

/** Where a shard dies: early and late, storing builds, and at files that appear under their names or are tidied after them. */
function deaths(count: number): readonly string[] {
  const random = randomFor(Number(process.env.SAMOVAR_TEST_SEED ?? 5), 'where shards die');
  const upTo = (most: number) => 2 + Math.floor(random.next() * (most - 1));
  return Array.from({ length: count }, (_, at) => {
    const when = random.next() < 0.5 ? 'before' : 'after';
    return at % 2 === 0 ? `file ${when} ${upTo(20)}` : `sqlite ${when} ${upTo(5)}`;
  });
}

describe('shards as processes', () => {
  it('write what one writes alone, whichever dies and is run again; loads that die too have each row in once', async () => {
    const cwd = world();
    await allShards(cwd, 1, 'out');
    const wanted = await linesOf(cwd, 'out', 1);
    expect(wanted).toHaveLength(BUILDS);
    for (const [index, point] of deaths(3).entries()) {
      const killed = await backfill(cwd, ['--shard', `${index}/4`], 'out', killAt(point));
      expect([killed.signal, killed.code], `${point}: ${killed.stderr}`).toEqual(['SIGKILL', null]);
      // On another machine: nothing of its own is left.
      if (index === 1) rmSync(join(cwd, 'data'), { recursive: true, force: true });
    }
    expect(await linesOf(cwd, 'out', 4)).toEqual([]);
    await allShards(cwd, 4, 'out');
    expect(await linesOf(cwd, 'out', 4)).toEqual(wanted);

    for (const point of ['sqlite after 4', 'file before 1', 'duckdb after 4']) {
      const killed = await bqLoad(cwd, 'out', [], killAt(point));
      expect([killed.signal, killed.code], `${point}: ${killed.stderr}`).toEqual(['SIGKILL', null]);
    }
    const last = await bqLoad(cwd, 'out', ['--json']);
    expect(last.code, last.stderr).toBe(0);
    expect(await loadedPaths(cwd)).toEqual(pathsOf(wanted));
    const again = await bqLoad(cwd, 'out', ['--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ tables: [{ rows: 0, loads: 0 }], problems: [] });
    expect(await loadedPaths(cwd)).toEqual(pathsOf(wanted));
  }, 600_000);

  it('take their number from an Indexed Job, and only times that all of them understand alike', async () => {
    const cwd = world();
    const env = { JOB_COMPLETION_INDEX: '1' };
    const written = await backfill(cwd, ['--shards', '2', '--json'], 'out', { env });
    expect(written.code, written.stderr).toBe(0);
    const { manifest } = JSON.parse(written.stdout) as { manifest: ShardManifest };
    expect(manifest).toMatchObject({ shard: { index: 1, count: 2 }, complete: true });
    const args = ['make-db', '--shard', '1/2', '--buckets', 'buckets.yaml', '--db', 'b.db', '--json'];
    const { stats } = JSON.parse((await cli(args, { cwd })).stdout) as { stats: { added: number } };
    expect(stats.added).toBe(manifest.rows);

    const missing = await bqLoad(cwd, 'out', ['--dry-run']);
    expect(missing.code).toBe(1);
    expect(missing.stdout).toContain(`at most ${manifest.rows} rows would be loaded into all`);
    expect(missing.stdout).toContain('no complete manifest of all: 0 of 2');
    const nobody = await backfill(cwd, ['--shards', '2'], 'out');
    expect([nobody.code, nobody.stderr]).toEqual([
      2,
      expect.stringContaining('JOB_COMPLETION_INDEX does not say'),
    ]);
    const ages = [
      'backfill',
      '--since',
      '90d',
      '--shard',
      '0/2',
      '--out',
      'file:out/x',
      '--buckets',
      'buckets.yaml',
    ];
    const refused = await cli(ages, { cwd });
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringContaining('would not agree on this time'),
    ]);
  }, 300_000);
});
