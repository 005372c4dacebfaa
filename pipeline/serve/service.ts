import { setImmediate as nextTurn } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { CorpusRepo, IssueState } from '../store/corpus-types.ts';
import type { Filter, Filters } from './filter.ts';
import { celComment } from './filter-types.ts';
import { commentMessage, issueMessages } from './issue-message.ts';
import { type Mask, maskOf } from './mask.ts';
import type {
  GetIssueRequest,
  GetIssueResponse,
  IssueMessage,
  IssueView,
  ListIssuesRequest,
  ListIssuesResponse,
  ListRepositoriesRequest,
  ListRepositoriesResponse,
} from './messages.ts';
import { issueNumberOf, parentOf } from './names.ts';
import { type Order, orderOf } from './order.ts';
import { type Page, pageSize, readPage } from './page.ts';
import { listRepositories } from './repositories.ts';
import { placeOf } from './scan.ts';
import type { Served, ServedRepo } from './served.ts';
import { Refusal } from './status.ts';
import type { PagePlace, PageTokens } from './token.ts';

const PAGE_MS = 1_000;
const COUNT_MS = 1_000;
/** Texts of one page: with what is around them it stays under the 4 MiB that gRPC clients take. A single issue may have more. */
const PAGE_BYTES_MAX = 3 * 2 ** 20;
const LISTS_AT_ONCE = 8;
const SCANS_AT_ONCE = 2;
const WAITING_MAX = 200;

export interface CallOptions {
  /** The client is gone. */
  readonly signal?: AbortSignal;
}

/** `drghs.v1.IssueService`, whatever it is asked through. Throws `Refusal`. */
export interface IssueService {
  listRepositories(request: ListRepositoriesRequest): ListRepositoriesResponse;
  listIssues(request: ListIssuesRequest, options?: CallOptions): Promise<ListIssuesResponse>;
  getIssue(request: GetIssueRequest): GetIssueResponse;
}

export interface ServiceOptions {
  readonly served: Served;
  readonly filters: Filters;
  readonly tokens: PageTokens;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  /** How long a page may take, and counting beyond it; in milliseconds. */
  readonly limits?: { readonly pageMs?: number; readonly countMs?: number };
}

export function issueService(options: ServiceOptions): IssueService {
  const lists = { plain: pLimit(LISTS_AT_ONCE), filtered: pLimit(SCANS_AT_ONCE) };
  return {
    listRepositories: (request) => listRepositories(request, options),
    listIssues: (request, call = {}) => {
      // Those that look at many issues wait for each other, and nobody else for them.
      const limit = (request.filter ?? '') === '' ? lists.plain : lists.filtered;
      if (limit.pendingCount >= WAITING_MAX)
        throw new Refusal('RESOURCE_EXHAUSTED', 'too many lists are asked for at once: try again');
      return limit(() => listIssues(request, options, call));
    },
    getIssue: (request) => getIssue(request, options),
  };
}

/** The repository, when its log is in the corpus. */
export function readyRepo(served: Served, parent: string): ServedRepo {
  const { owner, name } = parentOf(parent);
  const repo = served.find(owner, name);
  if (repo === undefined)
    throw new Refusal('NOT_FOUND', `repository ${owner}/${name} is not tracking issues`);
  const { ready, detail } = repo.state();
  if (!ready) throw new Refusal('UNAVAILABLE', `repository ${owner}/${name} is not ready: ${detail}`);
  return repo;
}

async function listIssues(
  request: ListIssuesRequest,
  options: ServiceOptions,
  call: CallOptions,
): Promise<ListIssuesResponse> {
  const { served, filters, tokens, monotonicMs } = options;
  const { repo } = readyRepo(served, request.parent ?? '');
  const { closed, pullRequest, filter = '', pageToken = '' } = request;
  const order = orderOf(request.orderBy ?? '');
  const view = viewOf(request, repo, options);
  const identity = ['issues', repo.owner, repo.name, filter, order.by, order.descending];
  const query = [...identity, closed ?? null, pullRequest ?? null];
  const place = pageToken === '' ? undefined : samePlace(repo, tokens.read(query, pageToken));
  const first = place ?? firstPlace(repo, options);
  const page = await readPage(
    repo,
    {
      query: { closed, pullRequest, order, filter: filters.compile('issue', filter), nowMs: first.startedMs },
      after: place === undefined ? undefined : { number: Number(place.after), timeUs: place.timeUs },
      size: pageSize(request.pageSize),
      count: place === undefined,
    },
    { logins: served.logins, monotonicMs, ...limitsOf(options), ...call },
  );
  const total = place?.total ?? page.total;
  const { issues, next } = await fitting(page, view, order);
  return {
    issues,
    ...(total > 0 && { total }),
    ...(next && {
      nextPageToken: tokens.write(query, { ...first, total, after: next.number, timeUs: next.timeUs }),
    }),
  };
}

