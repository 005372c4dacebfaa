import type { Bucket } from '../backends/bucket/contract.ts';
import { ownVersion } from '../config/shipped.ts';
import { createShardFile, type ShardFileBuilder, sha256Of } from '../emit/shard-file.ts';
import {
  type ManifestFile,
  manifestName,
  readShardManifest,
  SHARD_FORMAT,
  type ShardManifest,
} from '../emit/shard-manifest.ts';
import { SamovarError } from '../errors.ts';
import { unpackRow } from '../records/chunk.ts';
import type { Store } from '../store/open.ts';
import type { ShardRow } from '../store/shards.ts';

const PAGE_ROWS = 200;
const PAGE_BYTES = 32 * 2 ** 20;
/** Of stored rows in one file. Files are made in memory; loads put many of them into one job. */
const FILE_BYTES_MAX = 16 * 2 ** 20;
/** Days whose files are being filled at once: rows come by time finished, and a partition may go by another time. */
const OPEN_DAYS_MAX = 4;
const UNKNOWN_DAY = 'unknown';

export interface ShardWriteContext {
  readonly store: Store;
  readonly bucket: Bucket;
  /** Of all that is written, with a slash at its end; '' for the whole bucket. */
  readonly prefix: string;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  readonly onFile?: (file: ManifestFile) => void;
}

export interface ShardWriteRequest
  extends Pick<ShardManifest, 'shard' | 'selection' | 'table' | 'schema' | 'complete' | 'unfinished'>,
    Pick<ShardManifest, 'failed' | 'refused' | 'problems' | 'givenUp'> {
  /** A TIMESTAMP column by whose day files go; absent: by time finished. */
  readonly partition?: string;
  /** Epoch seconds: builds finished in [since, before). */
  readonly since: number;
  readonly before: number;
  readonly keep: (path: string) => boolean;
  /** For tests. */
  readonly fileBytesMax?: number;
}

export interface ShardWritten {
  readonly manifest: ShardManifest;
  /** The manifest's URL. */
  readonly url: string;
  /** False: a complete manifest of this shard is there, and this one is not complete. */
  readonly replaced: boolean;
  /** Files that an earlier run had written. */
  readonly reused: number;
}

/**
 * Writes a shard's rows as files by day, and when all are there its manifest. The same rows make the same files under the same
 * names, so a run after a stop goes on where that one was; until the manifest is written nothing counts.
 */
