import type { Bucket } from '../backends/bucket/contract.ts';
import type { TableSpec } from '../backends/warehouse/contract.ts';
import type { TableConfig } from '../config/tables.ts';
import { fileBytesOf, type IndexEntry, readIndex, sha256Of, sliceRows } from '../emit/shard-file.ts';
import type { FoundManifest, ManifestFile } from '../emit/shard-manifest.ts';
import { describeError, SamovarError } from '../errors.ts';
import type { PackedRow } from '../records/chunk.ts';
import { createLoadBatches, type LoadBatches } from './shard-batches.ts';
import { type ChosenRows, chooseRows, recordRows } from './shard-choice.ts';
import { destinationName, destinationOf, recover, type TablesContext } from './tables.ts';

const OBJECT_BYTES_MAX = 512 * 2 ** 20;

export interface ShardLoadContext extends TablesContext {
  readonly bucket: Bucket;
  /** Of all that shards wrote, with a slash at its end; '' for the whole bucket. */
  readonly prefix: string;
  readonly onFile?: (file: ManifestFile, rows: number) => void;
}

export interface ShardLoadOptions {
  readonly dryRun: boolean;
  /** Of stored rows in one load; for tests. */
  readonly loadBytesMax?: number;
}

export interface ShardLoaded {
  readonly table: string;
  readonly files: number;
  /** Rows loaded now; in a dry run those that would be, counted twice where manifests overlap. */
  readonly rows: number;
  readonly loads: number;
  /** Of rows that were not loaded: the table has them, it has a newer version, this database has made its own. */
  readonly present: number;
  readonly older: number;
  readonly own: number;
  /** Rows by UTC day. */
  readonly days: Readonly<Record<string, number>>;
  /** Files that could not be used, each with its name. */
  readonly problems: readonly string[];
}

/**
 * Loads what manifests of one table name and the table lacks, day by day, many files to a load. The ledger knows each row by its
 * build's path and version, so the same rows may be named by any number of manifests, and a stop at any moment is gone on from.
 * A damaged file is a problem of its own; a load that the warehouse refuses ends it all.
 */
export async function loadManifests(
  context: ShardLoadContext,
  table: TableConfig,
  spec: TableSpec,
  found: readonly FoundManifest[],
  options: ShardLoadOptions,
): Promise<ShardLoaded> {
  const counts = { rows: 0, loads: 0, present: 0, older: 0, own: 0 };
  const days: Record<string, number> = {};
  const problems: string[] = [];
  const { dryRun, loadBytesMax } = options;
  const { store, warehouse } = context;
  // A dry run makes nothing, not even a destination's number.
  const destination = dryRun
    ? (store.ledger.findDestination(destinationName(table, warehouse.url)) ?? 0)
    : destinationOf(store, table, warehouse.url);
  const run = { context, table, counts, days, problems, dryRun, destination };
  if (!dryRun) {
    await warehouse.ensureTable(spec, { signal: context.signal });
    await recoverAll(context, table, spec);
  }
  const batches = createLoadBatches(context, table, spec, { destination, loadBytesMax });
  const files = filesInOrder(found);
  try {
    for (const { file, roots } of files) {
      if (context.signal.aborted) throw stopped();
      const rows = await loadFile(run, batches, file, roots);
      context.onFile?.(file, rows);
    }
    await batches.end();
  } catch (error) {
    await batches.abandon();
    throw error;
  }
  const loads = batches.loads();
  return { table: table.name, files: files.length, ...counts, loads, days, problems };
}

/** What a run before left open: its rows are in, or free again, and builds known only by them are forgotten. */
async function recoverAll(context: ShardLoadContext, table: TableConfig, spec: TableSpec): Promise<void> {
  const { store, warehouse } = context;
  const open = store.ledger.open(destinationOf(store, table, warehouse.url));
  const items = open.flatMap((batch) => store.ledger.items(batch).map(({ item }) => item));
  await recover(context, table, spec);
  store.transaction(() => store.shards.forgetBare(items));
}

function stopped(): SamovarError {
  return new SamovarError('aborted', 'stopped while loading; what is loaded is in the ledger', {
    remedy: 'Run the same command again: it goes on where it stopped.',
  });
}

