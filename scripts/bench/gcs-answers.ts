import { createHash } from 'node:crypto';
import type { ServedBucket } from './corpus/index.ts';
import { listNames } from './gcs-list.ts';

/** What a request was for. */
export type RequestKind = 'list' | 'pointer' | 'latest-build' | 'started' | 'finished' | 'junit' | 'other';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** By name. */
export type ServedBuckets = ReadonlyMap<string, ServedBucket>;

const UPDATED = '2026-01-01T00:00:00.000Z';
const JSON_HEADERS = { 'content-type': 'application/json; charset=UTF-8' };
const NOT_FOUND: Answer = {
  status: 404,
  headers: JSON_HEADERS,
  body: Buffer.from('{"error":{"code":404,"message":"No such object"}}'),
};

export function kindOf(path: string): RequestKind {
  const name = placeOf(path).name;
  if (name === undefined) return 'list';
  if (name.endsWith('latest-build.txt')) return 'latest-build';
  if (name.includes('/directory/')) return 'pointer';
  if (name.endsWith('/started.json')) return 'started';
  if (name.endsWith('/finished.json')) return 'finished';
  return name.endsWith('.xml') ? 'junit' : 'other';
}

/** The answer to a GET of the JSON API: a list, an object's bytes (alt=media) or its metadata. */
export function answerTo(buckets: ServedBuckets, path: string, query: string): Answer {
  const { name, bucketName } = placeOf(path);
  const bucket = buckets.get(bucketName);
  if (bucket === undefined) return NOT_FOUND;
  const parameters = new URLSearchParams(query);
  if (name === undefined) return listAnswer(bucket, parameters);
  if (parameters.get('alt') !== 'media')
    return bucket.read(name) === undefined ? NOT_FOUND : jsonAnswer(resourceOf(bucket, name));
  const body = bucket.read(name);
  if (body === undefined) return NOT_FOUND;
  remember(bucket, name, body);
  const generation = generationOf(name, body);
  if (parameters.get('ifGenerationNotMatch') === generation)
    return { status: 304, headers: {}, body: Buffer.alloc(0) };
  const headers = {
    'content-type': contentTypeOf(name),
    'x-goog-generation': generation,
    'last-modified': new Date(UPDATED).toUTCString(),
  };
  return { status: 200, headers, body };
}

function placeOf(path: string): { readonly bucketName: string; readonly name?: string } {
  const [, bucketName = '', name] =
    /^\/(?:download\/)?storage\/v1\/b\/([^/]+)\/o(?:\/(.+))?$/.exec(path) ?? [];
  return { bucketName, ...(name !== undefined && { name: decodeURIComponent(name) }) };
}

function listAnswer(bucket: ServedBucket, query: URLSearchParams): Answer {
  const fields = query.get('fields') ?? '*';
  const { items, prefixes, nextPageToken } = listNames(bucket.names, query);
  const wanted = /items\(([^)]*)\)/.exec(fields)?.[1]?.split(',');
  return jsonAnswer({
    ...(nextPageToken !== undefined && { nextPageToken }),
    ...(prefixes.length > 0 && /prefixes|\*/.test(fields) && { prefixes }),
    ...(items.length > 0 &&
      /items|\*/.test(fields) && { items: items.map((name) => itemOf(bucket, name, wanted)) }),
  });
}

function itemOf(bucket: ServedBucket, name: string, fields: readonly string[] | undefined): object {
  // Sizes cost the making of the object: only where they are asked for.
  if (fields?.length === 1 && fields[0] === 'name') return { name };
  const resource = Object.entries(resourceOf(bucket, name));
  return Object.fromEntries(
    fields === undefined ? resource : resource.filter(([field]) => fields.includes(field)),
  );
}

interface Measured {
  readonly size: string;
  readonly generation: string;
}

const sizes = new WeakMap<ServedBucket, Map<string, Measured>>();

function resourceOf(bucket: ServedBucket, name: string): object {
  const known = sizes.get(bucket)?.get(name) ?? remember(bucket, name, bucket.read(name) ?? Buffer.alloc(0));
  const link = bucket.linkOf(name);
  return { name, ...known, updated: UPDATED, ...(link !== undefined && { metadata: { link } }) };
}

/** Lists need sizes and generations, and making an object again for each would slow them down. */
function remember(bucket: ServedBucket, name: string, body: Buffer): Measured {
  const ofBucket = sizes.get(bucket) ?? new Map<string, Measured>();
  sizes.set(bucket, ofBucket);
  const measured = ofBucket.get(name) ?? { size: String(body.length), generation: generationOf(name, body) };
  ofBucket.set(name, measured);
  return measured;
}

/** Digits that change with the content; large objects are taken at their length and ends, which is enough for a bench. */
function generationOf(name: string, body: Buffer): string {
  const hash = createHash('sha1')
    .update(name)
    .update(String(body.length))
    .update(body.subarray(0, 4096))
    .update(body.subarray(-4096));
  return String(hash.digest().readBigUInt64BE(0) >> 12n);
}

function jsonAnswer(value: object): Answer {
  return { status: 200, headers: JSON_HEADERS, body: Buffer.from(JSON.stringify(value)) };
}

/** As Prow's uploader sets them. Without a charset Kettle's client would guess one from every file's bytes. */
function contentTypeOf(name: string): string {
  if (name.endsWith('.json')) return 'application/json';
  return name.endsWith('.xml') ? 'text/xml; charset=utf-8' : 'text/plain; charset=utf-8';
}
