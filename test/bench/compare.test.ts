import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseDocument } from '../../pipeline/records/json.ts';
import { directoryBucket } from '../../scripts/bench/corpus/directory.ts';
import { classify } from '../../scripts/kettle/comparison.ts';
import { diffRows } from '../../scripts/kettle/diff-rows.ts';
import { DELIBERATE } from '../../scripts/kettle/differences.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PATH = 'gs://bucket/logs/job/1';
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'samovar-compare-test-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('two rows', () => {
  it('are the same when numbers are and when only the order of keys differs', () => {
    expect(
      differences(
        '{"tests_run": 0, "tests_failed": 0, "a": 1, "number": 1948564050363289600}',
        '{"number":1948564050363289600,"a":1.0,"tests_failed":0,"tests_run":0}',
      ),
    ).toEqual([]);
    const row = '{"number": 1948564050363289600, "tests_run": 0, "tests_failed": 0}';
    expect(differences(row, row.replace('600', '601')).map(({ field }) => field)).toEqual(['number']);
  });

  it('differ in a column that only one has, in metadata by key, in a test by name and field', () => {
    const kettle = `{"version": "1", "metadata": [{"key": "a", "value": "1"}], "test": [{"name": "t", "time": 1}], "tests_run": 1, "tests_failed": 0}`;
    const ours = `{"metadata": [{"key": "a", "value": "2"}], "test": [{"name": "t", "time": 2}, {"name": "t"}], "tests_run": 2, "tests_failed": 0}`;
    expect(differences(kettle, ours).map(({ field }) => field)).toEqual([
      'version',
      'metadata.a',
      'test.time',
      'test',
    ]);
  });

  it('differ when a count does not fit its own tests', () => {
    const row = `{"test": [{"name": "t"}], "tests_run": 1, "tests_failed": 0}`;
    expect(
      differences(row, row.replace('"tests_failed": 0', '"tests_failed": 1')).map(({ field }) => field),
    ).toEqual(['tests_failed']);
  });

  it('differ in the order of their tests', () => {
    const row = (names: string) => `{"test": [${names}], "tests_run": 2, "tests_failed": 0}`;
    expect(
      differences(row('{"name": "a"}, {"name": "b"}'), row('{"name": "b"}, {"name": "a"}')).map(
        ({ field }) => field,
      ),
    ).toEqual(['order of tests']);
  });
});

