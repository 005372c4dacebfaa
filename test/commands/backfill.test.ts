import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openWarehouse } from '../../pipeline/backends/warehouse/index.ts';
import { snowflakeAt, snowflakeTimeMs } from '../../pipeline/records/ids.ts';
import { cli } from '../support/cli.ts';
import { junitXml, prowFolder } from '../support/prow.ts';
import { tempFolder } from '../support/temp.ts';

const DAY_MS = 86_400_000;
const FIRST_MS = Date.parse('2026-03-01T12:00:00Z');

/** Ten days of two jobs, a build a day each, in a folder to run in. */
function tenDays(): string {
  const cwd = tempFolder();
  const prow = prowFolder(join(cwd, 'bucket'));
  for (const job of ['ci-a', 'ci-b']) {
    for (let day = 0; day < 10; day += 1) {
      const startedMs = FIRST_MS + day * DAY_MS;
      prow.build(job, snowflakeAt(startedMs), {
        started: { timestamp: startedMs / 1000 },
        finished: { timestamp: startedMs / 1000 + 600, passed: true },
        files: { 'artifacts/junit.xml': junitXml({ passed: 3 }) },
      });
    }
  }
  writeFileSync(
    join(cwd, 'buckets.yaml'),
    'file:bucket/logs/:\n  sequential: false\n  exclude_jobs: ["^ci-never$"]\n',
  );
  return cwd;
}

const COMMON = ['--buckets', 'buckets.yaml', '--db', 'b.db', '--warehouse', 'duckdb:w.duckdb'];

async function loaded(cwd: string): Promise<readonly string[]> {
  const warehouse = await openWarehouse(`duckdb:${join(cwd, 'w.duckdb')}`, {
    timeoutMs: 10_000,
    loadTimeoutMs: 10_000,
  });
  onTestFinished(() => warehouse.close());
  const rows = await warehouse.query(`SELECT path FROM ${warehouse.tableName('all')} ORDER BY path`);
  return rows.map(({ path }) => {
    const [job, build] = String(path).split('/').slice(-2);
    return `${job} day ${Math.round((snowflakeTimeMs(build ?? '') - FIRST_MS) / DAY_MS)}`;
  });
}

const RANGE = ['--job', 'ci-a', '--since', '2026-03-03', '--until', '2026-03-06'];

describe('a backfill', () => {
  it('says in a dry run what to expect, and does nothing', async () => {
    const cwd = tenDays();
    const { stdout, code } = await cli(['backfill', ...RANGE, '--dry-run', '--json', ...COMMON], { cwd });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ builds: 3, requests: 17, bytes: 1_290_000 });
    expect((await cli(['backfill', ...RANGE, '--dry-run', ...COMMON], { cwd })).stdout).toContain(
      '3 builds are new',
    );
  }, 60_000);

  it.each([[[]], [['--by-day']]])(
    'loads the range once, with %j, and goes on where it was stopped',
    async (flags) => {
      const cwd = tenDays();
      const first = await cli(['backfill', ...RANGE, ...flags, ...COMMON, '--json'], { cwd });
      expect(first.code, first.stderr).toBe(0);
      expect(JSON.parse(first.stdout)).toMatchObject({
        loaded: { rows: 3, loads: flags.length > 0 ? 3 : 1 },
      });
      const again = await cli(['backfill', ...RANGE, ...flags, ...COMMON], { cwd });
      expect(again.stdout).toContain('0 rows loaded');
      const wider = ['--job', 'ci-*', '--since', '2026-03-03', '--until', '2026-03-07'];
      const more = await cli(['backfill', ...wider, ...flags, ...COMMON, '--json'], { cwd });
      expect(JSON.parse(more.stdout)).toMatchObject({ loaded: { rows: 5 } });
      expect(await loaded(cwd)).toEqual(
        ['ci-a', 'ci-b'].flatMap((job) => [2, 3, 4, 5].map((day) => `${job} day ${day}`)),
      );
    },
    90_000,
  );

  it('wants a range', async () => {
    const cwd = tenDays();
    const { code, stderr } = await cli(['backfill', ...COMMON], { cwd });
    expect([code, stderr]).toEqual([2, expect.stringContaining('since')]);
  }, 30_000);
});