export async function writeShard(
  context: ShardWriteContext,
  request: ShardWriteRequest,
): Promise<ShardWritten> {
  const folder = `${context.prefix}${request.table}/`;
  const files: ManifestFile[] = [];
  let reused = 0;
  for (const { day, builder } of filesOf(context, request)) {
    if (context.signal.aborted) throw stopped();
    const { file, existed } = await putFile(context, folder, day, builder);
    files.push(file);
    if (existed) reused += 1;
    context.onFile?.(file);
  }
  const manifest = manifestOf(context, request, files);
  const name = `${context.prefix}${manifestName(manifest)}`;
  const replaced = manifest.complete || !(await isComplete(context, name));
  const bytes = Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`);
  if (replaced)
    await context.bucket.write(name, bytes, { contentType: 'application/json', signal: context.signal });
  return { manifest, url: `${context.bucket.url}/${name}`, replaced, reused };
}

function stopped(): SamovarError {
  return new SamovarError('aborted', 'stopped while writing files; no manifest was written', {
    remedy: 'Run the same command again: it goes on where it stopped.',
  });
}

/** A shard that once was complete stays so: what it wrote is still there. */
async function isComplete({ bucket, signal }: ShardWriteContext, name: string): Promise<boolean> {
  try {
    return (await readShardManifest(bucket, name, signal)).complete;
  } catch (error) {
    if (error instanceof SamovarError && ['missing', 'malformed', 'incompatible'].includes(error.code))
      return false;
    throw error;
  }
}

function manifestOf(
  { nowMs }: ShardWriteContext,
  request: ShardWriteRequest,
  files: readonly ManifestFile[],
): ShardManifest {
  const { since: _since, before: _before, keep: _keep, fileBytesMax: _max, partition, ...rest } = request;
  const sum = (figure: (file: ManifestFile) => number) =>
    files.reduce((total, file) => total + figure(file), 0);
  return {
    format: SHARD_FORMAT,
    version: ownVersion(),
    ...rest,
    partition: partition ?? 'finished',
    writtenAt: new Date(nowMs()).toISOString(),
    rows: sum(({ rows }) => rows),
    bytes: sum(({ bytes }) => bytes),
    fileBytes: sum(({ fileBytes }) => fileBytes),
    files,
  };
}

interface DayFile {
  readonly day: string;
  readonly builder: ShardFileBuilder;
}

/** Rows in their order, each put to its day's file. A file ends when it is large enough, or when too many days are open. */
function* filesOf({ store }: ShardWriteContext, request: ShardWriteRequest): Generator<DayFile> {
  const open = new Map<string, ShardFileBuilder>();
  for (const row of rowsOf(store, request)) {
    const day = dayOf(row, request.partition);
    const builder = open.get(day) ?? createShardFile();
    open.delete(day);
    builder.add(row);
    if (builder.storedBytes >= (request.fileBytesMax ?? FILE_BYTES_MAX)) yield { day, builder };
    else open.set(day, builder);
    const [oldest] = open;
    if (open.size <= OPEN_DAYS_MAX || oldest === undefined) continue;
    open.delete(oldest[0]);
    yield { day: oldest[0], builder: oldest[1] };
  }
  for (const [day, builder] of open) yield { day, builder };
}

/** Pages are read one by one: memory holds one of them, and nothing waits for a cursor. */
function* rowsOf({ shards }: Store, { since, before, keep }: ShardWriteRequest): Generator<ShardRow> {
  let after: ShardRow | undefined;
  let limit = PAGE_ROWS;
  while (true) {
    const page = shards.rows({ since, before }, after, limit);
    after = page.at(-1);
    if (after === undefined) return;
    for (const row of page) if (keep(row.path)) yield row;
    const size = page.reduce((sum, row) => sum + row.data.length, 0);
    limit = Math.max(1, Math.min(PAGE_ROWS, Math.floor((page.length * PAGE_BYTES) / Math.max(size, 1))));
  }
}

function dayOf(row: ShardRow, partition: string | undefined): string {
  if (partition === undefined || partition === 'finished') return isoDay(row.finishedAt * 1000);
  // The columns of a row stand in the order of their names, and times stand before the tests.
  const head = unpackRow(row.data, row.bytes).subarray(0, row.testsStart).toString();
  const value = (JSON.parse(`${head}]}`) as Readonly<Record<string, unknown>>)[partition];
  const ms = typeof value === 'number' ? value * 1000 : Date.parse(String(value));
  return Number.isNaN(ms) ? UNKNOWN_DAY : isoDay(ms);
}

function isoDay(ms: number): string {
  const date = new Date(ms);
  const text = Number.isNaN(date.getTime()) ? '' : date.toISOString();
  return /^\d{4}-/.test(text) ? text.slice(0, 10) : UNKNOWN_DAY;
}

async function putFile(context: ShardWriteContext, folder: string, day: string, builder: ShardFileBuilder) {
  const { data, index, ...rest } = builder.finish();
  const [sha256, indexSha256] = [sha256Of(data), sha256Of(index)];
  const stem = `${day}/${sha256.slice(0, 32)}`;
  const file: ManifestFile = {
    day,
    name: `${stem}.json.gz`,
    ...rest,
    fileBytes: data.length,
    sha256,
    index: { name: `${stem}-${indexSha256.slice(0, 12)}.index.gz`, bytes: index.length, sha256: indexSha256 },
  };
  const existed = await putOnce(context, `${folder}${file.name}`, data);
  await putOnce(context, `${folder}${file.index.name}`, index);
  return { file, existed };
}

/** Creates an object named by its content. One that is there is the same, unless somebody damaged it: then it is written anew. */
async function putOnce(
  { bucket, signal }: ShardWriteContext,
  name: string,
  bytes: Uint8Array,
): Promise<boolean> {
  const contentType = 'application/gzip';
  try {
    await bucket.write(name, bytes, { ifGeneration: '0', contentType, signal });
    return false;
  } catch (error) {
    if (!(error instanceof SamovarError) || error.code !== 'conflict') throw error;
  }
  const there = await bucket.read(name, { signal }).catch(() => undefined);
  if (typeof there === 'object' && Buffer.compare(there.bytes, bytes) === 0) return true;
  await bucket.write(name, bytes, { contentType, signal });
  return false;
}
