import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { tempFolder } from '../support/temp.ts';

const cwd = tempFolder();
const write = (name: string, text: string): string => {
  writeFileSync(join(cwd, name), text);
  return name;
};

describe('config check', () => {
  test('names the good files and what is in them', async () => {
    const buckets = write('good.yaml', 'gs://bkt/logs/: {sequential: false}\n');
    const { code, stdout } = await cli(['config', 'check', '--buckets', buckets], { cwd });
    expect(code).toBe(0);
    expect(stdout).toContain('good.yaml: good, roots: gs://bkt/logs/');
    expect(stdout).toMatch(/tables\.yaml: good, tables: day, week, all/);
  });

  test('names every bad line of both files and exits 2', async () => {
    const buckets = write('bad.yaml', 'gs://bkt/logs/:\n  sequental: true\n  exclude_jobs: ["*"]\n');
    const tables = write('bad-tables.yaml', 'day: {days: -1}\n');
    const { code, stdout, stderr } = await cli(
      ['config', 'check', '--buckets', buckets, '--tables-file', tables],
      { cwd },
    );
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^bad\.yaml:2:3: .*did you mean "sequential"/m);
    expect(stderr).toMatch(/^bad\.yaml:3:18: .*no usable regular expression/m);
    expect(stderr).toMatch(/^bad-tables\.yaml:1:13: day → days: -1 must be >= 0/m);
    expect(stderr).not.toContain('    at ');
  });

  test('a missing file and a wrong variable are named, exit 2', async () => {
    const gone = await cli(['config', 'check', '--buckets', 'gone.yaml'], { cwd });
    expect([gone.code, gone.stderr]).toEqual([2, expect.stringContaining('there is no file gone.yaml')]);
    const variable = await cli(['config', 'check'], { cwd, env: { BUILD_LIMIT: 'many' } });
    expect([variable.code, variable.stderr]).toEqual([
      2,
      expect.stringContaining('BUILD_LIMIT: must be a whole number'),
    ]);
  });
});

describe('config show', () => {
  test('prints what holds, what set it, and no password', async () => {
    const env = { KETTLE_DB: 'old.db', STORAGE_EMULATOR_HOST: 'http://me:secret@127.0.0.1:1' };
    const { code, stdout } = await cli(['config', 'show', '--json', '--warehouse', 'duckdb:w.duckdb'], {
      cwd,
      env,
    });
    expect(code).toBe(0);
    expect(stdout).not.toContain('secret');
    expect(JSON.parse(stdout)).toMatchObject({
      db: 'old.db',
      warehouse: 'duckdb:w.duckdb',
      demo: false,
      sources: { db: 'KETTLE_DB', warehouse: '--warehouse', storage_endpoint: 'STORAGE_EMULATOR_HOST' },
    });
    const text = await cli(['config', 'show'], { cwd, env });
    expect(text.stdout).toContain('db by KETTLE_DB');
    expect(text.stdout).not.toContain('secret');
  });

  test('takes config/samovar.yaml of the folder it runs in', async () => {
    mkdirSync(join(cwd, 'config'), { recursive: true });
    write('config/samovar.yaml', 'threads: 3\n');
    const { stdout } = await cli(['config', 'show', '--json'], { cwd });
    expect(JSON.parse(stdout)).toMatchObject({
      threads: 3,
      demo: true,
      sources: { threads: 'config/samovar.yaml' },
    });
  });
});
