import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildHead } from '../../pipeline/records/build.ts';
import { isObject, type JsonObject, type JsonValue, parseDocument } from '../../pipeline/records/json.ts';

const GOLDEN = new URL('../golden/rows/heads.json', import.meta.url);

function text(value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw new Error('the golden file lacks a text');
  return value;
}

function golden(): readonly JsonObject[] {
  const { cases } = parseDocument(readFileSync(GOLDEN));
  return (cases as readonly JsonObject[]) ?? [];
}

function expectedRow(name: string): unknown {
  const { cases } = JSON.parse(readFileSync(GOLDEN, 'utf8')) as { cases: { name: string; row: unknown }[] };
  return cases.find((one) => one.name === name)?.row;
}

function headOf(one: JsonObject) {
  const { started, finished } = one;
  return buildHead({
    path: text(one.path),
    jobPrefix: text(one.jobPrefix ?? ''),
    ...(isObject(started) && { started }),
    ...(isObject(finished) && { finished }),
  });
}

describe('buildHead', () => {
  it.each(golden().map((one) => [text(one.name), one] as const))('%s', (name, one) => {
    expect(headOf(one).fields).toStrictEqual(expectedRow(name));
  });

  it('gives the times it read apart from the columns', () => {
    const started = parseDocument(Buffer.from('{"timestamp": 10}'));
    const head = buildHead({ path: 'gs://b/logs/j/1', jobPrefix: '', started });
    expect(head.startedAt).toBe(10);
    expect('finishedAt' in head).toBe(false);
  });

  it('never throws, whatever type any field has', () => {
    const values = [
      'null',
      'true',
      '[]',
      '{}',
      '[[1]]',
      '{"a":{}}',
      '""',
      '"x"',
      '-1',
      '1e999',
      'NaN',
      '"1e3"',
      '1e300',
      String(10n ** 60n),
    ];
    const keys = ['timestamp', 'node', 'repos', 'repo-commit', 'metadata', 'version', 'result', 'passed'];
    for (const value of values) {
      const document = parseDocument(Buffer.from(`{${keys.map((key) => `"${key}":${value}`).join(',')}}`));
      const { fields } = buildHead({
        path: 'gs://b/logs/j/1',
        jobPrefix: '',
        started: document,
        finished: document,
      });
      const whole = JSON.parse(JSON.stringify(fields)) as Record<string, unknown>;
      expect(whole).toEqual(fields);
      for (const column of ['executor', 'repos', 'repo_commit', 'version', 'result']) {
        expect(['string', 'undefined']).toContain(typeof whole[column]);
      }
    }
  });
});
