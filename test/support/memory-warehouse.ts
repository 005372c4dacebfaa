import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { LoadRequest, LoadState, Warehouse } from '../../pipeline/backends/warehouse/contract.ts';
import { SamovarError } from '../../pipeline/errors.ts';

/** What happens to the n-th load (from 1): nothing special, refused before, answer lost after, refused for its rows, or failed by the backend (the id is used up all the same). */
export type LoadFault = 'lost-before' | 'lost-after' | 'bad-rows' | 'backend-error' | undefined;

export interface MemoryWarehouse extends Warehouse {
  /** Paths in a table, in order, doubles included. */
  paths(table: string): readonly string[];
  readonly loads: readonly LoadRequest[];
}

interface Row {
  readonly path: string;
}

/**
 * A warehouse in memory for faults that no real one has on demand. It keeps the contract's promises: one id loads once, a load
 * is whole or not at all, a failed id is used up. While `silent` says so it does not tell what became of a load.
 */
export function memoryWarehouse(
  url = 'bigquery:project:dataset',
  fault: (n: number) => LoadFault = () => undefined,
  silent: () => boolean = () => false,
): MemoryWarehouse {
  const tables = new Map<string, Row[]>();
  const jobs = new Map<string, LoadState>();
  const loads: LoadRequest[] = [];
  const apply = (request: LoadRequest): number => {
    const rows = readRows(request.file);
    const superseded = new Set(request.superseded);
    const before = request.replace
      ? []
      : (tables.get(request.table.name) ?? []).filter(({ path }) => !superseded.has(path));
    tables.set(request.table.name, [...before, ...rows]);
    jobs.set(request.jobId, { state: 'done', rows: rows.length });
    return rows.length;
  };
  return {
    url,
    dialect: 'bigquery',
    loads,
    paths: (table) => (tables.get(table) ?? []).map(({ path }) => path),
    ensureTable: async () => ({ action: 'unchanged', added: [] }),
    load: async (request) => {
      loads.push(request);
      const kind = fault(loads.length);
      const known = jobs.get(request.jobId);
      if (known?.state === 'failed') throw new SamovarError('conflict', 'this id is used up');
      if (kind === 'lost-before') throw new SamovarError('network', 'connection reset');
      if (kind === 'backend-error') {
        jobs.set(request.jobId, { state: 'failed', reason: 'backendError' });
        throw new SamovarError('unavailable', 'backendError');
      }
      if (kind === 'bad-rows') {
        jobs.set(request.jobId, { state: 'failed', reason: 'row 1: no such field' });
        throw new SamovarError('malformed', 'row 1: no such field');
      }
      const rows = known?.state === 'done' ? known.rows : apply(request);
      if (kind === 'lost-after') throw new SamovarError('timeout', 'no answer');
      return { rows };
    },
    loadState: async (jobId) => {
      if (silent()) throw new SamovarError('network', 'connection reset');
      return jobs.get(jobId) ?? { state: 'unknown' };
    },
    query: async () => [],
    tableInfo: async (name) => {
      const rows = tables.get(name);
      return rows && { rows: rows.length, bytes: undefined, modifiedMs: undefined };
    },
    tableName: (name) => name,
    appender: (kind) => {
      throw new SamovarError('internal', `no ${kind} here`);
    },
    ensureLatestView: async () => false,
    close: async () => undefined,
  };
}

function readRows(file: string): Row[] {
  const bytes = readFileSync(file);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Row);
}
