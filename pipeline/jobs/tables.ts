import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TableSpec, Warehouse } from '../backends/warehouse/contract.ts';
import type { TableConfig } from '../config/tables.ts';
import { type Emission, type EmitRequest, emitRows } from '../emit/emit.ts';
import {
  type Manifest,
  manifestPath,
  readManifest,
  verifyManifest,
  writeManifest,
} from '../emit/manifest.ts';
import { gzipFileSink } from '../emit/sinks.ts';
import { isAppend } from '../load/append.ts';
import { loadBatch } from '../load/load.ts';
import type { Batch } from '../store/ledger.ts';
import type { Store } from '../store/open.ts';
import type { RowSource } from '../store/rows.ts';

const DAY_S = 86_400;
/** Of stored (compressed) rows in one file: far below BigQuery's 4 GB for a gzip file, and a load stays a matter of minutes. */
const FILE_BYTES_MAX = 1 << 30;

export interface TablesContext {
  readonly store: Store;
  readonly warehouse: Warehouse;
  /** What the tables are made of; default: the builds' rows. */
  readonly rows?: RowSource;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Where files are made: `<workDir>/build_<table>.json.gz`. */
  readonly workDir: string;
  readonly onStep?: (step: TableStep) => void;
}

/** What happens to a table, told as it happens. */
export interface TableStep {
  readonly table: string;
  readonly step: 'recovering' | 'writing' | 'loading' | 'loaded';
  readonly rows: number;
}

export interface TableResult {
  readonly table: string;
  readonly replaced: boolean;
  readonly rows: number;
  /** Of NDJSON. */
  readonly bytes: number;
}

/**
 * The ledger's destination of a table in a warehouse. A ledger of Kettle's for the same window is taken over by the first
 * BigQuery table that asks: Kettle loaded nowhere else.
 */
export function destinationOf(store: Store, table: TableConfig, warehouseUrl: string): number {
  const name = destinationName(table, warehouseUrl);
  return store.transaction(() => {
    if (warehouseUrl.startsWith('bigquery:')) store.ledger.adopt(table.kettleLedger, name);
    return store.ledger.destination(name);
  });
}

/** What the ledger calls a table in a warehouse. */
export function destinationName(table: Pick<TableConfig, 'name'>, warehouseUrl: string): string {
  return `${warehouseUrl}/${table.name}`;
}

/** True when the table's oldest row has outlived its window so far that the table is to be made anew. */
export function mustReplace(store: Store, table: TableConfig, warehouseUrl: string, nowMs: number): boolean {
  if (table.replaceAfterDays === undefined) return false;
  return isOlder(store, destinationOf(store, table, warehouseUrl), table.replaceAfterDays, nowMs);
}

/** Kettle's `--assert-oldest`: nothing emitted yet, or something older than so many days. */
export function isOlder(store: Store, destination: number, days: number, nowMs: number): boolean {
  const oldest = store.builds.oldestCommitted(destination);
  return oldest === undefined || oldest < nowMs / 1000 - days * DAY_S;
}

/** Epoch seconds from which on a window of so many days takes builds; 0 days is everything. */
export function windowStart(days: number, nowMs: number): number {
  return days === 0 ? Number.MIN_SAFE_INTEGER : Math.floor(nowMs / 1000 - days * DAY_S);
}

/** Brings one table up to date: what an earlier run left open first, then every row it lacks. */
export async function updateTable(
  context: TablesContext,
  table: TableConfig,
  spec: TableSpec,
  options: { readonly replace: boolean },
): Promise<TableResult> {
  await context.warehouse.ensureTable(spec, { signal: context.signal });
  const recovered = await recover(context, table, spec);
  let rows = recovered;
  let bytes = 0;
  let replace = options.replace;
  while (true) {
    const emission = await emitTable(context, table, { replace });
    if (emission.rows === 0 && !replace) {
      discardEmpty(context.store, emission.batch);
      return { table: table.name, replaced: options.replace, rows, bytes };
    }
    rows += (await loadFile(context, table, spec, emission.batch)).rows;
    bytes += emission.bytes;
    replace = false;
    if (!emission.more) return { table: table.name, replaced: options.replace, rows, bytes };
  }
}

export function fileOf(context: Pick<TablesContext, 'workDir'>, table: Pick<TableConfig, 'name'>): string {
  return join(context.workDir, `build_${table.name}.json.gz`);
}

export interface EmitTableOptions {
  readonly replace: boolean;
  /** Epoch seconds; default: the table's own window. */
  readonly window?: { readonly since: number; readonly until: number };
  readonly keep?: (path: string) => boolean;
  /** Of these builds only. */
  readonly builds?: readonly number[];
  readonly transform?: EmitRequest['transform'];
}

