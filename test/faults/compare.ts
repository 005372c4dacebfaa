import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { groupBy } from './group.ts';
import type { TableRows } from './world.ts';

export interface Difference {
  readonly lost: number;
  readonly doubled: number;
  readonly problems: readonly string[];
  readonly paths: readonly string[];
}

/** What `actual` lacks, has twice, has otherwise or should not have. */
export function compareRows(actual: TableRows, wanted: TableRows): Difference {
  let lost = 0;
  let doubled = 0;
  const problems: string[] = [];
  const paths: string[] = [];
  for (const [table, rows] of wanted) {
    const found = groupBy(actual.get(table) ?? [], ({ path }) => path);
    for (const { path, content } of rows) {
      const copies = found.get(path) ?? [];
      found.delete(path);
      if (copies.length === 0) lost += 1;
      doubled += Math.max(0, copies.length - 1);
      const differs = copies.some((copy) => copy.content !== content);
      if (differs) problems.push(`${table}: ${path} has another content`);
      if (copies.length !== 1 || differs) paths.push(`${table}: ${path} (${copies.length} times)`);
    }
    for (const path of found.keys()) {
      problems.push(`${table}: ${path} should not be there`);
      paths.push(`${table}: ${path} (unexpected)`);
    }
  }
  return { lost, doubled, problems, paths };
}

/** True paths of a run without faults, so that what everything is compared with is right itself. */
export function comparePaths(
  actual: TableRows,
  expected: ReadonlyMap<string, readonly string[]>,
): Difference {
  const bare = (rows: Iterable<string>) => [...rows].map((path) => ({ path, content: '' }));
  return compareRows(
    new Map([...actual].map(([table, rows]) => [table, bare(rows.map(({ path }) => path))])),
    new Map([...expected].map(([table, paths]) => [table, bare(paths)])),
  );
}

interface LedgerRow {
  readonly destination: string;
  readonly path: string;
  readonly version: number;
  readonly current: number | null;
}

/** The database agrees with itself and with the warehouse, and nothing is left open. */
export function ledgerProblems(file: string, actual: TableRows): readonly string[] {
  const db = new Database(file, { readonly: true });
  try {
    const problems: string[] = [];
    const integrity = db.pragma('integrity_check', { simple: true });
    if (integrity !== 'ok') problems.push(`the database is damaged: ${String(integrity)}`);
    for (const { name, state, generation } of openBatches(db))
      problems.push(`batch ${generation} of ${name} is still ${state}`);
    const committed = committedRows(db);
    for (const [table, rows] of actual) problems.push(...tableProblems(table, rows, committed));
    const letters = db
      .prepare<unknown[], { kind: string; subject: string; reason: string }>(
        'SELECT kind, subject, reason FROM dead_letter',
      )
      .all();
    for (const { kind, subject, reason } of letters)
      problems.push(`dead letter: ${kind} ${subject}: ${reason}`);
    return problems;
  } finally {
    db.close();
  }
}

function openBatches(db: Database.Database) {
  return db
    .prepare<unknown[], { name: string; state: string; generation: number }>(
      `SELECT d.name, b.state, b.generation FROM batch b JOIN destination d ON d.id = b.destination
       WHERE b.state IN ('pending', 'sent')`,
    )
    .all();
}

function committedRows(db: Database.Database): readonly LedgerRow[] {
  return db
    .prepare<unknown[], LedgerRow>(
      `SELECT d.name AS destination, b.path, l.version, r.version AS current
       FROM ledger l JOIN batch t ON t.id = l.batch JOIN destination d ON d.id = l.destination
       JOIN build b ON b.id = l.item LEFT JOIN build_row r ON r.build = b.id WHERE t.state = 'committed'`,
    )
    .all();
}

function tableProblems(
  table: string,
  rows: readonly { readonly path: string }[],
  committed: readonly LedgerRow[],
): readonly string[] {
  const mine = committed.filter(({ destination }) => destination.endsWith(`/${table}`));
  const ledger = groupBy(mine, ({ path }) => path);
  const inTable = new Set(rows.map(({ path }) => path));
  return [
    ...[...inTable]
      .filter((path) => !ledger.has(path))
      .map((path) => `${table} has ${path}, its ledger has not`),
    ...[...ledger.keys()]
      .filter((path) => !inTable.has(path))
      .map((path) => `the ledger says that ${table} has ${path}`),
    ...mine
      .filter(({ version, current }) => version !== current)
      .map(({ path }) => `${table}: ${path} is loaded in an old version`),
    ...[...ledger]
      .filter(([, copies]) => copies.length > 1)
      .map(([path]) => `${table}: the ledger has ${path} twice`),
  ];
}

/** Files that were not written to their end. The next one of a name is written over them. */
export function leftFiles(folder: string): readonly string[] {
  try {
    return readdirSync(join(folder, 'data/out')).filter((name) => name.endsWith('.partial'));
  } catch {
    return [];
  }
}
