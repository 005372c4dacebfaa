import { globPattern } from './gcs-glob.ts';
import { resourceOf, type StoredBucket } from './gcs-store.ts';

/** What a careless server may leave undone. */
export type Ignored = 'startOffset' | 'endOffset' | 'delimiter' | 'matchGlob' | 'fields' | 'preconditions';

/**
 * Answers objects.list over sorted names. startOffset is held against names of objects, not against folded prefixes, so a
 * folded prefix may stand before it: the harder reading of the documentation for a client.
 */
export function listAnswer(
  bucketName: string,
  bucket: StoredBucket,
  query: URLSearchParams,
  options: { readonly ignores: ReadonlySet<Ignored>; readonly pageSizeMax: number },
): Record<string, unknown> {
  const value = (name: Ignored) => (options.ignores.has(name) ? '' : (query.get(name) ?? ''));
  const prefix = query.get('prefix') ?? '';
  const after = Buffer.from(query.get('pageToken') ?? '', 'base64url');
  const pageSize = Math.min(Number(query.get('maxResults') ?? 1000), options.pageSizeMax);
  const glob = value('matchGlob') === '' ? undefined : globPattern(value('matchGlob'));
  const delimiter = value('delimiter');
  const items: Record<string, unknown>[] = [];
  const prefixes: string[] = [];
  let last = '';
  for (const name of bucket.sortedNames()) {
    const bytes = Buffer.from(name);
    if (!name.startsWith(prefix) || Buffer.compare(bytes, Buffer.from(value('startOffset'))) < 0) continue;
    if (value('endOffset') !== '' && Buffer.compare(bytes, Buffer.from(value('endOffset'))) >= 0) break;
    if (glob !== undefined && !glob.test(name)) continue;
    const cut = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
    const key = cut < 0 ? name : name.slice(0, cut + delimiter.length);
    if (key === last || Buffer.compare(Buffer.from(key), after) <= 0) continue;
    if (items.length + prefixes.length >= pageSize) return answer(items, prefixes, last);
    last = key;
    if (cut >= 0) prefixes.push(key);
    else items.push(itemOf(bucketName, bucket, name, value('fields')));
  }
  return answer(items, prefixes, undefined);
}

function answer(
  items: Record<string, unknown>[],
  prefixes: string[],
  last: string | undefined,
): Record<string, unknown> {
  return {
    ...(items.length === 0 ? {} : { items }),
    ...(prefixes.length === 0 ? {} : { prefixes }),
    ...(last === undefined ? {} : { nextPageToken: Buffer.from(last).toString('base64url') }),
  };
}

function itemOf(
  bucketName: string,
  bucket: StoredBucket,
  name: string,
  fields: string,
): Record<string, unknown> {
  const object = bucket.objects.get(name);
  if (object === undefined) throw new Error(`${name} is listed and not there`);
  const resource = resourceOf(bucketName, object);
  const wanted = /items\(([^)]*)\)/.exec(fields)?.[1]?.split(',');
  return wanted === undefined
    ? resource
    : Object.fromEntries(Object.entries(resource).filter(([key]) => wanted.includes(key)));
}