/** As many as one message may hold, but one at least. */
async function fitting(page: Page, view: (issue: IssueState) => IssueMessage, order: Order) {
  const issues: IssueMessage[] = [];
  let bytes = 0;
  for (const [at, issue] of page.issues.entries()) {
    if (at % VIEWED_AT_ONCE === VIEWED_AT_ONCE - 1) await nextTurn();
    const message = view(issue);
    bytes += sizeOf(message);
    const before = page.issues[at - 1];
    if (before !== undefined && bytes > PAGE_BYTES_MAX) return { issues, next: placeOf(before, order) };
    issues.push(message);
  }
  return { issues, next: page.next };
}

/** A few milliseconds, after which others have their turn. */
const VIEWED_AT_ONCE = 50;
const OTHER_BYTES = 400;

/** About: texts, and a little for all else. */
function sizeOf({ body = '', title = '', comments = [], reviews = [] }: IssueMessage): number {
  const texts = [body, title, ...[...comments, ...reviews].map((part) => part.body ?? '')];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), OTHER_BYTES * texts.length);
}

function limitsOf({ limits: { pageMs = PAGE_MS, countMs = COUNT_MS } = {} }: ServiceOptions) {
  return { pageMs, countMs };
}

function firstPlace(repo: CorpusRepo, { nowMs }: ServiceOptions): PagePlace {
  const { segment, offset } = repo.position() ?? { segment: 0, offset: 0 };
  return { after: 0, timeUs: 0, segment, offset, startedMs: nowMs(), total: 0 };
}

/** A log only grows: one that is shorter than when the list began is another one. */
function samePlace(repo: CorpusRepo, place: PagePlace): PagePlace {
  const now = repo.position() ?? { segment: 0, offset: 0 };
  if (now.segment > place.segment || (now.segment === place.segment && now.offset >= place.offset))
    return place;
  throw new Refusal(
    'INVALID_ARGUMENT',
    `page_token: the log of ${repo.owner}/${repo.name} was replaced since this list began. Begin again without one.`,
  );
}

function getIssue(request: GetIssueRequest, options: ServiceOptions): GetIssueResponse {
  const name = request.name ?? '';
  const { repo } = readyRepo(options.served, name);
  const number = issueNumberOf(name);
  const issue = number === undefined ? undefined : repo.issue(number);
  if (issue === undefined || issue.notExist)
    throw new Refusal('NOT_FOUND', `there is no issue ${name.slice(0, 200)}`);
  return { issue: viewOf(request, repo, options)(issue) };
}

function viewOf(
  view: IssueView,
  repo: CorpusRepo,
  options: ServiceOptions,
): (issue: IssueState) => IssueMessage {
  const { served, filters, nowMs } = options;
  const mask = maskOf(view);
  const filter = filters.compile('comment', view.commentFilter ?? '', 'comment_filter');
  if (filter === undefined || !mask.has('comments')) return issueMessages(repo, served.logins, mask);
  const rest: Mask = { has: (field) => field !== 'comments' && mask.has(field) };
  const message = issueMessages(repo, served.logins, rest);
  return (issue) => ({
    ...message(issue),
    comments: someComments(issue, repo, { filter, nowMs: nowMs(), served }),
  });
}

function someComments(
  issue: IssueState,
  repo: CorpusRepo,
  { filter, nowMs, served }: { readonly filter: Filter; readonly nowMs: number; readonly served: Served },
) {
  const comments = repo.comments(issue.number).map((comment) => commentMessage(comment, served.logins));
  return filter.matching(comments, celComment, nowMs);
}
