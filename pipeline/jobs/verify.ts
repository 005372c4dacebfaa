import type { TableSpec, Warehouse } from '../backends/warehouse/contract.ts';
import type { TableConfig } from '../config/tables.ts';
import type { Store } from '../store/open.ts';
import { destinationName, destinationOf } from './tables.ts';
import {
  buildRows,
  type Expected,
  type RepairedRows,
  repairedBuilds,
  type VerifiedRows,
} from './verify-rows.ts';
import { daysSql, detailsSql } from './verify-sql.ts';

/** What is wrong with one build of a table, or with one row where that has no builds. */
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
  /** What a key of it is: a build, or a row of a mutation log's tables. */
  readonly unit: 'builds' | 'rows';
  /** How many of them there are to be. */
  readonly builds: number;
  readonly days: readonly DayCheck[];
  readonly differences: readonly Difference[];
}

export interface VerifyContext {
  readonly store: Store;
  readonly warehouse: Warehouse;
  readonly signal: AbortSignal;
}

/**
 * Compares the ledger with the table: counts and checksums of each day, then row by row where a day differs. Reads only.
 * What is in a newer version still to be written counts as right when it is there once.
 */
export async function verifyTable(
  context: VerifyContext,
  table: TableConfig,
  spec: TableSpec,
  rows: VerifiedRows = buildRows(context.store, spec),
): Promise<TableCheck> {
  const { store, warehouse, signal } = context;
  const destination = store.ledger.findDestination(destinationName(table, warehouse.url));
  const expected = (): Iterable<Expected> => (destination === undefined ? [] : rows.expected(destination));
  const found = await warehouse.query(daysSql(warehouse, spec, rows.columns), { signal });
  const { days, count } = compareDays(expected(), found);
  const differing = new Set(days.filter(({ same }) => !same).map(({ day }) => day));
  const sql = detailsSql(warehouse, spec, { ...rows.columns, days: [...differing] });
  const details = differing.size === 0 ? [] : await warehouse.query(sql, { signal });
  // Rows of days that are right are not kept in memory.
  const known = new Map<string, Expected>();
  if (differing.size > 0)
    for (const one of expected()) if (differing.has(one.day)) known.set(one.item.path, one);
  return {
    table: table.name,
    unit: rows.unit,
    builds: count,
    days,
    differences: differencesOf(rows, known, details),
  };
}

function compareDays(
  expected: Iterable<Expected>,
  found: readonly Readonly<Record<string, unknown>>[],
): { readonly days: readonly DayCheck[]; readonly count: number } {
  const ours = new Map<string, { builds: number; checksum: number }>();
  let count = 0;
  for (const { day, digest } of expected) {
    const sum = ours.get(day) ?? { builds: 0, checksum: 0 };
    ours.set(day, { builds: sum.builds + 1, checksum: sum.checksum + digest });
    count += 1;
  }
  const theirs = new Map(found.map((row) => [String(row.day), row]));
  const all = [...new Set([...ours.keys(), ...theirs.keys()])].sort();
  const days = all.map((day) => {
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
  return { days, count };
}

function differencesOf(
  rows: VerifiedRows,
  expected: ReadonlyMap<string, Expected>,
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
      item: known?.item.item ?? rows.find(path),
    });
  }
  for (const [path, { item, day, behind }] of expected) {
    if (there.has(path) || behind) continue;
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
  rows: RepairedRows = repairedBuilds(store),
): Repair {
  const destination = destinationOf(store, table, warehouse.url);
  const of = (...kinds: readonly Difference['kind'][]) =>
    differences.flatMap(({ kind, item }) => (item !== undefined && kinds.includes(kind) ? [item] : []));
  const missing = of('missing');
  // Appended tables keep older rows: the view of the latest tells them apart, and nothing can be taken back.
  const appended = table.writer !== 'load';
  const wrong = appended ? of('different') : of('doubled', 'different');
  const unknown = of('unknown').filter((item) => rows.stored(item));
  store.transaction(() => {
    rows.beginAnew(destination);
    store.ledger.forget(destination, missing);
    store.ledger.doubt(destination, wrong);
    // Its content is not known to be right: it counts as an older version, which the next write replaces.
    if (unknown.length > 0) store.ledger.adoptItems(destination, unknown);
  });
  const again = missing.length + wrong.length;
  return { again, adopted: unknown.length, left: differences.length - again - unknown.length };
}
