import type { Bucket } from '../backends/bucket/contract.ts';
import { listAll } from '../backends/bucket/list-all.ts';
import type { Field } from '../backends/warehouse/contract.ts';
import { SamovarError } from '../errors.ts';
import type { Shard } from '../records/shard.ts';
import { sha256Of } from './shard-file.ts';

/** A change that an older reader would misread gets the next number. */
export const SHARD_FORMAT = 1;
const MANIFEST_BYTES_MAX = 256 * 2 ** 20;

/** What a shard was a part of: equal in all shards of one whole. */
export interface ShardSelection {
  /** URLs of the configured roots, sorted. */
  readonly roots: readonly string[];
  readonly job: string | null;
  /** ISO 8601; null: without an end. */
  readonly since: string | null;
  readonly until: string | null;
}

export interface ManifestFile {
  /** UTC day of the partition's column; `unknown` for rows without one. */
  readonly day: string;
  /** Below `<prefix><table>/`. */
  readonly name: string;
  readonly rows: number;
  /** Of NDJSON, unpacked. */
  readonly bytes: number;
  /** Of the file as it is. */
  readonly fileBytes: number;
  /** Of the file as it is, in hexadecimal. */
  readonly sha256: string;
  /** Paths of the first and the last build in it. */
  readonly first: string;
  readonly last: string;
  readonly index: { readonly name: string; readonly bytes: number; readonly sha256: string };
}

/** What could not be made a row, in words. */
export interface ManifestProblem {
  readonly path: string;
  readonly code: string;
  readonly reason: string;
}

/** What one shard wrote, and what it could not. Written last: files that no manifest names count for nothing. */
export interface ShardManifest {
  readonly format: typeof SHARD_FORMAT;
  /** The Samovar that wrote it. */
  readonly version: string;
  readonly shard: Shard;
  readonly selection: ShardSelection;
  readonly table: string;
  /** SHA-256 of the table's columns. */
  readonly schema: string;
  /** The column whose day files go by. */
  readonly partition: string;
  /** False: builds are missing that another run may get. Not loaded unless asked for. */
  readonly complete: boolean;
  /** ISO 8601. */
  readonly writtenAt: string;
  readonly rows: number;
  readonly bytes: number;
  readonly fileBytes: number;
  /** Builds without finished.json: they have no row yet. */
  readonly unfinished: number;
  /** Builds that failed and may yet be read, and those that never will: broken documents, past a limit. */
  readonly failed: number;
  readonly refused: number;
  /** The first of both. */
  readonly problems: readonly ManifestProblem[];
  /** Roots given up, each with its reason. */
  readonly givenUp: readonly string[];
  readonly files: readonly ManifestFile[];
}

export interface FoundManifest {
  /** The object's name. */
  readonly name: string;
  readonly manifest: ShardManifest;
}

/** Tells whether two tables have the same columns. */
export function columnsHash(schema: readonly Field[]): string {
  return sha256Of(Buffer.from(JSON.stringify(schema)));
}

/** The same for all shards of a whole: what `missingShards` counts by, and part of a manifest's name. */
export function selectionId(selection: ShardSelection): string {
  const { roots, job, since, until } = selection;
  return sha256Of(Buffer.from(JSON.stringify([roots, job, since, until]))).slice(0, 12);
}

/** Where a shard's manifest lies below the prefix. A later run of the same shard replaces it. */
export function manifestName({
  table,
  shard,
  selection,
}: Pick<ShardManifest, 'table' | 'shard' | 'selection'>): string {
  return `manifests/${table}/${shard.index}-of-${shard.count}-${selectionId(selection)}.json`;
}

/** Where the manifests of a prefix are: of one table, or of all. */
export function manifestsFolder(table: string | undefined): string {
  return table === undefined ? 'manifests/' : `manifests/${table}/`;
}

/** Every manifest below a prefix, and why those that cannot be read cannot. */
export async function findManifests(
  bucket: Bucket,
  folder: string,
  signal: AbortSignal,
): Promise<{ readonly found: readonly FoundManifest[]; readonly problems: readonly SamovarError[] }> {
  const found: FoundManifest[] = [];
  const problems: SamovarError[] = [];
  for await (const page of listAll(bucket, folder, { signal })) {
    for (const { name } of page.objects.filter((object) => object.name.endsWith('.json'))) {
      try {
        found.push({ name, manifest: await readShardManifest(bucket, name, signal) });
      } catch (error) {
        if (!(error instanceof SamovarError) || signal.aborted) throw error;
        problems.push(error);
      }
    }
  }
  return { found, problems };
}

