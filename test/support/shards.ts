import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import type { Bucket } from '../../pipeline/backends/bucket/contract.ts';
import { openBucket } from '../../pipeline/backends/bucket/index.ts';
import type { TableSpec, Warehouse } from '../../pipeline/backends/warehouse/contract.ts';
import type { TableConfig } from '../../pipeline/config/tables.ts';
import { findManifests } from '../../pipeline/emit/shard-manifest.ts';
import { loadManifests, type ShardLoaded, type ShardLoadOptions } from '../../pipeline/jobs/shard-load.ts';
import { type ShardWriteRequest, type ShardWritten, writeShard } from '../../pipeline/jobs/shard-write.ts';
import { buildOfPath } from '../../pipeline/records/ids.ts';
import { type Shard, shardOf } from '../../pipeline/records/shard.ts';
import type { Store } from '../../pipeline/store/open.ts';
import { NOW_MS } from './store.ts';

export const ROOT = 'gs://bucket/logs/';
const SELECTION = { roots: [ROOT], job: null, since: null, until: null };

export const TABLE: TableConfig = {
  name: 'all',
  days: 0,
  cluster: [],
  writer: 'load',
  kettleLedger: 'build_emitted',
  schemaFile: '',
};

export const SPEC: TableSpec = {
  name: TABLE.name,
  key: 'path',
  schema: [
    { name: 'path', type: 'STRING' },
    { name: 'finished', type: 'INTEGER' },
    { name: 'note', type: 'STRING' },
  ],
};

/** A bucket in a folder. */
export function folderBucket(folder: string): Bucket {
  const bucket = openBucket(`file:${folder}`, { timeoutMs: 10_000, connections: 4 });
  onTestFinished(() => bucket.close());
  return bucket;
}

/** What a shard's run would write out of a database. */
export function write(
  store: Store,
  bucket: Bucket,
  shard: Shard,
  over: Partial<ShardWriteRequest> & { readonly nowMs?: number } = {},
): Promise<ShardWritten> {
  const { nowMs = NOW_MS, ...rest } = over;
  const context = { store, bucket, prefix: 'out/', signal: new AbortController().signal, nowMs: () => nowMs };
  return writeShard(context, {
    shard,
    selection: SELECTION,
    table: TABLE.name,
    schema: 'columns',
    complete: true,
    unfinished: 0,
    failed: 0,
    refused: 0,
    problems: [],
    givenUp: [],
    since: 0,
    before: Number.MAX_SAFE_INTEGER,
    keep: (path) => shardOf({ root: ROOT, ...buildOfPath(path) }, shard.count) === shard.index,
    ...rest,
  });
}

/** Loads all that was written into a bucket. */
export async function load(
  given: {
    readonly store: Store;
    readonly bucket: Bucket;
    readonly warehouse: Warehouse;
    readonly folder: string;
  },
  options: Partial<ShardLoadOptions> = {},
): Promise<ShardLoaded> {
  const { signal } = new AbortController();
  const { found, problems } = await findManifests(given.bucket, 'out/manifests/', signal);
  if (problems.length > 0) throw problems[0];
  const context = {
    ...given,
    prefix: 'out/',
    signal,
    nowMs: () => NOW_MS,
    sleep: async () => undefined,
    workDir: join(given.folder, 'work'),
  };
  return loadManifests(context, TABLE, SPEC, found, { dryRun: false, ...options });
}

/** Every line of the files that manifests name, sorted; of all manifests, or of those of a division into so many. */
export async function writtenLines(
  bucket: Bucket,
  prefix: string,
  count?: number,
): Promise<readonly string[]> {
  const { found } = await findManifests(bucket, `${prefix}manifests/`, new AbortController().signal);
  const lines: string[] = [];
  for (const { manifest } of found) {
    if (count !== undefined && manifest.shard.count !== count) continue;
    for (const { name } of manifest.files) {
      const read = await bucket.read(`${prefix}${manifest.table}/${name}`);
      if (typeof read !== 'object') throw new Error(`${name} is not there`);
      lines.push(...gunzipSync(read.bytes).toString().split('\n').slice(0, -1));
    }
  }
  return lines.sort();
}

/** The table's rows, one text each, sorted. */
export async function tableRows(warehouse: Warehouse): Promise<readonly string[]> {
  const rows = await warehouse.query(
    `SELECT path, note FROM ${warehouse.tableName(TABLE.name)} ORDER BY path`,
  );
  return rows.map(({ path, note }) => `${String(path).split('/').slice(-2).join('/')} ${note}`).sort();
}
