import { stat } from 'node:fs/promises';
import { SamovarError } from '../../errors.ts';
import type { BucketObject, ListOptions, ListPage } from './contract.ts';
import { fileError, throwIfAborted } from './file-errors.ts';
import { generationOf } from './file-generation.ts';
import { isAbsence, type Root } from './file-root.ts';
import { type Found, walk } from './file-walk.ts';

const PAGE_SIZE = 1_000;
/** Walks kept open between pages, so that a directory of many pages is read and sorted once. */
const OPEN_WALKS_MAX = 16;

type Walk = AsyncGenerator<Found>;

/** Gives the `list` of one bucket. A page token is the last name of its page: it works in another process too. */
export function createLister(root: Root): (prefix: string, options: ListOptions) => Promise<ListPage> {
  const openWalks = new Map<string, Walk>();
  return async (prefix, options) => {
    const subject = `${root.url}/${prefix}`;
    throwIfAborted(subject, options);
    const listing = JSON.stringify([
      prefix,
      options.delimited ?? false,
      options.startOffset,
      options.endOffset,
    ]);
    const key = `${listing} ${options.pageToken ?? ''}`;
    const kept = openWalks.get(key);
    openWalks.delete(key);
    if (kept === undefined) await requireDirectory(root);
    const found = kept ?? start(root, prefix, options);
    const page = await takePage(found, options.pageSize ?? PAGE_SIZE);
    throwIfAborted(subject, options);
    const last = page.at(-1)?.name;
    const isWhole = page.length === (options.pageSize ?? PAGE_SIZE) && last !== undefined;
    if (isWhole) keep(openWalks, `${listing} ${last}`, found);
    const objects = await Promise.all(
      page.filter(({ name }) => !name.endsWith('/')).map((entry) => describe(root, entry)),
    );
    return {
      objects: objects.filter((object) => object !== undefined),
      prefixes: page.filter(({ name }) => name.endsWith('/')).map(({ name }) => name),
      ...(isWhole ? { nextPageToken: last } : {}),
    };
  };
}

/** The walk outlives the call when there is a next page, so it does not get the call's signal. */
function start(root: Root, prefix: string, options: ListOptions): Walk {
  const { delimited = false, startOffset, endOffset, pageToken } = options;
  return walk(root, {
    prefix,
    delimited,
    ...(startOffset === undefined ? {} : { startOffset }),
    ...(endOffset === undefined ? {} : { endOffset }),
    ...(pageToken === undefined ? {} : { after: pageToken }),
  });
}

async function takePage(found: Walk, pageSize: number): Promise<Found[]> {
  const page: Found[] = [];
  while (page.length < pageSize) {
    const next = await found.next();
    if (next.done === true) break;
    page.push(next.value);
  }
  return page;
}

function keep(openWalks: Map<string, Walk>, key: string, found: Walk): void {
  openWalks.set(key, found);
  const oldest = openWalks.keys().next();
  if (openWalks.size > OPEN_WALKS_MAX && oldest.done !== true) openWalks.delete(oldest.value);
}

/** A file that went away since its directory was read is left out. */
async function describe(root: Root, { name, path }: Found): Promise<BucketObject | undefined> {
  try {
    const stats = await stat(path, { bigint: true });
    return {
      name,
      size: Number(stats.size),
      generation: generationOf(stats),
      updatedMs: Number(stats.mtimeNs / 1_000_000n),
    };
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw fileError(`${root.url}/${name}`, 'listed', error);
  }
}

async function requireDirectory(root: Root): Promise<void> {
  try {
    if ((await stat(root.path)).isDirectory()) return;
  } catch (error) {
    if (!isAbsence(error)) throw fileError(root.url, 'listed', error);
  }
  const message = `${root.url}: could not be listed, there is no directory ${root.path}`;
  throw new SamovarError('missing', message, {
    subject: root.url,
    remedy: 'Check the path in buckets.yaml.',
  });
}
