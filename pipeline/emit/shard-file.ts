import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { SamovarError } from '../errors.ts';
import { createGzipConcat, type PackedRow } from '../records/chunk.ts';
import type { ShardRow } from '../store/shards.ts';

/** A file's index: one line a row, in the order of the file. */
export interface IndexEntry extends Omit<ShardRow, 'data' | 'testsStart'> {
  /** Bytes of the row in the file, packed. */
  readonly stored: number;
}

/** A whole gzip file of NDJSON with the index beside it. The same rows make the same bytes; the index also says when they were seen. */
export interface ShardFile {
  readonly data: Buffer;
  readonly index: Buffer;
  readonly rows: number;
  /** Of NDJSON. */
  readonly bytes: number;
  readonly first: string;
  readonly last: string;
}

export interface ShardFileBuilder {
  add(row: ShardRow): void;
  /** So far, packed. */
  readonly storedBytes: number;
  finish(): ShardFile;
}

/** Bytes of gzip before the first row. */
const HEADER_BYTES = 10;
const TRAILER_BYTES = 10;

/** Puts rows together as they are stored. */
export function createShardFile(): ShardFileBuilder {
  const gzip = createGzipConcat();
  const parts: Uint8Array[] = [gzip.header()];
  const lines: string[] = [];
  let stored = 0;
  let bytes = 0;
  let first: string | undefined;
  let last = '';
  return {
    get storedBytes() {
      return stored;
    },
    add(row) {
      parts.push(gzip.add(row));
      stored += row.data.length;
      bytes += row.bytes;
      first ??= row.path;
      last = row.path;
      lines.push(`${JSON.stringify(entryOf(row))}\n`);
    },
    finish: () => ({
      data: Buffer.concat([...parts, gzip.trailer()]),
      index: gzipSync(lines.join('')),
      rows: lines.length,
      bytes,
      first: first ?? '',
      last,
    }),
  };
}

function entryOf({ path, version, finishedAt, checkedAt, data, crc32, bytes }: ShardRow): IndexEntry {
  return { path, version, finishedAt, checkedAt, stored: data.length, crc32, bytes };
}

/** The entries of an index. Throws `malformed` for what no Samovar wrote. */
export function readIndex(index: Uint8Array, subject: string): readonly IndexEntry[] {
  try {
    const lines = gunzipSync(index).toString().split('\n').slice(0, -1);
    const entries = lines.map((line) => JSON.parse(line) as IndexEntry);
    if (entries.every(isEntry)) return entries;
  } catch (cause) {
    throw new SamovarError('malformed', `${subject} is no index of a shard's file`, { subject, cause });
  }
  throw new SamovarError('malformed', `${subject} is no index of a shard's file`, { subject });
}

function isEntry(entry: IndexEntry): boolean {
  const { path, version, finishedAt, checkedAt, stored, crc32, bytes } = entry;
  return (
    typeof path === 'string' &&
    [version, finishedAt, checkedAt, stored, crc32, bytes].every((one) => Number.isSafeInteger(one))
  );
}

/** Of the file that an index describes. */
export function fileBytesOf(entries: readonly IndexEntry[]): number {
  return entries.reduce((sum, { stored }) => sum + stored, HEADER_BYTES + TRAILER_BYTES);
}

/** Rows of a file at the places its index gives; the two must fit together, by `fileBytesOf` and their hashes. */
export function sliceRows(
  data: Uint8Array,
  entries: readonly IndexEntry[],
  wanted: ReadonlySet<IndexEntry>,
): readonly PackedRow[] {
  let at = HEADER_BYTES;
  const rows: PackedRow[] = [];
  for (const entry of entries) {
    const { stored, crc32, bytes } = entry;
    if (wanted.has(entry)) rows.push({ data: data.subarray(at, at + stored), crc32, bytes });
    at += stored;
  }
  return rows;
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
