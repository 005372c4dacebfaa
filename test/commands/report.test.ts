import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { duckDbOf } from '../queries/demo-table.ts';
import { HOSTILE } from '../report/fixture.ts';
import { type CliResult, cli } from '../support/cli.ts';
import { tempFolder } from '../support/temp.ts';

// Each test runs the command once or more often, in a process of its own.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
const cwd = tempFolder();
const WAREHOUSE = ['--warehouse', 'duckdb:demo.duckdb'];
const HOUR_S = 3_600;
/** A NUL and half a pair of surrogates are no text for a warehouse. */
const NAMES = Object.values(HOSTILE).filter((name) => name !== HOSTILE.control && name !== '');

const samovar = (...args: readonly string[]): Promise<CliResult> => cli(args, { cwd });

function build(at: number): object {
  const started = Math.round(Date.now() / 1_000) - at * HOUR_S - HOUR_S;
  const failed = at % 3 === 0;
  return {
    ...{
      started,
      finished: started + 60,
      elapsed: 60,
      number: at,
      repo_commit: 'c0ffee',
      tests_run: NAMES.length,
    },
    ...{
      path: `gs://b/logs/${at}/`,
      job: NAMES[at % 2] ?? '',
      passed: !failed,
      tests_failed: failed ? 1 : 0,
    },
    result: failed ? 'FAILURE' : 'SUCCESS',
    metadata: NAMES.map((name) => ({ key: name, value: name })),
    test: NAMES.map((name, nth) => ({
      ...{ name, time: nth },
      ...(failed && nth === at % NAMES.length && { failed: true, failure_text: `${name}\nand more` }),
    })),
  };
}

beforeAll(async () => {
  const warehouse = await duckDbOf(
    cwd,
    Array.from({ length: 24 }, (_, at) => build(at)),
  );
  await warehouse.close();
});

function filesOf(folder: string): readonly string[] {
  return readdirSync(join(cwd, folder), { recursive: true, encoding: 'utf8' }).sort();
}

describe('samovar report', () => {
  it('writes a site and says where it is, in words and as JSON', async () => {
    const { code, stdout, stderr } = await samovar('report', '--out', 'site', ...WAREHOUSE);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^Report: \/.*\/site\/index\.html\n {8}2 jobs, 24 builds, \d tests, 0 groups of failures: \d+ files, /,
    );
    const json = JSON.parse((await samovar('report', '--out', 'site', '--json', ...WAREHOUSE)).stdout);
    expect(json).toMatchObject({ index: join(cwd, 'site', 'index.html'), buildsTotal: 24, removed: 0 });
    expect(json.pages).toMatchObject({ job: 2, build: 24, cluster: 0 });
    expect(filesOf('site').filter((file) => file.endsWith('.html'))).toHaveLength(json.files - 3);
  });

  it('escapes what builds say, wherever it stands', async () => {
    await samovar('report', '--out', 'escaped', ...WAREHOUSE);
    const pages = filesOf('escaped').filter((file) => file.endsWith('.html'));
    expect(pages.length).toBeGreaterThan(30);
    let told = 0;
    for (const file of pages) {
      const html = readFileSync(join(cwd, 'escaped', file), 'utf8');
      expect({ file, harm: /<script>|<img|\sonerror="|href="javascript/i.exec(html)?.[0] }).toEqual({ file });
      if (html.includes('&lt;script&gt;window.harmed')) told += 1;
    }
    expect(told).toBeGreaterThan(20);
  });

  it('links builds to their files where --artifacts-url says', async () => {
    await samovar('report', '--out', 'linked', '--artifacts-url', 'https://gcsweb.example/gcs', ...WAREHOUSE);
    const [page = ''] = filesOf('linked/build');
    const html = readFileSync(join(cwd, 'linked/build', page), 'utf8');
    expect(html).toMatch(/href="https:\/\/gcsweb\.example\/gcs\/b\/logs\/\d+\/"/);
  });

  it('writes nothing in a dry run', async () => {
    const { code, stdout } = await samovar('report', '--out', 'dry', '--dry-run', ...WAREHOUSE);
    expect({ code, there: existsSync(join(cwd, 'dry')) }).toEqual({ code: 0, there: false });
    expect(stdout).toMatch(/^Would write 2 jobs, 24 builds, .*Nothing was written to dry\.$/m);
    const json = JSON.parse(
      (await samovar('report', '--out', 'dry', '--dry-run', '--json', ...WAREHOUSE)).stdout,
    );
    expect(json).toMatchObject({ index: null, buildsTotal: 24 });
  });

  it.each([
    [['--days', '0'], 2, /--days is not a whole number above 0/],
    [['--artifacts-url', 'javascript:alert(1)'], 2, /--artifacts-url .* is no address of a web page/],
    [['--table', 'nothing'], 1, /nothing/],
  ])('%j: says what is wrong, and writes nothing', async (args, exit, said) => {
    const { code, stderr, stdout } = await samovar('report', '--out', 'wrong', ...args, ...WAREHOUSE);
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' });
    expect(stderr).toMatch(said);
    expect(existsSync(join(cwd, 'wrong'))).toBe(false);
  });

  it('says what to do where nothing was loaded yet', async () => {
    const { code, stderr } = await samovar('report', '--out', 'wrong', '--warehouse', 'duckdb:none.duckdb');
    expect(code).toBe(1);
    expect(stderr).toContain('samovar update');
    expect(existsSync(join(cwd, 'none.duckdb'))).toBe(false);
  });

  it.each(['bigquery:my-project:builds', 'duckdb:none.duckdb'])(
    'with --if-embedded does nothing about %s',
    async (warehouse) => {
      const { code, stdout, stderr } = await samovar('report', '--if-embedded', '--warehouse', warehouse);
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
    },
  );

  it('ends as a shell expects when it is stopped, and leaves the report that was there', async () => {
    await samovar('report', '--out', 'kept', ...WAREHOUSE);
    const before = filesOf('kept');
    // The moment it has told of anything it is at work: here, of what it reads.
    const { code, stderr } = await cli(['report', '--out', 'kept', ...WAREHOUSE], {
      cwd,
      env: { SAMOVAR_LOG_LEVEL: 'info' },
      onStart: (child) => {
        const timer = setInterval(() => {
          const isAtWork = filesOf('kept').some((file) => file.startsWith('.samovar-report-new-'));
          if (!isAtWork) return;
          clearInterval(timer);
          child.kill('SIGTERM');
        }, 2);
        child.on('close', () => clearInterval(timer));
      },
    });
    expect(filesOf('kept')).toEqual(before);
    // It may have been through already.
    if (code !== 0)
      expect({ code, told: stderr.includes('stopped: nothing was written') }).toEqual({
        code: 143,
        told: true,
      });
  });

  it("leaves somebody's own page alone", async () => {
    const { code: before } = await samovar('report', '--out', 'mine', ...WAREHOUSE);
    expect(before).toBe(0);
    writeFileSync(join(cwd, 'mine', '.samovar-report.json'), '{}');
    const { code, stderr } = await samovar('report', '--out', 'mine', ...WAREHOUSE);
    expect(code).toBe(2);
    expect(stderr).toContain("that is not a report's");
  });
});
