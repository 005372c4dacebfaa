import { SamovarError } from '../../errors.ts';
import type { BucketObject, ListOptions, ListPage } from './contract.ts';
import { field } from './gs-errors.ts';
import { compareNames } from './order.ts';

const PAGE_SIZE = 5_000;

/** The query of objects.list: only what is needed comes back. Source: JSON API reference, objects.list. */
export function listQuery(prefix: string, options: ListOptions): string {
  const query = new URLSearchParams();
  if (prefix !== '') query.set('prefix', prefix);
  if (options.delimited) query.set('delimiter', '/');
  if (options.startOffset) query.set('startOffset', options.startOffset);
  if (options.endOffset) query.set('endOffset', options.endOffset);
  if (options.matchGlob) query.set('matchGlob', options.matchGlob);
  if (options.pageToken) query.set('pageToken', options.pageToken);
  query.set('maxResults', String(options.pageSize ?? PAGE_SIZE));
  query.set(
    'fields',
    `nextPageToken,prefixes,items(name,size,generation,updated${options.metadata ? ',metadata' : ''})`,
  );
  return query.toString();
}

/**
 * A page out of an answer to objects.list. Keeps the contract where the server ignored startOffset, endOffset or delimiter.
 * Throws `unavailable` for a body that is not a listing (proxies and captive portals answer 200 with a page of their own),
 * `malformed` for a listing with impossible items.
 */
export function parseListPage(body: Buffer, subject: string, prefix: string, options: ListOptions): ListPage {
  const answer = parseJson(body, subject);
  const listed = arrayOf(answer, 'items').map((item) => parseItem(item, subject, options.metadata === true));
  const folded = new Set<string>();
  for (const name of arrayOf(answer, 'prefixes')) if (typeof name === 'string') folded.add(name);
  const objects = options.delimited ? fold(listed, prefix, folded) : listed;
  const { startOffset, endOffset } = options;
  const wanted = (name: string) =>
    !(startOffset !== undefined && compareNames(name, startOffset) < 0) &&
    !(endOffset !== undefined && compareNames(name, endOffset) >= 0);
  // In byte order nothing wanted follows a name past the end: a server that ignores endOffset is not asked on.
  const lastListed = listed.at(-1)?.name;
  const past =
    endOffset !== undefined && lastListed !== undefined && compareNames(lastListed, endOffset) >= 0;
  const token = field(answer, 'nextPageToken');
  return {
    objects: objects.filter(({ name }) => wanted(name)),
    prefixes: [...folded].filter(wanted),
    ...(typeof token === 'string' && token !== '' && !past ? { nextPageToken: token } : {}),
  };
}

function parseJson(body: Buffer, subject: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    parsed = undefined;
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
  const start = JSON.stringify(body.toString('utf8', 0, 60));
  const message = `${subject}: could not be listed, the server answered 200 with something that is no listing: ${start}`;
  throw new SamovarError('unavailable', message, {
    subject,
    status: 200,
    remedy: 'Is there a proxy in between?',
  });
}

function arrayOf(answer: unknown, name: string): readonly unknown[] {
  const value = field(answer, name);
  return Array.isArray(value) ? value : [];
}

function parseItem(item: unknown, subject: string, withMetadata: boolean): BucketObject {
  const name = field(item, 'name');
  const generation = field(item, 'generation');
  const size = Number(field(item, 'size') ?? 0);
  if (typeof name !== 'string' || generation === undefined || !Number.isSafeInteger(size) || size < 0) {
    const seen = JSON.stringify(item)?.slice(0, 200);
    throw new SamovarError('malformed', `${subject}: the listing has an impossible item: ${seen}`, {
      subject,
    });
  }
  const updatedMs = Date.parse(String(field(item, 'updated')));
  const metadata = withMetadata ? field(item, 'metadata') : undefined;
  return {
    name,
    size,
    generation: String(generation),
    ...(Number.isNaN(updatedMs) ? {} : { updatedMs }),
    ...(typeof metadata === 'object' && metadata !== null
      ? { metadata: metadata as Record<string, string> }
      : {}),
  };
}

/** Moves names with a `/` after the prefix into `prefixes`, as the server does when it knows delimiters. */
function fold(listed: readonly BucketObject[], prefix: string, prefixes: Set<string>): BucketObject[] {
  return listed.filter(({ name }) => {
    const slash = name.indexOf('/', prefix.length);
    if (slash < 0) return true;
    prefixes.add(name.slice(0, slash + 1));
    return false;
  });
}
