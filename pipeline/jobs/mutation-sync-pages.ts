import { SamovarError } from '../errors.ts';
import type { Mutation } from '../records/mutation/types.ts';
import { ask, commit, type RepoRun } from './mutation-sync-state.ts';

export const PAGE_ITEMS = 100;
/** Whether `since` takes its own second in GitHub says one way, and does the other. */
const SECOND_MS = 1000;
/** A repository in which something changes all the time is not looked at without end: whole listings find the rest. */
const LOOKS_MAX = 5;

/** What a page of a listing makes. */
export interface PageWork {
  readonly mutations: readonly Mutation[];
  /** In the transaction that applies them. */
  readonly within?: () => void;
}

/** A listing that GitHub gives from a time of change on, the oldest change first. */
export interface Listing<T> {
  /** Names its cursor and ETag. */
  readonly kind: string;
  /** Path and query, without `since`, `page` and `per_page`. */
  readonly path: string;
  readonly diff: (items: readonly T[]) => Promise<PageWork>;
}

interface Updated {
  readonly updated_at?: string | null;
}

/**
 * Follows a listing from its cursor to its end. Not by page numbers: what changes while it is read moves to the end, and what lay
 * behind it would move over the edge of a page and be missed. Each request begins a second before the last time that was seen; only
 * where a whole page lies within that does it turn the page, and looks again afterwards. The cursor is saved with each page, so a stop
 * loses nothing, older changes least of all; and it never lies in the server's future, where it would pass over what comes until then.
 */
export async function crawlSince<T extends Updated>(run: RepoRun, listing: Listing<T>): Promise<void> {
  const { store, overlapMs } = run.context;
  const { github } = store;
  const repo = run.corpus.id;
  const saved = Date.parse(github.cursor(repo, listing.kind) ?? '');
  let cursorMs = Number.isFinite(saved) ? saved : Number.NEGATIVE_INFINITY;
  let sinceMs = Number.isFinite(saved) ? saved - overlapMs : undefined;
  const turned = new Map<string, string | undefined>();
  for (let page = 1; ; ) {
    const path = pagePath(listing.path, sinceMs, page);
    const answer = await ask(run, path, page === 1 ? github.etag(repo, listing.kind, path) : undefined);
    if (answer.status === 304) return;
    const items = arrayIn<T>(answer.data, path);
    const lastMs = latestOf(items);
    const ends = items.length < PAGE_ITEMS;
    cursorMs = Math.max(cursorMs, Math.min(lastMs, answer.dateMs ?? lastMs));
    const { mutations, within } = await listing.diff(items);
    await commit(run, mutations, () => {
      within?.();
      if (Number.isFinite(cursorMs)) github.setCursor(repo, listing.kind, isoOf(cursorMs));
      // A full page says nothing of what comes behind it.
      if (ends && page === 1 && answer.etag !== undefined)
        github.setEtag(repo, listing.kind, path, answer.etag);
    });
    turned.set(path, answer.etag);
    const nextMs = lastMs - SECOND_MS;
    const goesOn = !ends && (sinceMs === undefined || nextMs > sinceMs);
    if (page > 1 && (ends || goesOn)) await lookAgain(run, listing, turned);
    if (ends) return;
    if (goesOn) {
      turned.clear();
      sinceMs = nextMs;
      page = 1;
    } else page += 1;
  }
}

/**
 * Pages that had to be turned, once more: what changed meanwhile went to the end, and may have drawn something over an edge that was
 * behind us already. As long as nothing has changed all of them are free.
 */
async function lookAgain<T>(
  run: RepoRun,
  { diff }: Listing<T>,
  pages: Map<string, string | undefined>,
): Promise<void> {
  for (let looks = 0, changed = true; changed && looks < LOOKS_MAX; looks += 1) {
    changed = false;
    for (const [path, etag] of pages) {
      const answer = await ask(run, path, etag);
      if (answer.status === 304) continue;
      changed = true;
      pages.set(path, answer.etag);
      const { mutations, within } = await diff(arrayIn<T>(answer.data, path));
      await commit(run, mutations, within);
    }
  }
}

function pagePath(path: string, sinceMs: number | undefined, page: number): string {
  const since = sinceMs === undefined ? '' : `&since=${isoOf(sinceMs)}`;
  return `${path}${since}&per_page=${PAGE_ITEMS}&page=${page}`;
}

/** As GitHub writes times: whole seconds. */
export function isoOf(ms: number): string {
  return `${new Date(Math.floor(ms / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

function latestOf(items: readonly Updated[]): number {
  const times = items.map(({ updated_at }) => Date.parse(updated_at ?? '')).filter(Number.isFinite);
  return times.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}

/** Every page of a listing that is always read whole. `path` has a query. */
export async function* pagesOf<T>(run: RepoRun, path: string): AsyncGenerator<readonly T[]> {
  for (let page = 1; ; page += 1) {
    const at = `${path}&per_page=${PAGE_ITEMS}&page=${page}`;
    const items = arrayIn<T>((await ask(run, at)).data, at);
    yield items;
    if (items.length < PAGE_ITEMS) return;
  }
}

export function arrayIn<T>(data: unknown, path: string): readonly T[] {
  if (Array.isArray(data)) return data as readonly T[];
  throw new SamovarError('malformed', `${path}: GitHub's answer is no list`, { subject: path });
}
