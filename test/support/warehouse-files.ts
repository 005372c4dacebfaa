import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import {
  APPEND_COLUMNS,
  type AppendRow,
  type Field,
  type LoadRequest,
  type TableSpec,
} from '../../pipeline/backends/warehouse/contract.ts';
import { SamovarError } from '../../pipeline/errors.ts';

/** What a server cannot do, each with its reason. */
export interface WarehouseGaps {
  /** By the test's name. That test must then fail, so that no gap outlives its cause. */
  readonly tests?: Readonly<Record<string, string>>;
  /** By the test's name: what it `needs`. It fails at random, so the test is skipped. */
  readonly random?: Readonly<Record<string, string>>;
  /** It reads no gzip: files of the other tests are plain. */
  readonly gzip?: string;
  /** It does not say how many rows a load added. */
  readonly counts?: string;
}

export interface GapTests {
  /** A test; where a gap names it, one that must fail, or is skipped where it fails at random. */
  holds(name: string, body: () => Promise<void>): void;
  /** Fails when a gap names no test. */
  check(): void;
}

/** Tests of a suite that is run on several servers, each with gaps of its own. */
export function gapTests({ tests = {}, random = {} }: WarehouseGaps): GapTests {
  const used = new Set<string>();
  return {
    holds(name, body) {
      const need = random[name];
      if (need !== undefined) return it.skip(`${name} (needs ${need})`, body);
      const gap = tests[name];
      if (gap === undefined) return it(name, body);
      used.add(name);
      return it.fails(`${name} (cannot: ${gap})`, body);
    },
    check: () => expect([...used].sort(), 'each gap names a test').toEqual(Object.keys(tests).sort()),
  };
}

export const COLUMNS: readonly Field[] = [
  { name: 'path', type: 'STRING' },
  { name: 'number', type: 'INTEGER' },
  { name: 'elapsed', type: 'FLOAT' },
  { name: 'passed', type: 'BOOLEAN' },
  { name: 'started', type: 'TIMESTAMP' },
  {
    name: 'test',
    type: 'RECORD',
    mode: 'REPEATED',
    fields: [
      { name: 'name', type: 'STRING' },
      { name: 'time', type: 'FLOAT' },
    ],
  },
];

export function tableSpec(name: string, more: Partial<TableSpec> = {}): TableSpec {
  return { name, schema: COLUMNS, key: 'path', ...more };
}

/** A table that is appended to: with the writer's own columns. */
export function appendSpec(name: string, schema: readonly Field[] = COLUMNS): TableSpec {
  return tableSpec(name, { schema: [...schema, ...APPEND_COLUMNS] });
}

/** 2023-11-14T22:13:20.123Z */
export const WRITTEN_MS = 1_700_000_000_123;

/** A row to append, given as a value or as the very text of its line. */
export function appendRow(row: unknown, version = 1): AppendRow {
  const line = typeof row === 'string' ? row : JSON.stringify(row);
  const key = /"path":"([^"]*)"/.exec(line)?.[1] ?? 'none';
  return { line: Buffer.from(line), key, version, writtenMs: WRITTEN_MS };
}

let files = 0;

/** Writes rows, given as values or as the very text of a line, into a new file; gzip unless `ending` says otherwise. */
export function rowsFile(folder: string, rows: readonly unknown[], ending = '.json.gz'): string {
  files += 1;
  const file = join(folder, `rows-${files}${ending}`);
  const text = rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join('');
  writeFileSync(file, ending.endsWith('.gz') ? gzipSync(text) : text);
  return file;
}

let jobs = 0;

export function loadRequest(table: TableSpec, file: string, more: Partial<LoadRequest> = {}): LoadRequest {
  jobs += 1;
  return { table, jobId: `job-${jobs}`, file, replace: false, superseded: [], ...more };
}

/** The columns with one more, and with one more in each record. */
export function grow(fields: readonly Field[]): readonly Field[] {
  const nested = fields.map(
    (field): Field =>
      field.fields === undefined
        ? field
        : { ...field, fields: [...field.fields, { name: 'flaky', type: 'BOOLEAN' }] },
  );
  return [...nested, { name: 'more', type: 'STRING' }];
}

/** The error of ours that a call ends in; fails when it succeeds or throws another. */
export async function errorOf(promise: Promise<unknown>): Promise<SamovarError> {
  const error = await promise.then(
    () => new Error('it succeeded'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof SamovarError) return error;
  throw error;
}