/** Writes a table's missing rows into its file with a manifest beside it. */
export async function emitTable(
  context: Pick<TablesContext, 'store' | 'rows' | 'signal' | 'nowMs' | 'workDir' | 'onStep'> & {
    readonly warehouse: { readonly url: string };
  },
  table: TableConfig,
  options: EmitTableOptions,
): Promise<Emission> {
  const { store, signal, nowMs } = context;
  const file = fileOf(context, table);
  const window = options.window ?? {
    since: windowStart(table.days, nowMs()),
    until: Number.MAX_SAFE_INTEGER,
  };
  const emission = await emitRows(
    store,
    {
      destination: destinationOf(store, table, context.warehouse.url),
      ...(context.rows && { source: context.rows }),
      replaces: options.replace,
      finishedSince: Math.floor(window.since),
      finishedBefore: Math.ceil(window.until),
      storedBytesMax: FILE_BYTES_MAX,
      ...(options.keep && { keep: options.keep }),
      ...(options.builds && { builds: options.builds }),
      ...(options.transform && { transform: options.transform }),
    },
    await gzipFileSink(file),
    { signal, onRows: (rows) => context.onStep?.({ table: table.name, step: 'writing', rows }) },
  );
  await describeFile({ store, nowMs }, table.name, file, emission);
  return emission;
}

/** Stores what the file is, then writes its manifest: a batch without a valid manifest is never loaded. */
export async function describeFile(
  context: Pick<TablesContext, 'store' | 'nowMs'>,
  table: string,
  file: string,
  emission: Emission,
): Promise<void> {
  const { batch, rows, bytes, sha256 = '', fileBytes = 0, firstFinished, lastFinished } = emission;
  context.store.transaction(() => context.store.ledger.describe(batch, { file, sha256, rows, bytes }));
  await writeManifest(file, {
    table,
    generation: batch.generation,
    rows,
    bytes,
    fileBytes,
    sha256,
    createdAt: new Date(context.nowMs()).toISOString(),
    replace: batch.replaces,
    ...(firstFinished !== undefined && { firstFinished }),
    ...(lastFinished !== undefined && { lastFinished }),
  });
}

/** Ends what an earlier run began: a load whose outcome is open is asked about, a whole file is loaded, anything else dropped. */
export async function recover(context: TablesContext, table: TableConfig, spec: TableSpec): Promise<number> {
  const { store, warehouse } = context;
  let rows = 0;
  const open = store.ledger.open(destinationOf(store, table, warehouse.url));
  for (const batch of open.filter((one) => !isAppend(one))) {
    context.onStep?.({ table: table.name, step: 'recovering', rows: batch.rows ?? 0 });
    const file = await wholeFile(batch);
    if (file !== undefined) {
      rows += (await load(context, spec, batch, file)).rows;
      continue;
    }
    const outcome = batch.jobId === null ? 'unknown' : (await settled(context, batch.jobId)).state;
    store.transaction(() => (outcome === 'done' ? store.ledger.commit(batch) : store.ledger.discard(batch)));
    if (outcome === 'done') rows += batch.rows ?? 0;
  }
  return rows;
}

async function settled({ warehouse, signal, sleep }: TablesContext, jobId: string) {
  while (true) {
    const known = await warehouse.loadState(jobId, { signal });
    if (known.state !== 'running' || signal.aborted) return known;
    await sleep(2_000);
  }
}

/** The batch's file when it and its manifest are still there and whole. */
async function wholeFile(batch: Batch): Promise<string | undefined> {
  const { file, sha256 } = batch;
  if (file === null || sha256 === null || !existsSync(manifestPath(file))) return undefined;
  try {
    const manifest: Manifest = await readManifest(manifestPath(file));
    if (manifest.sha256 !== sha256 || manifest.generation !== batch.generation) return undefined;
    await verifyManifest(file, manifest);
    return file;
  } catch {
    return undefined;
  }
}

/** Loads the file that `emitTable` made. */
export function loadFile(
  context: TablesContext,
  table: TableConfig,
  spec: TableSpec,
  batch: Batch,
): Promise<{ readonly rows: number }> {
  return load(context, spec, batch, fileOf(context, table));
}

async function load(
  context: TablesContext,
  spec: TableSpec,
  batch: Batch,
  file: string,
): Promise<{ readonly rows: number }> {
  const manifest = await readManifest(manifestPath(file));
  context.onStep?.({ table: spec.name, step: 'loading', rows: manifest.rows });
  const result = await loadBatch(context, { batch, table: spec, file, sha256: manifest.sha256 });
  context.onStep?.({ table: spec.name, step: 'loaded', rows: result.rows });
  await rm(manifestPath(file), { force: true });
  await rm(file, { force: true });
  return result;
}

function discardEmpty(store: Store, batch: Batch): void {
  store.transaction(() => store.ledger.discard(batch));
}
