import { createHash } from 'node:crypto';
import type { TableSpec } from '../backends/warehouse/contract.ts';
import { unpackRow } from '../records/chunk.ts';
import type { LedgerItem } from '../store/ledger.ts';
import type { Store } from '../store/open.ts';
import { buildColumns, type DigestColumns } from './verify-sql.ts';

/** What a table is to have of a row, by the ledger. */
export interface Expected {
  readonly item: Pick<LedgerItem, 'item' | 'path'>;
  /** Of UTC, `2026-11-21`; '' for a row without a time. */
  readonly day: string;
  readonly digest: number;
  /** A newer version waits to be written: what the table has is an older one. */
  readonly behind: boolean;
}

/** The rows of a table, as the database has them. */
export interface VerifiedRows {
  readonly unit: 'builds' | 'rows';
  readonly columns: DigestColumns;
  /** What the ledger says is there; asked for twice. */
  expected(destination: number): Iterable<Expected>;
  /** The row with this key; undefined: this database does not know it. */
  find(path: string): number | undefined;
}

/** What is to be known of rows that are written again. */
export interface RepairedRows {
  /** It can be written: its content is here. */
  stored(item: number): boolean;
  /** Before rows are written again: what was found to be missing lies before the place where emission goes on. */
  beginAnew(destination: number): void;
}

export function buildRows(store: Store, spec: TableSpec): VerifiedRows {
  const columns = buildColumns(spec);
  return {
    unit: 'builds',
    columns,
    expected: function* (destination) {
      for (const item of store.ledger.committed(destination)) {
        const row = store.rows.get(item.item);
        if (row === undefined) continue;
        const line = unpackRow(row.data, row.bytes);
        // Without its tests a row is short.
        const short = Buffer.concat([line.subarray(0, row.testsStart), line.subarray(row.testsEnd)]);
        yield expectedOf(item, columns, { line: short, behind: row.version !== item.version });
      }
    },
    find: (path) => store.builds.byPath(path)?.id,
  };
}

export function repairedBuilds({ rows }: Pick<Store, 'rows'>): RepairedRows {
  return { stored: (item) => rows.get(item) !== undefined, beginAnew: () => undefined };
}

/** Rows that the store keeps by their kind: of mutation logs. */
export function kindRows(store: Store, kind: string, spec: TableSpec): VerifiedRows & RepairedRows {
  const columns = kindColumns(spec);
  const { mutationRows } = store;
  return {
    unit: 'rows',
    columns,
    expected: function* (destination) {
      for (const row of mutationRows.committed(kind, destination)) {
        const line = unpackRow(row.data, row.bytes);
        yield expectedOf(row, columns, { line, behind: row.version !== row.committed });
      }
    },
    find: (path) => mutationRows.state(kind, path)?.id,
    stored: () => true,
    beginAnew: (destination) => mutationRows.unsettle(destination),
  };
}

/** All that both sides write the same way: times and lists are left out. */
function kindColumns(spec: TableSpec): DigestColumns {
  const names = spec.schema
    .filter(({ type, mode, name }) => PLAIN.has(type) && mode !== 'REPEATED' && name !== 'path')
    .map(({ name }) => name);
  const day = DAY_COLUMNS.find((name) => spec.schema.some((field) => field.name === name));
  return { digest: names.filter((name) => !name.startsWith('row_')), ...(day !== undefined && { day }) };
}

const PLAIN: ReadonlySet<string> = new Set(['STRING', 'INTEGER', 'BOOLEAN']);
const DAY_COLUMNS = ['time', 'created'];

type Values = Readonly<Record<string, unknown>>;

function expectedOf(
  { item, path }: Pick<LedgerItem, 'item' | 'path'>,
  { day, digest }: DigestColumns,
  { line, behind }: { readonly line: Buffer; readonly behind: boolean },
): Expected {
  const values = JSON.parse(line.toString()) as Values;
  return { item: { item, path }, day: dayOf(values, day), digest: digestOf(path, digest, values), behind };
}

function dayOf(values: Values, column: string | undefined): string {
  const time = column === undefined ? undefined : values[column];
  return typeof time === 'number' ? new Date(time * 1000).toISOString().slice(0, 10) : '';
}

function digestOf(path: string, columns: readonly string[], values: Values): number {
  const text = [path, ...columns.map((name) => String(values[name] ?? ''))].join('|');
  return Number.parseInt(createHash('md5').update(text).digest('hex').slice(0, 8), 16);
}
