import { SamovarError } from '../../errors.ts';
import type { Bucket, ListOptions, ListPage } from './contract.ts';
import { compareNames } from './order.ts';

/**
 * Every page under a prefix, one list call each, in order; ends by itself. Throws what `list` throws, and `malformed` when
 * a server goes round in circles: page tokens that come again, or names that go backwards.
 */
export async function* listAll(
  bucket: Bucket,
  prefix: string,
  options: ListOptions = {},
): AsyncGenerator<ListPage> {
  const guard = createProgressGuard(`${bucket.url}/${prefix}`);
  let pageToken = options.pageToken;
  let lastPrefix: string | undefined;
  do {
    const page = await bucket.list(prefix, { ...options, ...(pageToken === undefined ? {} : { pageToken }) });
    guard(page, pageToken);
    yield withoutRepeated(page, lastPrefix);
    lastPrefix = page.prefixes.at(-1) ?? lastPrefix;
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}

/** A server that knows no delimiter splits a prefix over pages; the driver folds each page, this folds across them. */
function withoutRepeated(page: ListPage, lastPrefix: string | undefined): ListPage {
  return page.prefixes[0] === lastPrefix && lastPrefix !== undefined
    ? { ...page, prefixes: page.prefixes.slice(1) }
    : page;
}

/**
 * Finds cycles in constant memory: names, and apart from them prefixes, must not go backwards, and (for empty pages) a
 * token is remembered at every power of two and must not come again; a cycle of n tokens is found within 3n pages.
 */
function createProgressGuard(subject: string): (page: ListPage, askedWith: string | undefined) => void {
  let lastName: string | undefined;
  let lastPrefix: string | undefined;
  let remembered: string | undefined;
  let pages = 0;
  let rememberAt = 1;
  const refuse = (why: string): never => {
    const remedy = 'The server, or a proxy before it, pages wrongly; another endpoint may help.';
    throw new SamovarError('malformed', `${subject}: could not be listed, ${why}`, { subject, remedy });
  };
  return (page, askedWith) => {
    pages += 1;
    const token = page.nextPageToken;
    if (token !== undefined && (token === askedWith || token === remembered))
      refuse('the server repeats its page token');
    if (pages === rememberAt) {
      remembered = token;
      rememberAt *= 2;
    }
    lastName = forward(
      page.objects.map(({ name }) => name),
      lastName,
      refuse,
    );
    lastPrefix = forward(page.prefixes, lastPrefix, refuse);
  };
}

/** The last of `names`, or what was last before; refuses when the first stands before what was last. */
function forward(
  names: readonly string[],
  last: string | undefined,
  refuse: (why: string) => never,
): string | undefined {
  const first = names[0];
  if (first !== undefined && last !== undefined && compareNames(first, last) < 0) {
    refuse(`a page begins with "${first}", before the end of the page before it ("${last}")`);
  }
  return names.at(-1) ?? last;
}
