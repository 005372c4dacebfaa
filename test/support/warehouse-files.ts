import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Field, LoadRequest, TableSpec } from '../../pipeline/backends/warehouse/contract.ts';

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
