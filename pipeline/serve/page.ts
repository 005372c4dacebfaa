import type { CorpusRepo, IssueState } from '../store/corpus-types.ts';
import type { Filter } from './filter.ts';
import { celIssue } from './filter-types.ts';
import { issueMessages, type Logins } from './issue-message.ts';
import type { IssueMessage } from './messages.ts';
import type { Order } from './order.ts';
import { placeOf, type ScanPlace, slices } from './scan.ts';

const PAGE_SIZE_MAX = 500;
const REST_MS = 2;

/** Out of range is the most there may be, as in the original. */
export function pageSize(asked = 0): number {
  return asked >= 1 && asked <= PAGE_SIZE_MAX ? asked : PAGE_SIZE_MAX;
}

/** Which issues are asked for. */
export interface IssueQuery {
  readonly closed: boolean | undefined;
  readonly pullRequest: boolean | undefined;
  readonly filter: Filter | undefined;
  readonly order: Order;
  /** What `now` is in the filter, milliseconds since the epoch. */
  readonly nowMs: number;
}

export interface PageRequest {
  readonly query: IssueQuery;
  readonly after: ScanPlace | undefined;
  readonly size: number;
  /** How many match in all is asked for too. */
  readonly count: boolean;
}

export interface Page {
  readonly issues: readonly IssueState[];
  /** Undefined: there is no more. */
  readonly next: ScanPlace | undefined;
  /** 0: not asked for, or counting them would take too long. */
  readonly total: number;
}

export interface PageOptions {
  readonly logins: Logins;
  readonly monotonicMs: () => number;
  /** A page that would take longer ends early, with a token: it may even be empty. */
  readonly pageMs: number;
  /** For counting, beyond that. */
  readonly countMs: number;
  readonly signal?: AbortSignal;
}

/** One page. A filter is tried slice by slice, in bounded time. */
export async function readPage(repo: CorpusRepo, request: PageRequest, options: PageOptions): Promise<Page> {
  const { query, after, size, count } = request;
  const { order, filter } = query;
  const { logins, signal, monotonicMs, pageMs, countMs } = options;
  const total = count && filter === undefined ? repo.count(whichOf(query)) : 0;
  // Only a look at each of them says how many a filter matches.
  const counts = count && filter !== undefined;
  const beganMs = monotonicMs();
  const found: IssueState[] = [];
  let next: ScanPlace | undefined;
  let matched = 0;
  for await (const slice of slices(repo, {
    order,
    after,
    firstItems: size + 1,
    restMs: filter === undefined ? 0 : REST_MS,
    ...(signal && { signal }),
  })) {
    const fit = matching(repo, slice.issues, query, logins);
    matched += fit.length;
    const room = size - found.length;
    found.push(...fit.slice(0, room));
    // One is left over: the next page begins behind the last of this one.
    if (fit.length > room) next ??= endOf(found, order);
    if (next !== undefined && !counts) break;
    if (slice.after === undefined) return { issues: found, next, total: counts ? matched : total };
    const full = found.length === size;
    if (monotonicMs() - beganMs <= pageMs + (counts && full ? countMs : 0)) continue;
    next ??= full ? endOf(found, order) : slice.after;
    break;
  }
  return { issues: found, next, total };
}

function endOf(found: readonly IssueState[], order: Order): ScanPlace | undefined {
  const last = found.at(-1);
  return last === undefined ? undefined : placeOf(last, order);
}

function matching(
  repo: CorpusRepo,
  slice: readonly IssueState[],
  { closed, pullRequest, filter, nowMs }: IssueQuery,
  logins: Logins,
): readonly IssueState[] {
  const rough = slice.filter(
    (issue) =>
      !issue.notExist &&
      (closed === undefined || issue.closed === closed) &&
      (pullRequest === undefined || issue.pullRequest === pullRequest),
  );
  if (filter === undefined) return rough;
  // Only what it names: a filter on titles reads no comments.
  const mask = { has: (field: keyof IssueMessage) => filter.mentions(snakeCase(field)) };
  const message = issueMessages(repo, logins, mask);
  return filter.matching(rough, (issue) => celIssue(message(issue)), nowMs);
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function whichOf({ closed, pullRequest }: IssueQuery) {
  return { ...(closed !== undefined && { closed }), ...(pullRequest !== undefined && { pullRequest }) };
}
