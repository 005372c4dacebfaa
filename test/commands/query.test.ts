import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { openWarehouse } from '../../pipeline/backends/warehouse/index.ts';
import { BUILD_QUERIES, METRIC_QUERIES } from '../../pipeline/queries/index.ts';
import { duckDbOf } from '../queries/demo-table.ts';
import { type CliResult, cli } from '../support/cli.ts';
import { tempFolder } from '../support/temp.ts';

// Each test runs the command once or more often, in a process of its own.
vi.setConfig({ testTimeout: 120_000 });
const cwd = tempFolder();
const HOUR_S = 3600;
const FORMULA = '=cmd|"/C calc"!A1';
const ESCAPE = '\u001b[31mred\u001b[0m';
const WAREHOUSE = ['--warehouse', 'duckdb:demo.duckdb'];

function build(number: number, over: Readonly<Record<string, unknown>>): object {
  const started = Math.round(Date.now() / 1000) - 48 * HOUR_S - number * HOUR_S;
  return {
    ...{ started, finished: started + 60, elapsed: 60, number, repo_commit: 'c0ffee', metadata: [] },
    ...{ path: `gs://b/logs/${number}`, tests_run: 1, tests_failed: 0, result: 'SUCCESS', passed: true },
    ...over,
  };
}

beforeAll(async () => {
  const test = (name: string, failed: boolean) => ({ name, time: 1, ...(failed && { failed }) });
  const failed = { passed: false, result: 'FAILURE', tests_failed: 2 };
  const warehouse = await duckDbOf(cwd, [
    build(1, { ...failed, job: 'ci-a', test: [test(FORMULA, true), test(ESCAPE, true)] }),
    build(2, { job: 'ci-a', test: [test(FORMULA, false), test(ESCAPE, false)] }),
    build(3, { job: 'pr:b', test: [test('fine', false)] }),
  ]);
  await warehouse.close();
});

const samovar = (...args: readonly string[]): Promise<CliResult> => cli(args, { cwd });

describe('samovar query', () => {
  it('lists what can be asked, for people and programs', async () => {
    const { stdout, code } = await samovar('query', '--list');
    expect(code).toBe(0);
    for (const { name, about } of BUILD_QUERIES)
      expect(stdout).toMatch(new RegExp(`${name} .*${escaped(about)}`));
    const json = JSON.parse((await samovar('query', '--list', '--json')).stdout) as readonly {
      name: string;
    }[];
    expect(json.map(({ name }) => name)).toEqual(BUILD_QUERIES.map(({ name }) => name));
  });

  it('shows rows as a table, as JSON and as CSV; hostile names harm none of them', async () => {
    const table = await samovar('query', 'flaky-tests', ...WAREHOUSE);
    expect(table.stderr).toBe('');
    expect(table.stdout).toContain('\\u001b[31mred');
    expect(table.stdout).not.toContain('\u001b');
    const csv = await samovar('query', 'flaky-tests', '--format', 'csv', ...WAREHOUSE);
    expect(csv.stdout.split('\n')).toHaveLength(4);
    expect(csv.stdout).toContain(`"'${FORMULA.replaceAll('"', '""')}","ci-a",1,0,2,1,0.5,`);
    expect(csv.stdout).not.toContain('\u001b');
    const json = await samovar('query', 'flaky-tests', '--json', ...WAREHOUSE);
    expect((JSON.parse(json.stdout) as readonly { test: string }[]).map(({ test }) => test)).toEqual([
      ESCAPE,
      FORMULA,
    ]);
  });

  it('asks of some jobs and so many rows', async () => {
    const args = ['--json', '--job', 'pr:*', '--limit', '1', ...WAREHOUSE];
    const { stdout } = await samovar('query', 'job-health-weekly', ...args);
    expect(JSON.parse(stdout)).toMatchObject([{ job: 'pr:b', runs: 1 }]);
  });

  it('answers while another process holds the file, with owners by rule', async () => {
    writeFileSync(join(cwd, 'owners.yaml'), '- owner: team-b\n  job: pr:*\n');
    const held = await openWarehouse(`duckdb:${join(cwd, 'demo.duckdb')}`, {
      timeoutMs: 30_000,
      loadTimeoutMs: 30_000,
    });
    try {
      const args = ['owners', '--owners', 'owners.yaml', '--json', ...WAREHOUSE];
      const { stdout, stderr } = await samovar('query', ...args);
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toMatchObject([
        { owner: '(none)', failures: 2 },
        { owner: 'team-b', tests: 1, failures: 0 },
      ]);
    } finally {
      await held.close();
    }
  });

  it('only shows the SQL in a dry run', async () => {
    const { stdout, code } = await samovar('query', 'owners', '--dry-run', '--job', "it's", ...WAREHOUSE);
    expect(code).toBe(0);
    expect(stdout).toContain('FROM "all" AS b');
    expect(stdout).toContain("regexp_matches(b.job, '^it''s$')");
    expect(stdout).toMatch(/;\n-- reading is free here\n$/);
  });

  it.each([
    [['query', 'job-helth'], /Did you mean job-health\?/],
    [['query'], /samovar query --list/],
    [['query', 'failures', '--owners', 'x.yaml'], /not for failures/],
    [['query', 'owners', '--json', '--format', 'csv'], /two things/],
    [['query', 'owners', '--table', 'a"b'], /table .* is not allowed/],
  ] as const)('%j is refused with what to do', async (args, words) => {
    const { stderr, code, stdout } = await samovar(...args, ...WAREHOUSE);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(words);
  });
});

describe('samovar metrics', () => {
  it('writes three files for each of the ten, and none in a dry run', async () => {
    const dry = await samovar('metrics', '--out', 'none', '--dry-run', ...WAREHOUSE);
    expect(dry).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(join(cwd, 'none'))).toBe(false);
    const { stdout, stderr, code } = await samovar('metrics', '--out', 'metrics', '--json', ...WAREHOUSE);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const written = JSON.parse(stdout) as readonly { files: readonly string[] }[];
    const files = written.flatMap((one) => one.files);
    expect(files).toHaveLength(3 * METRIC_QUERIES.length);
    for (const file of files) JSON.parse(readFileSync(join(cwd, file), 'utf8'));
    expect(readdirSync(join(cwd, 'metrics')).sort()).toEqual(
      METRIC_QUERIES.flatMap(({ name }) => [name, `${name}-latest.json`]).sort(),
    );
  });

  it('says which metric could not be made, and fails', async () => {
    const { stdout, code } = await samovar('metrics', '--out', 'metrics', '--table', 'nowhere', ...WAREHOUSE);
    expect(code).toBe(1);
    expect(stdout).toMatch(/build-stats .*nowhere/);
  });
});

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
