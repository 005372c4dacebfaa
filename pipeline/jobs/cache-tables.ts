import { textOf } from '../cache/values.ts';
import { shippedFile } from '../config/shipped.ts';
import { type TableConfig, tableSpec } from '../config/tables.ts';
import {
  type CacheRow,
  type EntryFacts,
  entryRow,
  type RunFacts,
  runRow,
} from '../records/cache/warehouse-rows.ts';
import { packLine, rowLine, versionOf } from '../records/mutation/rows-values.ts';
import type { ChangedRow } from '../store/cache-entries.ts';
import type { RunRow } from '../store/cache-runs.ts';
import type { Store } from '../store/open.ts';
import {
  type KindTable,
  type KindTableResult,
  type KindTablesContext,
  loadKindTable,
} from './kind-tables.ts';

const PER_BATCH = 500;
/** What the rows' positions are kept by: the store has them by two names. */
const SOURCE = 'cache';

export const CACHE_KINDS = ['cache_entry', 'cache_run'] as const;
export type CacheKind = (typeof CACHE_KINDS)[number];

/** Their tables: partitioned by day, clustered by provider. */
export function cacheTables(): Promise<readonly KindTable[]> {
  return Promise.all(CACHE_KINDS.map(tableOf));
}

async function tableOf(kind: CacheKind): Promise<KindTable> {
  const config: TableConfig = {
    name: kind,
    days: 0,
    partition: kind === 'cache_entry' ? 'changed' : 'started',
    cluster: ['provider'],
    writer: 'load',
    // Kettle knew no such tables.
    kettleLedger: '',
    schemaFile: shippedFile(`schemas/${kind}.json`),
  };
  return { kind, config, spec: await tableSpec(config) };
}

export interface CacheLoadRequest {
  /** Tables are made anew, from the rows that are stored. */
  readonly replace: boolean;
  /** Counts the warehouse's rows too. */
  readonly check: boolean;
  /** Of the providers there are. */
  readonly names: ReadonlySet<string>;
  /** Providers whose values stay here. */
  readonly isPrivate: (provider: string) => boolean;
}

export interface CacheLoad {
  /** Rows that are new since the last load. */
  readonly made: Readonly<Record<CacheKind, number>>;
  readonly tables: readonly KindTableResult[];
  readonly complete: boolean;
}

/**
 * Makes rows of what changed and of what was done since the last load, and brings them into the warehouse, once each. A value that
 * another replaced between two loads has no row of its own; the runs tell of it.
 */
export async function loadCacheTables(
  context: KindTablesContext,
  request: CacheLoadRequest,
): Promise<CacheLoad> {
  const { store } = context;
  const made = { cache_entry: makeEntryRows({ store, ...request }), cache_run: makeRunRows(store) };
  const tables: KindTableResult[] = [];
  for (const table of await cacheTables())
    tables.push(await loadKindTable(context, table, { ...request, folder: 'cache' }));
  return { made, tables, complete: tables.every(({ complete }) => complete) };
}

/** What the next load would look at, private entries too: changes of entries, and refreshes. */
export function newCacheRows({ mutationRows, cache }: Store): Readonly<Record<CacheKind, number>> {
  const reached = (kind: CacheKind) => {
    const source = mutationRows.sources.find(SOURCE, kind);
    return source === undefined ? 0 : (mutationRows.sources.position(source.id)?.endOffset ?? 0);
  };
  let runs = 0;
  for (let after = reached('cache_run'); ; ) {
    const page = cache.runs.after(after, PER_BATCH);
    runs += page.length;
    after = page.at(-1)?.id ?? after;
    if (page.length < PER_BATCH) break;
  }
  return {
    cache_entry: cache.entries.since(reached('cache_entry'), Number.MAX_SAFE_INTEGER).length,
    cache_run: runs,
  };
}

function makeEntryRows({ store, isPrivate, names }: EntriesContext): number {
  return makeAll(store, 'cache_entry', (after) => {
    const changed = wholeChanges(store, after);
    const rows = changed
      // What is configured no more is nobody's history.
      .filter(({ provider }) => names.has(provider) && !isPrivate(provider))
      .map((row) => entryRow(factsOf(store, row)));
    return { rows, last: changed.at(-1)?.seq };
  });
}

interface EntriesContext {
  readonly store: Store;
  readonly names: ReadonlySet<string>;
  readonly isPrivate: (provider: string) => boolean;
}

/** Many entries may change at once: those of one change are never parted, as the next page begins after it. */
function wholeChanges(store: Store, after: number): readonly ChangedRow[] {
  for (let limit = PER_BATCH; ; limit *= 2) {
    const found = store.cache.entries.since(after, limit);
    if (found.length < limit) return found;
    const last = found.at(-1)?.seq;
    const whole = found.filter(({ seq }) => seq !== last);
    if (whole.length > 0) return whole;
  }
}

function factsOf(store: Store, row: ChangedRow): EntryFacts {
  const { provider, key, version, absent, hash } = row;
  const json = textOf(store.cache, provider, row);
  return {
    ...{ provider, key, version, json },
    changedAtMs: row.changedAt ?? 0,
    isAbsent: absent === 1,
    hash: hash?.toString('hex') ?? '',
    bytes: json === undefined ? 0 : Buffer.byteLength(json),
  };
}

function makeRunRows(store: Store): number {
  return makeAll(store, 'cache_run', (after) => {
    const runs = store.cache.runs.after(after, PER_BATCH);
    return { rows: runs.map(runFacts).map(runRow), last: runs.at(-1)?.id };
  });
}

function runFacts({ startedAt, bytes, code, message, ...run }: RunRow): RunFacts {
  const known = { bytes: bytes ?? undefined, code: code ?? undefined, message: message ?? undefined };
  return { ...run, ...known, startedAtMs: startedAt };
}

interface Page {
  readonly rows: readonly CacheRow[];
  /** Of the last thing on it; undefined: there are none any more. */
  readonly last: number | undefined;
}

/** Pages of rows, each stored together with how far they are made: a stop between two loses nothing and doubles nothing. */
function makeAll(store: Store, kind: CacheKind, page: (after: number) => Page): number {
  const { mutationRows } = store;
  const source = store.transaction(() => mutationRows.sources.source(SOURCE, kind));
  let made = 0;
  while (true) {
    const after = mutationRows.sources.position(source.id)?.endOffset ?? 0;
    const { rows, last } = page(after);
    if (last === undefined) return made;
    const stored = rows.map((row) => madeOf(kind, source, row));
    made += store.transaction(() => {
      const position = { segment: 0, startOffset: after, endOffset: last, sha256: '', lastAt: 0 };
      mutationRows.sources.setPosition(source.id, position);
      return stored.filter((row) => mutationRows.put(row)).length;
    });
  }
}

function madeOf(kind: CacheKind, source: { readonly id: number; readonly pass: number }, row: CacheRow) {
  const line = rowLine(row.values);
  const { path, at } = row;
  return {
    ...packLine(line),
    ...{
      kind,
      source: source.id,
      issue: 0,
      path,
      version: versionOf(line),
      at,
      deleted: false,
      pass: source.pass,
    },
  };
}
