import { createHash } from 'node:crypto';
import type { TableSpec, Warehouse } from '../backends/warehouse/contract.ts';
import type { TableConfig } from '../config/tables.ts';
import { unpackRow } from '../records/chunk.ts';
import type { LedgerItem } from '../store/ledger.ts';
import type { Store } from '../store/open.ts';
import { destinationName, destinationOf } from './tables.ts';
import { daysSql, detailsSql, digestColumns } from './verify-sql.ts';

/** What is wrong with one build of a table. */
export interface Difference {
  readonly path: string;
  readonly day: string;
  /**
   * missing: the ledger says it is there; unknown: the ledger does not; doubled: it is there more than once; different: its content is
   * not what was written.
   */
  readonly kind: 'missing' | 'unknown' | 'doubled' | 'different';
  /** The store's id; undefined for a build that this database does not know. */
  readonly item: number | undefined;
}

/** One day of a table, as the ledger and the table have it. */
export interface DayCheck {
  /** Of UTC, `2026-11-21`; '' for builds without a time. */
  readonly day: string;
  readonly ledger: number;
  readonly table: number;
  readonly rows: number;
  readonly same: boolean;
}

export interface TableCheck {
  readonly table: string;
  readonly builds: number;
  readonly days: readonly DayCheck[];
  readonly differences: readonly Difference[];
}

export interface VerifyContext {
  readonly store: Store;
  readonly warehouse: Warehouse;
  readonly signal: AbortSignal;
}

interface Expected {
  readonly item: LedgerItem;
  readonly day: string;
  readonly digest: number;
  /** A newer version waits to be written: what the table has is an older one. */
  readonly behind: boolean;
}

/**
 * Compares the ledger with the table: counts and checksums of each day, then build by build where a day differs. Reads only.
 * Builds whose newest version is still to be written count as right when they are there once.
 */
export async function verifyTable(
  context: VerifyContext,
  table: TableConfig,
  spec: TableSpec,
): Promise<TableCheck> {
  const { store, warehouse, signal } = context;
  const destination = store.ledger.findDestination(destinationName(table, warehouse.url));
  const expected =
    destination === undefined ? new Map<string, Expected>() : expectedOf(store, destination, spec);
  const found = await warehouse.query(daysSql(warehouse, spec), { signal });
  const days = compareDays(expected, found);
  const differing = days.filter(({ same }) => !same).map(({ day }) => day);
  const details =
    differing.length === 0 ? [] : await warehouse.query(detailsSql(warehouse, spec, differing), { signal });
  return {
    table: table.name,
    builds: expected.size,
    days,
    differences: differencesOf(store, expected, new Set(differing), details),
  };
}

function expectedOf(store: Store, destination: number, spec: TableSpec): ReadonlyMap<string, Expected> {
  const columns = digestColumns(spec);
  const expected = new Map<string, Expected>();
  for (const item of store.ledger.committed(destination)) {
    const row = store.rows.get(item.item);
    if (row === undefined) continue;
    const line = unpackRow(row.data, row.bytes);
    // Without its tests a row is short.
    const short = Buffer.concat([line.subarray(0, row.testsStart), line.subarray(row.testsEnd)]);
    const head = JSON.parse(short.toString()) as Head;
    expected.set(item.path, {
      item,
      day: typeof head.finished === 'number' ? new Date(head.finished * 1000).toISOString().slice(0, 10) : '',
      digest: digestOf(item.path, columns, head),
      behind: row.version !== item.version,
    });
  }
  return expected;
}

type Head = Readonly<Record<string, unknown>>;

function digestOf(path: string, columns: readonly string[], head: Head): number {
  const text = [path, ...columns.map((name) => String(head[name] ?? ''))].join('|');
  return Number.parseInt(createHash('md5').update(text).digest('hex').slice(0, 8), 16);
}

function compareDays(
  expected: ReadonlyMap<string, Expected>,
  found: readonly Readonly<Record<string, unknown>>[],
): readonly DayCheck[] {
  const ours = new Map<string, { builds: number; checksum: number }>();
  for (const { day, digest } of expected.values()) {
    const sum = ours.get(day) ?? { builds: 0, checksum: 0 };
    ours.set(day, { builds: sum.builds + 1, checksum: sum.checksum + digest });
  }
  const theirs = new Map(found.map((row) => [String(row.day), row]));
  return [...new Set([...ours.keys(), ...theirs.keys()])].sort().map((day) => {
    const our = ours.get(day) ?? { builds: 0, checksum: 0 };
    const their = theirs.get(day);
    const [builds, rows, checksum] = [their?.builds, their?.row_count, their?.checksum].map((value) =>
      Number(value ?? 0),
    );
    return {
      day,
      ledger: our.builds,
      table: builds ?? 0,
      rows: rows ?? 0,
      same: our.builds === builds && our.builds === rows && our.checksum === checksum,
    };
  });
}

function differencesOf(
  store: Store,
  expected: ReadonlyMap<string, Expected>,
  days: ReadonlySet<string>,
  details: readonly Readonly<Record<string, unknown>>[],
): readonly Difference[] {
  const there = new Map(details.map((row) => [String(row.path), row]));
  const differences: Difference[] = [];
  for (const [path, row] of there) {
    const known = expected.get(path);
    const kind = kindOf(known, row);
    if (kind === undefined) continue;
    differences.push({
      path,
      day: String(row.day),
      kind,
      item: known?.item.item ?? store.builds.byPath(path)?.id,
    });
  }
  for (const [path, { item, day, behind }] of expected) {
    if (there.has(path) || !days.has(day) || behind) continue;
    differences.push({ path, day, kind: 'missing', item: item.item });
  }
  return differences.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function kindOf(
  known: Expected | undefined,
  row: Readonly<Record<string, unknown>>,
): Difference['kind'] | undefined {
  if (known === undefined) return 'unknown';
  if (Number(row.copies) > 1) return 'doubled';
  return known.behind || Number(row.digest) === known.digest ? undefined : 'different';
}

export interface Repair {
  /** Builds that the next write brings in again. */
  readonly again: number;
  /** Builds that were there and now count as written. */
  readonly adopted: number;
  /** Rows of builds that this database does not know, or that only a view can tell apart: left as they are. */
  readonly left: number;
}

/**
 * Makes the ledger say what is so, so that the next write makes the table right: what is missing is written again, what is doubled
 * or different replaces itself, what is there unknown counts as written. Deletes nothing by itself.
 */
export function repairLedger(
  { store, warehouse }: VerifyContext,
  table: TableConfig,
  { differences }: TableCheck,
): Repair {
  const destination = destinationOf(store, table, warehouse.url);
  const of = (...kinds: readonly Difference['kind'][]) =>
    differences.flatMap(({ kind, item }) => (item !== undefined && kinds.includes(kind) ? [item] : []));
  const missing = of('missing');
  // Appended tables keep older rows: the view of the latest tells them apart, and nothing can be taken back.
  const appended = table.writer !== 'load';
  const wrong = appended ? of('different') : of('doubled', 'different');
  const unknown = of('unknown').filter((item) => store.rows.get(item) !== undefined);
  store.transaction(() => {
    store.ledger.forget(destination, missing);
    store.ledger.doubt(destination, wrong);
    // Its content is not known to be right: it counts as an older version, which the next write replaces.
    if (unknown.length > 0) store.ledger.adoptItems(destination, unknown);
  });
  const again = missing.length + wrong.length;
  return { again, adopted: unknown.length, left: differences.length - again - unknown.length };
}