/** Throws `missing`, `malformed` or `incompatible`. */
export async function readShardManifest(
  bucket: Bucket,
  name: string,
  signal: AbortSignal,
): Promise<ShardManifest> {
  const subject = `${bucket.url}/${name}`;
  const read = await bucket.read(name, { bytesMax: MANIFEST_BYTES_MAX, signal });
  if (read === undefined || read === 'unchanged')
    throw new SamovarError('missing', `manifest ${subject} is not there`, { subject });
  const value = parse(read.bytes);
  const { format } = Object(value) as { readonly format?: unknown };
  if (typeof format === 'number' && format !== SHARD_FORMAT)
    throw new SamovarError(
      'incompatible',
      `manifest ${subject} has format ${format}; this Samovar reads ${SHARD_FORMAT}`,
      {
        subject,
        remedy: 'Use the version of Samovar that wrote it, or run the shard again with this one.',
      },
    );
  const problem = manifestProblem(value);
  if (problem === undefined) return value as ShardManifest;
  throw new SamovarError('malformed', `manifest ${subject} cannot be used: ${problem}`, {
    subject,
    remedy: 'Run its shard again; nothing of it has been loaded.',
  });
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
const isHash = (value: unknown) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

/** What keeps a value from being a manifest; undefined when nothing does. */
function manifestProblem(value: unknown): string | undefined {
  const manifest = Object(value) as Partial<ShardManifest>;
  if (typeof value !== 'object' || !Array.isArray(manifest.files)) return 'it is no JSON object with files';
  const { shard, selection, table, files, problems, givenUp } = manifest;
  if (!isCount(shard?.index) || !isCount(shard?.count)) return 'it does not say which shard it is';
  if (!Array.isArray(selection?.roots)) return 'it does not say what it is a part of';
  if (typeof table !== 'string' || typeof manifest.complete !== 'boolean')
    return 'table or complete is missing';
  if (!Array.isArray(problems) || !Array.isArray(givenUp) || !isCount(manifest.rows))
    return 'its figures are missing';
  const bad = files.findIndex((file) => !isFile(file));
  if (bad >= 0) return `its file ${bad + 1} is described wrongly`;
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  return rows === manifest.rows ? undefined : `it has ${manifest.rows} rows and its files have ${rows}`;
}

/** Names too: a manifest from elsewhere must not lead to a file elsewhere. */
function isFile(file: Partial<ManifestFile> | null): boolean {
  const { day, name, rows, bytes, fileBytes, sha256, index } = Object(file) as Partial<ManifestFile>;
  return (
    /^(\d{4}-\d\d-\d\d|unknown)$/.test(String(day)) &&
    new RegExp(`^${day}/[0-9a-f]{32}\\.json\\.gz$`).test(String(name)) &&
    new RegExp(`^${day}/[0-9a-f-]{32,48}\\.index\\.gz$`).test(String(index?.name)) &&
    [rows, bytes, fileBytes, index?.bytes].every(isCount) &&
    isHash(sha256) &&
    isHash(index?.sha256)
  );
}

/** Shards that no manifest speaks for, of wholes of which there is no other complete division: `3 of 8`. */
export function missingShards(found: readonly FoundManifest[]): readonly string[] {
  const wholes = new Map<string, Map<number, Set<number>>>();
  for (const { manifest } of found) {
    const { table, selection, shard } = manifest;
    const key = `${table}\n${selectionId(selection)}`;
    const divisions = wholes.get(key) ?? new Map<number, Set<number>>();
    wholes.set(key, divisions);
    const there = divisions.get(shard.count) ?? new Set();
    divisions.set(shard.count, there);
    if (manifest.complete) there.add(shard.index);
  }
  return [...wholes].flatMap(([key, divisions]) => {
    if ([...divisions].some(([count, there]) => there.size === count)) return [];
    return [...divisions].flatMap(([count, there]) =>
      Array.from({ length: count }, (_, index) => index)
        .filter((index) => !there.has(index))
        .map((index) => `${key.split('\n')[0]}: ${index} of ${count}`),
    );
  });
}
