import { compareNames } from '../../pipeline/backends/bucket/order.ts';
import { matchesGlob } from './gcs-glob.ts';

/** As Google's: larger wishes are cut to this. */
const RESULTS_MAX = 1_000;
const HIGHEST = '\u{10ffff}';

export interface ListAnswer {
  readonly items: readonly string[];
  readonly prefixes: readonly string[];
  readonly nextPageToken?: string;
}

/** One page of objects.list over sorted names. A token is the last name or prefix that was given. */
export function listNames(names: readonly string[], query: URLSearchParams): ListAnswer {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const end = query.get('endOffset');
  const glob = query.get('matchGlob');
  const limit = Math.min(Number(query.get('maxResults') ?? RESULTS_MAX), RESULTS_MAX);
  const after = decodeToken(query.get('pageToken'));
  const from = [prefix, query.get('startOffset') ?? ''].sort(compareNames).at(-1) ?? '';
  const items: string[] = [];
  const prefixes: string[] = [];
  let at = lowerBound(
    names,
    after === undefined ? from : after.endsWith('/') ? after + HIGHEST : `${after}\0`,
  );
  for (let name = names[at]; name?.startsWith(prefix); name = names[at]) {
    if (end !== null && compareNames(name, end) >= 0) break;
    const slash = delimiter === '' ? -1 : name.indexOf(delimiter, prefix.length);
    const folded = slash < 0 ? undefined : name.slice(0, slash + delimiter.length);
    const isWanted = folded !== undefined || glob === null || matchesGlob(name, glob);
    if (isWanted && items.length + prefixes.length === limit)
      return { items, prefixes, nextPageToken: encodeToken(items, prefixes) };
    if (isWanted) (folded === undefined ? items : prefixes).push(folded ?? name);
    at = folded === undefined ? at + 1 : lowerBound(names, folded + HIGHEST);
  }
  return { items, prefixes };
}

/** Index of the first name that is not below `wanted`. */
function lowerBound(names: readonly string[], wanted: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareNames(names[middle] ?? '', wanted) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function encodeToken(items: readonly string[], prefixes: readonly string[]): string {
  const last = [items.at(-1) ?? '', prefixes.at(-1) ?? ''].sort(compareNames).at(-1) ?? '';
  return Buffer.from(last).toString('base64url');
}

function decodeToken(token: string | null): string | undefined {
  return token === null || token === '' ? undefined : Buffer.from(token, 'base64url').toString('utf8');
}
