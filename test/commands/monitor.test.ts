import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CheckResult } from '../../pipeline/jobs/doctor.ts';
import type { MonitorReport } from '../../pipeline/jobs/monitor.ts';
import type { StatusReport } from '../../pipeline/jobs/status.ts';
import { snowflakeAt } from '../../pipeline/records/ids.ts';
import { parsePage } from '../monitor/page.ts';
import { startBigQueryFake } from '../support/bigquery-fake.ts';
import { cli } from '../support/cli.ts';
import { prowFolder } from '../support/prow.ts';
import { tempFolder } from '../support/temp.ts';

const COMMON = ['--buckets', 'buckets.yaml', '--tables-file', 'tables.yaml', '--db', 'b.db'];
const DUCK = [...COMMON, '--warehouse', 'duckdb:w.duckdb'];
const ROOT = resolve(import.meta.dirname, '../..');
const SLOW = 120_000;

/** A bucket with one build, two tables. */
function folder(): string {
  const cwd = tempFolder();
  const atMs = Date.now() - 60_000;
  prowFolder(join(cwd, 'bucket')).build('ci-a', snowflakeAt(atMs), {
    finished: { timestamp: Math.floor(atMs / 1000), passed: true },
  });
  writeFileSync(join(cwd, 'tables.yaml'), 'all:\n  days: 0\nday:\n  days: 1\n');
  writeFileSync(join(cwd, 'buckets.yaml'), 'file:bucket/logs/:\n  sequential: false\n');
  return cwd;
}

const names = (cwd: string) => readdirSync(cwd).sort();

describe('samovar monitor', () => {
  it(
    'on a fresh machine says that nothing is there, makes nothing, and fails only once ages are asked for',
    async () => {
      const cwd = folder();
      const before = names(cwd);
      const plain = await cli(['monitor', ...DUCK], { cwd });
      expect([plain.code, plain.stderr]).toEqual([0, '']);
      expect(plain.stdout).toMatch(/all .* not there/);
      const stale = await cli(['monitor', '--stale', '6', ...DUCK], { cwd });
      expect(stale.code).toBe(1);
      expect(stale.stdout).toContain('ERROR: table all is not in duckdb:w.duckdb.');
      expect((await cli(['status', ...DUCK], { cwd })).stdout).toMatch(/Next: +samovar update/);
      expect((await cli(['doctor', ...DUCK], { cwd })).code).toBe(0);
      expect(names(cwd)).toEqual(before);
    },
    SLOW,
  );

  it(
    'tells rows and ages after an update, in each format, and holds limits against them',
    async () => {
      const cwd = folder();
      expect((await cli(['update', ...DUCK], { cwd })).code).toBe(0);
      const bytes = () => ['b.db', 'w.duckdb'].map((name) => [statSync(join(cwd, name)).mtimeMs, name]);
      const before = bytes();
      const limits = [
        '--stale',
        '6',
        '--max-lag',
        '1',
        '--max-bucket-age',
        '24',
        '--max-dead-letters',
        '0',
        '--min-free',
        '0',
      ];
      const table = await cli(['monitor', ...limits, ...DUCK], { cwd });
      expect([table.code, table.stderr]).toEqual([0, '']);
      expect(table.stdout).toMatch(/all +1 +256 KiB +\d{4}-\d\d-\d\d \d\d:\d\d UTC +0\.0 h +0/);
      expect(table.stdout).not.toContain('\u001b');
      const { stdout } = await cli(['monitor', '--json', '--table', 'day', '--min-free', '0', ...DUCK], {
        cwd,
      });
      const report = JSON.parse(stdout) as MonitorReport;
      expect(report.tables).toMatchObject([
        { table: 'day', seen: 'warehouse', rows: 1, committed: 1, waiting: 0 },
      ]);
      const page = await cli(['monitor', '--format', 'prometheus', ...DUCK], { cwd });
      const labels = { table: 'all', warehouse: 'duckdb:w.duckdb' };
      expect(parsePage(page.stdout).value('samovar_monitor_table_rows', labels)).toBe(1);
      expect(bytes()).toEqual(before);
    },
    SLOW,
  );

  it(
    'goes by the ledger while another process has the DuckDB file, and so do status and doctor',
    async () => {
      const cwd = folder();
      expect((await cli(['update', ...DUCK], { cwd })).code).toBe(0);
      const module = join(ROOT, 'pipeline/backends/warehouse/index.ts');
      const program = `
      const { openWarehouse } = await import(${JSON.stringify(module)});
      await openWarehouse('duckdb:w.duckdb', { timeoutMs: 10000, loadTimeoutMs: 10000 });
      console.log('open');
      setInterval(() => {}, 1000);`;
      const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', program];
      const other = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
      onTestFinished(() => void other.kill('SIGKILL'));
      await once(other.stdout, 'data');
      const held = await cli(['monitor', '--stale', '6', '--min-free', '0', '--json', ...DUCK], { cwd });
      expect(held.code).toBe(0);
      const report = JSON.parse(held.stdout) as MonitorReport;
      expect(report.unseen).toMatchObject([{ what: 'warehouse duckdb:w.duckdb', code: 'conflict' }]);
      expect(report.tables).toMatchObject([{ seen: 'ledger', committed: 1 }, { seen: 'ledger' }]);
      const status = await cli(['status', '--json', ...DUCK], { cwd });
      expect(JSON.parse(status.stdout) as StatusReport).toMatchObject({ builds: { builds: { builds: 1 } } });
      const doctor = await cli(['doctor', '--json', ...DUCK], { cwd });
      const results = JSON.parse(doctor.stdout) as readonly CheckResult[];
      expect(results.find(({ area }) => area === 'warehouse')).toMatchObject({
        state: 'ok',
        detail: expect.stringContaining('another process has it open'),
      });
    },
    SLOW,
  );

  it(
    "takes Kettle's names of tables, without any database",
    async () => {
      const server = await startBigQueryFake();
      onTestFinished(() => server.stop());
      const cwd = folder();
      const env = { SAMOVAR_BIGQUERY_ENDPOINT: server.endpoint };
      const made = ['--warehouse', 'bigquery:fake-project:fake'];
      expect((await cli(['update', ...COMMON, ...made], { cwd, env })).code).toBe(0);
      const flags = ['--table', 'fake-project:fake.all', 'fake-project:fake.gone', '--stale', '6', '--json'];
      const found = await cli(['monitor', ...flags, '--db', 'none.db', '--buckets', 'buckets.yaml'], {
        cwd,
        env,
      });
      const report = JSON.parse(found.stdout) as MonitorReport;
      expect(report.tables).toMatchObject([
        { table: 'all', warehouse: 'bigquery:fake-project:fake', seen: 'warehouse', rows: 1 },
        { table: 'gone', seen: 'missing' },
      ]);
      expect(report.problems).toMatchObject([{ check: 'missing', subject: 'gone' }]);
      expect(found.code).toBe(1);
    },
    SLOW,
  );

  it(
    'refuses limits that are no numbers, and two formats at once',
    async () => {
      const cwd = folder();
      const negative = await cli(['monitor', '--stale=-1', ...DUCK], { cwd });
      expect([negative.code, negative.stderr]).toEqual([
        2,
        expect.stringContaining('--stale takes a number'),
      ]);
      const word = await cli(['monitor', '--stale', 'six', ...DUCK], { cwd });
      expect([word.code, word.stderr]).toEqual([2, expect.stringContaining('--stale')]);
      const both = await cli(['monitor', '--json', '--format', 'prometheus', ...DUCK], { cwd });
      expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('two things')]);
    },
    SLOW,
  );
});