/** Day by day, so that a load touches few partitions; the same file of two manifests once. */
function filesInOrder(found: readonly FoundManifest[]) {
  const files = new Map<string, { readonly file: ManifestFile; readonly roots: readonly string[] }>();
  for (const { manifest } of found)
    for (const file of manifest.files) files.set(file.index.name, { file, roots: manifest.selection.roots });
  return [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}

interface LoadRun {
  readonly context: ShardLoadContext;
  readonly table: TableConfig;
  readonly counts: { rows: number; present: number; older: number; own: number };
  readonly days: Record<string, number>;
  readonly problems: string[];
  readonly dryRun: boolean;
  /** Id of the ledger's. */
  readonly destination: number;
}

/** What is wrong with one file, and no reason to leave out the others. */
const FILE_CODES: readonly string[] = ['missing', 'malformed', 'too-large'];

/** Undefined when the file is at fault: that is noted. */
async function ofFile<T>({ problems }: LoadRun, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SamovarError) || !FILE_CODES.includes(error.code)) throw error;
    problems.push(describeError(error));
    return undefined;
  }
}

async function loadFile(
  run: LoadRun,
  batches: LoadBatches,
  file: ManifestFile,
  roots: readonly string[],
): Promise<number> {
  const { context, counts, days, dryRun } = run;
  const entries = await ofFile(run, () => indexOf(run, file, roots));
  let data: Uint8Array | undefined;
  let left = entries ?? [];
  let rows = 0;
  while (entries !== undefined && left.length > 0) {
    const chosen = chooseRows(context.store, run.destination, batches.current(), left);
    if (chosen.take.length > 0 && !dryRun) {
      data ??= await ofFile(run, () => dataOf(run, file, entries));
      if (data === undefined) break;
      await takeRows(run, batches, file, {
        chosen,
        packed: sliceRows(data, entries, new Set(chosen.take)),
        roots,
      });
    }
    counts.present += chosen.present;
    counts.older += chosen.older;
    counts.own += chosen.own;
    rows += chosen.take.length;
    left = chosen.later;
    if (dryRun) break;
    markSeen(context, chosen);
    // Two versions of a row cannot be in one load: the older goes in first.
    if (left.length > 0) await batches.end();
  }
  counts.rows += rows;
  if (rows > 0) days[file.day] = (days[file.day] ?? 0) + rows;
  return rows;
}

async function takeRows(
  { context }: LoadRun,
  batches: LoadBatches,
  { day }: ManifestFile,
  taken: {
    readonly chosen: ChosenRows;
    readonly packed: readonly PackedRow[];
    readonly roots: readonly string[];
  },
): Promise<void> {
  const batch = await batches.open(day);
  recordRows(context.store, batch, taken.chosen, taken.roots);
  await batches.write(taken.chosen.take.map(({ finishedAt }, at) => ({ finishedAt, row: taken.packed[at] })));
}

function markSeen({ store }: ShardLoadContext, { seen }: ChosenRows): void {
  if (seen.length === 0) return;
  store.transaction(() => {
    for (const { id, checkedAt } of seen) store.shards.seen(id, checkedAt);
  });
}

async function indexOf(
  { context, table }: LoadRun,
  file: ManifestFile,
  roots: readonly string[],
): Promise<readonly IndexEntry[]> {
  const object = await wholeObject(context, `${table.name}/${file.index.name}`, file.index.sha256);
  const entries = readIndex(object.bytes, object.url);
  const stray = entries.find(({ path }) => !roots.some((root) => path.startsWith(root)));
  if (entries.length === file.rows && stray === undefined) return entries;
  const why =
    stray === undefined
      ? `has ${entries.length} rows and its manifest says ${file.rows}`
      : `has ${stray.path}, which lies under none of its manifest's roots`;
  throw new SamovarError('malformed', `${object.url} ${why}`, { subject: object.url, remedy: REMEDY });
}

async function dataOf(
  { context, table }: LoadRun,
  file: ManifestFile,
  entries: readonly IndexEntry[],
): Promise<Uint8Array> {
  const { bytes, url } = await wholeObject(context, `${table.name}/${file.name}`, file.sha256);
  if (bytes.length === fileBytesOf(entries)) return bytes;
  throw new SamovarError('malformed', `${url}: its index is another file's`, {
    subject: url,
    remedy: REMEDY,
  });
}

const REMEDY = 'Run its shard again: that writes anew what is missing or damaged.';

/** An object that is there and is what its manifest describes. */
async function wholeObject({ bucket, prefix, signal }: ShardLoadContext, path: string, sha256: string) {
  const url = `${bucket.url}/${prefix}${path}`;
  const read = await bucket.read(`${prefix}${path}`, { signal, bytesMax: OBJECT_BYTES_MAX });
  if (read === undefined || read === 'unchanged')
    throw new SamovarError('missing', `${url} is not there, though its manifest is`, {
      subject: url,
      remedy: REMEDY,
    });
  if (sha256Of(read.bytes) === sha256) return { bytes: read.bytes, url };
  throw new SamovarError('malformed', `${url} is not the file its manifest describes: its SHA-256 differs`, {
    subject: url,
    remedy: REMEDY,
  });
}
