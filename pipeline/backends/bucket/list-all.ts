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
  do {
    const page = await bucket.list(prefix, { ...options, ...(pageToken === undefined ? {} : { pageToken }) });
    guard(page, pageToken);
    yield page;
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
}

/**
 * Finds cycles in constant memory: any page with names must begin after the one before it, and (for empty pages) a token
 * is remembered at every power of two and must not come again; a cycle of n tokens is found within 3n pages.
 */
function createProgressGuard(subject: string): (page: ListPage, askedWith: string | undefined) => void {
  let last: string | undefined;
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
    const first = edge(page, 0, -1);
    if (first !== undefined && last !== undefined && compareNames(first, last) < 0) {
      refuse(`page ${pages} begins with "${first}", before the end of the page before it ("${last}")`);
    }
    last = edge(page, -1, 1) ?? last;
  };
}

/** The lowest (sign -1) or highest (sign 1) of a page's names and prefixes at one end. */
function edge(page: ListPage, at: number, sign: number): string | undefined {
  const name = page.objects.at(at)?.name;
  const prefix = page.prefixes.at(at);
  if (name === undefined || prefix === undefined) return name ?? prefix;
  return compareNames(name, prefix) * sign > 0 ? name : prefix;
}