describe('a difference', () => {
  it('is deliberate only with evidence in the bucket', () => {
    const missing = { path: PATH, field: 'test', test: 'suite t', kettle: undefined, ours: '{}' };
    lay({
      'artifacts/junit.xml':
        '<testsuites><testsuite name="suite"><testcase name="t"/></testsuite></testsuites>',
    });
    expect(idOf(missing)).toBeUndefined();
    lay({
      'artifacts/step/junit.xml':
        '<testsuites><testsuite name="suite"><testcase name="t"/></testsuite></testsuites>',
    });
    expect(idOf(missing)).toBe('recursive-artifacts');
  });

  it.each([
    ['salvaged-xml', '<testsuite name="suite"><testcase name="t"/><testcase na'],
    [
      'nested-suites',
      '<testsuite name="suite"><testsuite name="s"><testcase name="t"/></testsuite></testsuite>',
    ],
    ['bare-testcase', '<testcase name="t"/>'],
    ['salvaged-xml', '<testsuite name="suite"><testcase name="t" note="a < b"/></testsuite>'],
    ['salvaged-xml', '<testsuite name="suite"><testcase name="t"/><testcase name="a & b"/></testsuite>'],
    ['namespace', '<testsuite xmlns="urn:x" name="suite"><testcase name="t"/></testsuite>'],
  ])('of a test that Kettle does not see is %s', (id, xml) => {
    lay({ 'artifacts/junit.xml': xml });
    expect(idOf({ path: PATH, field: 'test', test: 'suite t', kettle: undefined, ours: '{}' })).toBe(id);
    expect(
      idOf({ path: PATH, field: 'test', test: 'suite t', kettle: '{}', ours: undefined }),
    ).toBeUndefined();
  });

  it.each([
    ['error-counts', 'test.failed', undefined, 'true', '<error>x</error>', ''],
    [
      'several-failures',
      'test.failure_text',
      '"b"',
      '"a\\nb"',
      '<failure>a</failure><failure>b</failure>',
      '',
    ],
    ['status-attribute', 'test.failed', undefined, 'true', '', ' status="timedout"'],
    ['odd-times', 'test.time', '-1', undefined, '', ' time="-1"'],
    [undefined, 'test.failed', undefined, 'true', '', ''],
    [undefined, 'test.failed', 'true', undefined, '<error>x</error>', ''],
    [undefined, 'test.time', '1', '2', '', ' time="1"'],
  ])('is %s: %s', (id, field, kettle, ours, body, attributes) => {
    lay({
      'artifacts/junit.xml': `<testsuite><testcase name="t"${attributes}>${body}</testcase></testsuite>`,
    });
    expect(idOf({ path: PATH, field, test: 't', kettle, ours })).toBe(id);
  });

  it('of a build of ten is not one of build 1, but Kettle thinks so', () => {
    lay({
      'artifacts/junit.xml': '<testsuite><testcase name="t"/></testsuite>',
      '../10/artifacts/junit.xml': '<testsuite><testcase name="u"/></testsuite>',
    });
    expect(idOf({ path: PATH, field: 'test', test: 'u', kettle: '{}', ours: undefined })).toBe('prefix-a');
    expect(idOf({ path: PATH, field: 'test', test: 't', kettle: '{}', ours: undefined })).toBeUndefined();
  });

  it('between whole rows needs its reason too', () => {
    const row = { path: PATH, field: 'row', kettle: undefined, ours: '{…}' };
    lay({ 'finished.json': '{"passed": true}' });
    expect(idOf(row)).toBe('no-timestamp');
    lay({ 'finished.json': '{"timestamp": 1}' });
    expect(idOf(row)).toBeUndefined();
    expect(idOf({ ...row, kettle: '{…}', ours: undefined })).toBeUndefined();
  });

  it('has its heading in the document for users', () => {
    const text = readFileSync(join(ROOT, 'docs/differences-from-kettle.md'), 'utf8');
    for (const { id } of DELIBERATE) expect(text).toContain(`### ${id}\n`);
  });
});

describe('scripts/compare-with-kettle', () => {
  it('says what is missing and how to get it, with exit 3', () => {
    const without = spawnSync(join(ROOT, 'scripts/compare-with-kettle'), ['--demo'], { encoding: 'utf8' });
    expect(without.status).toBe(3);
    expect(without.stderr).toContain('github.com/kubernetes/test-infra');
    const empty = spawnSync(join(ROOT, 'scripts/compare-with-kettle'), ['--demo', '--kettle', dir], {
      encoding: 'utf8',
    });
    expect(empty.status).toBe(3);
    expect(empty.stderr).toContain('make_db.py');
  });

  it('refuses a wrong command line with exit 2', () => {
    const both = spawnSync(join(ROOT, 'scripts/compare-with-kettle'), ['--demo', '--builds', '3'], {
      encoding: 'utf8',
    });
    expect(both.status).toBe(2);
    expect(both.stderr).toContain('give one of');
  });
});

function differences(kettle: string, ours: string) {
  return diffRows(PATH, parseDocument(Buffer.from(kettle)), parseDocument(Buffer.from(ours)));
}

function lay(files: Readonly<Record<string, string>>): void {
  rmSync(join(dir, 'logs'), { recursive: true, force: true });
  for (const [name, content] of Object.entries(files)) {
    const file = join(dir, 'logs/job/1', name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

function idOf(difference: Parameters<typeof classify>[0][number]): string | undefined {
  return classify([difference], new Map([['bucket', directoryBucket(dir)]]))[0]?.id;
}
