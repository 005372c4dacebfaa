import { setImmediate as nextTurn, setTimeout } from 'node:timers/promises';
import { timeUs } from '../store/corpus-issue-json.ts';
import type { CorpusRepo, IssueState } from '../store/corpus-types.ts';
import type { Order } from './order.ts';

/** Read at once: a few milliseconds, after which others have their turn. */
const SLICE_ITEMS = 100;

/** Where a scan is: the last issue that was looked at. */
export interface ScanPlace {
  readonly number: number;
  /** Microseconds since the epoch, of the order's time; 0 when the order is by number. */
  readonly timeUs: number;
}

export interface ScanOptions {
  readonly order: Order;
  /** Undefined: from the beginning. */
  readonly after: ScanPlace | undefined;
  /** The first slice; later ones are larger. */
  readonly firstItems: number;
  /** Of each slice's end, milliseconds: a long scan leaves time to others. 0: only a turn. */
  readonly restMs: number;
  readonly signal?: AbortSignal;
}

export interface Slice {
  /** May be none, in a gap between numbers. */
  readonly issues: readonly IssueState[];
  /** Where to go on; undefined at the end. */
  readonly after: ScanPlace | undefined;
}

/** Issues in order, in slices: each is one read, memory does not grow with the list, and between two of them others are served. */
export async function* slices(repo: CorpusRepo, options: ScanOptions): AsyncGenerator<Slice> {
  const { order, firstItems, restMs, signal } = options;
  const read = order.by === 'number' ? byNumber : byTime;
  let { after } = options;
  for (let limit = Math.min(firstItems, SLICE_ITEMS); ; limit = SLICE_ITEMS) {
    signal?.throwIfAborted();
    const slice = read(repo, order, after, limit);
    yield slice;
    if (slice.after === undefined) return;
    after = slice.after;
    await (restMs === 0 ? nextTurn() : setTimeout(restMs));
  }
}

type Reader = (repo: CorpusRepo, order: Order, after: ScanPlace | undefined, limit: number) => Slice;

const byNumber: Reader = (repo, order, after, limit) => {
  if (!order.descending) return upTo(limit, repo.issues({ after: after?.number ?? 0, limit }), order);
  // The corpus reads upward: a window of numbers below the last one, turned round. A gap may leave it empty.
  const end = after?.number ?? repo.maxNumber() + 1;
  const start = Math.max(0, end - 1 - limit);
  const issues = repo.issues({ after: start, limit }).filter(({ number }) => number < end);
  const below = issues.length > 0 ? start : lastBefore(repo, start + 1);
  return { issues: issues.toReversed(), after: below === 0 ? undefined : { number: below + 1, timeUs: 0 } };
};

/** The largest number below `end` that there is; 0: none. However wide the gap, a few reads of one issue. */
function lastBefore(repo: CorpusRepo, end: number): number {
  let [low, high] = [0, end];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const [next] = repo.issues({ after: middle - 1, limit: 1 });
    if (next !== undefined && next.number < end) low = next.number;
    else high = middle;
  }
  return low;
}

const byTime: Reader = (repo, order, after, limit) => {
  const { by, descending } = order;
  if (by === 'number') throw new TypeError('an order by number has no time');
  return upTo(limit, repo.ordered({ by, descending, limit, ...(after && { after }) }), order);
};

/** Fewer than asked for are the last ones. */
function upTo(limit: number, issues: readonly IssueState[], order: Order): Slice {
  const last = issues.length < limit ? undefined : issues.at(-1);
  return { issues, after: last && placeOf(last, order) };
}

export function placeOf(issue: IssueState, { by }: Order): ScanPlace {
  return { number: issue.number, timeUs: by === 'number' ? 0 : timeUs(issue[by]) };
}
