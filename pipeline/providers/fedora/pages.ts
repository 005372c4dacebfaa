import pLimit from 'p-limit';
import type {
  Fetched,
  FetchSurroundings,
  Json,
  Previous,
  Upstream,
  UpstreamOptions,
} from '../../cache/contract.ts';
import { SamovarError } from '../../errors.ts';
import { fieldsOf, listOf, wholeOf } from '../../records/cache/fields.ts';

type Http = Pick<FetchSurroundings, 'http' | 'signal'>;

/** Requests of one refresh at once; the host's budget says how many of them really run. */
const REQUESTS_MAX = 4;
/** Fifty times more than any of these lists has: a server that always names one more page is not followed for ever. */
const PAGES_MAX = 2_000;

export interface Pages {
  readonly urlOf: (page: number) => string;
  /** How many pages there are, of the first page's answer. */
  readonly countOf: (answer: Json) => number | undefined;
  readonly itemsOf: (answer: Json) => unknown;
  readonly headers?: UpstreamOptions['headers'];
}

/**
 * The items of all pages in their order; undefined: the upstream knows no such list. Between two pages items may move: one may come
 * twice. Throws `malformed` for a page that has no list, `too-large` for more pages than can be meant.
 */
export async function allPages(
  { http, signal }: Http,
  pages: Pages,
): Promise<readonly unknown[] | undefined> {
  const options = pages.headers === undefined ? {} : { headers: pages.headers };
  const first = await http.getJson(pages.urlOf(1), options);
  if (first.kind !== 'value') return undefined;
  const count = Math.max(1, pages.countOf(first.value) ?? 1);
  if (count > PAGES_MAX) throw tooMany(pages.urlOf(1), count);
  const others = await limited(count - 1, signal, async (at) => {
    const answer = await http.getJson(pages.urlOf(at + 2), options);
    // A list that has become shorter since its first page has no such page any more.
    return answer.kind === 'value' ? itemsOf(pages, at + 2, answer.value) : [];
  });
  return [...itemsOf(pages, 1, first.value), ...others.flat()];
}

/** Runs `count` things, a few at a time; the first failure ends it. */
export async function limited<T>(
  count: number,
  signal: AbortSignal,
  work: (at: number) => Promise<T>,
): Promise<readonly T[]> {
  const limit = pLimit(REQUESTS_MAX);
  const run = (at: number) =>
    limit(() => {
      signal.throwIfAborted();
      return work(at);
    });
  try {
    return await Promise.all(Array.from({ length: count }, (_, at) => run(at)));
  } finally {
    limit.clearQueue();
  }
}

function itemsOf(pages: Pages, page: number, answer: Json): readonly unknown[] {
  const items = listOf(pages.itemsOf(answer));
  if (items !== undefined) return items;
  throw new SamovarError('malformed', `${pages.urlOf(page)} has no list where its items should be`, {
    subject: pages.urlOf(page),
    remedy: 'Look at what the upstream answers; its form or its URL may have changed.',
  });
}

function tooMany(url: string, count: number): SamovarError {
  return new SamovarError(
    'too-large',
    `${url} says that it has ${count} pages, at most ${PAGES_MAX} are read`,
    {
      subject: url,
      remedy: 'Check the URL of the upstream in the file of providers.',
    },
  );
}

/** Of an answer with `pages` beside its items, as Bodhi has it. */
export function pagesField(answer: Json): number | undefined {
  return wholeOf(fieldsOf(answer)?.pages);
}

/** Of an answer with `pagination.pages`, as Pagure has it. */
export function paginationField(answer: Json): number | undefined {
  return wholeOf(fieldsOf(fieldsOf(answer)?.pagination)?.pages);
}

/** One document, and what its value depends on besides. */
export interface DocumentRequest {
  readonly http: Upstream;
  readonly url: string;
  readonly previous: Previous | undefined;
  /** The number of Rawhide, say: with another one, "not changed" is no answer, and the document is wanted whole. */
  readonly basis?: string;
}

/** Unchanged and absent as the upstream says, else what `toValue` makes of the document. */
export async function oneDocument(
  { http, url, previous, basis }: DocumentRequest,
  toValue: (document: Json) => { readonly value: Json; readonly leftOut: number },
): Promise<Fetched> {
  const answer = await http.getJson(url, validators(previous, basis));
  if (answer.kind !== 'value') return answer;
  const etag = basis === undefined ? answer.etag : `${answer.etag ?? ''}${BASIS}${basis}`;
  return {
    ...toValue(answer.value),
    kind: 'value',
    ...(etag !== undefined && { etag }),
    ...(answer.lastModified !== undefined && { lastModified: answer.lastModified }),
  };
}

/** Stands behind the upstream's own tag, which is one line. */
const BASIS = '\n';

function validators(previous: Previous | undefined, basis: string | undefined): UpstreamOptions {
  const [etag = '', was] = previous?.etag?.split(BASIS) ?? [];
  if (was !== basis) return {};
  return {
    ...(etag !== '' && { etag }),
    ...(previous?.lastModified !== undefined && { lastModified: previous.lastModified }),
  };
}
