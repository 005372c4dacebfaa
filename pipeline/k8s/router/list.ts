import pLimit from 'p-limit';
import protobuf from 'protobufjs';
import { codeOf } from '../../net/grpc-status.ts';
import { fullName, hashOf, type Repo } from '../supervisor/names.ts';
import { fieldsOf, textOf } from './bytes.ts';
import type { Around } from './calls.ts';
import type { Forward } from './forward.ts';
import { RouteError, routeError } from './status.ts';
import type { Table } from './table.ts';

export const LIST_PATH = '/drghs.v1.IssueService/ListRepositories';

/** Fields of drghs.v1.ListRepositoriesRequest and -Response. */
const REQUEST = { parent: 1, pageSize: 2, pageToken: 3, filter: 4, orderBy: 5 } as const;
const RESPONSE = { repositories: 1, nextPageToken: 2, total: 3, statuses: 100 } as const;
const PAGE_SIZE_MAX = 500;
const WORKER_PAGES_MAX = 20;
/** A worker may hang: the page has the others by then. */
const WORKER_MS_MAX = 10_000;

export interface ListOptions {
  readonly table: () => Table;
  readonly forward: Pick<Forward, 'toRepo'>;
  readonly nowMs: () => number;
  /** Workers asked at once. */
  readonly workersMax: number;
}

/**
 * ListRepositories over all workers at once. One page is so many repositories of the list, in the order of their names, so that only
 * their workers are asked; a filter is the workers' to try, and then a page may be short. Those that did not answer are told in
 * the field 100 (`name`, `code`, `message`), and are no reason for the others to be missing.
 */
export async function listRepositories(
  request: Buffer,
  around: Around,
  options: ListOptions,
): Promise<Buffer> {
  const query = queryOf(request);
  const owned = options
    .table()
    .all()
    .filter(({ owner }) => query.owner === undefined || query.owner === owner);
  const ordered = query.descending ? [...owned].reverse() : owned;
  const rest = ordered.filter((repo) => query.after === undefined || isAfter(fullName(repo), query));
  const page = rest.slice(0, query.pageSize);
  const limit = pLimit(options.workersMax);
  const answers = await Promise.all(page.map((repo) => limit(() => askWorker(repo, query, around, options))));
  const failed = answers.flatMap((answer) => ('error' in answer ? [answer] : []));
  // The request itself is wrong, and each says so.
  const wrong = failed.find(
    ({ error }) => error.status === 'INVALID_ARGUMENT' || error.status === 'UNAUTHENTICATED',
  );
  if (wrong !== undefined) throw wrong.error;
  const writer = protobuf.Writer.create();
  for (const answer of answers)
    if ('bytes' in answer) writer.uint32(tag(RESPONSE.repositories, 2)).bytes(answer.bytes);
  const last = page.at(-1);
  if (last !== undefined && rest.length > page.length)
    writer.uint32(tag(RESPONSE.nextPageToken, 2)).string(tokenOf(query, fullName(last)));
  if (query.filter === '' && owned.length > 0) writer.uint32(tag(RESPONSE.total, 0)).int32(owned.length);
  for (const { repo, error } of failed) {
    writer.uint32(tag(RESPONSE.statuses, 2)).fork();
    writer.uint32(tag(1, 2)).string(fullName(repo));
    writer.uint32(tag(2, 0)).int32(codeOf(error.status));
    writer.uint32(tag(3, 2)).string(error.message).ldelim();
  }
  return Buffer.from(writer.finish());
}

const tag = (number: number, wire: number) => (number << 3) | wire;

/** `left`: the filter left it out. */
type Answer =
  | { readonly repo: Repo; readonly bytes: Uint8Array }
  | { readonly repo: Repo; readonly error: RouteError }
  | { readonly repo: Repo; readonly left: true };

/** The worker's own words about this repository alone: it may serve others, which have their turn. */
async function askWorker(repo: Repo, query: Query, around: Around, options: ListOptions): Promise<Answer> {
  const full = fullName(repo);
  const deadlineMs = Math.min(around.deadlineMs, options.nowMs() + WORKER_MS_MAX);
  try {
    let pageToken = '';
    for (let page = 0; page < WORKER_PAGES_MAX; page += 1) {
      const asked = workerRequest(query, pageToken);
      const answer = await options.forward.toRepo(repo, LIST_PATH, asked, { ...around, deadlineMs });
      const fields = workerAnswer(answer);
      const mine = fields.find(
        ({ number, bytes }) => number === RESPONSE.repositories && bytes && textOf(bytes, 1) === full,
      );
      if (mine?.bytes !== undefined) return { repo, bytes: mine.bytes };
      pageToken = textOf(answer, RESPONSE.nextPageToken);
      if (pageToken === '') break;
    }
    if (query.filter !== '') return { repo, left: true };
    return { repo, error: new RouteError('NOT_FOUND', 'the worker does not serve this repository') };
  } catch (error) {
    return { repo, error: routeError(error) };
  }
}

function workerAnswer(answer: Buffer) {
  try {
    return fieldsOf(answer);
  } catch (cause) {
    throw new RouteError('INTERNAL', 'the worker answered with what is no message', { cause });
  }
}

function workerRequest({ filter }: Query, pageToken: string): Buffer {
  const writer = protobuf.Writer.create().uint32(tag(REQUEST.pageSize, 0)).int32(PAGE_SIZE_MAX);
  if (pageToken !== '') writer.uint32(tag(REQUEST.pageToken, 2)).string(pageToken);
  if (filter !== '') writer.uint32(tag(REQUEST.filter, 2)).string(filter);
  return Buffer.from(writer.finish());
}

interface Query {
  readonly owner: string | undefined;
  readonly pageSize: number;
  readonly filter: string;
  readonly descending: boolean;
  /** Name of the last one of the page before. */
  readonly after: string | undefined;
}

function queryOf(request: Buffer): Query {
  const parent = textOf(request, REQUEST.parent)
    .replace(/^owners\//, '')
    .replace(/\/.*$/s, '');
  const asked = pageSizeOf(request);
  const query = {
    owner: ['', '-', '*'].includes(parent) ? undefined : parent,
    pageSize: asked >= 1 && asked <= PAGE_SIZE_MAX ? asked : PAGE_SIZE_MAX,
    filter: textOf(request, REQUEST.filter),
    descending: isDescending(textOf(request, REQUEST.orderBy)),
  };
  const token = textOf(request, REQUEST.pageToken);
  return { ...query, after: token === '' ? undefined : readToken(query, token) };
}

function pageSizeOf(request: Buffer): number {
  return fieldsOf(request).findLast(({ number }) => number === REQUEST.pageSize)?.value ?? 0;
}

function isDescending(orderBy: string): boolean {
  const found = /^\s*(?:name(?:\s+(asc|desc))?)?\s*$/i.exec(orderBy);
  if (found === null) throw new RouteError('INVALID_ARGUMENT', 'order_by: give name or name desc');
  return found[1]?.toLowerCase() === 'desc';
}

function isAfter(name: string, { after = '', descending }: Query): boolean {
  return descending ? name < after : name > after;
}

type Asked = Omit<Query, 'after' | 'pageSize'>;

/** Where to go on, and for which request: any router with any list can read it. It says nothing that is secret. */
function tokenOf(query: Asked, last: string): string {
  return Buffer.from(JSON.stringify([markOf(query), last])).toString('base64url');
}

function readToken(query: Asked, token: string): string {
  try {
    const [mark, last] = JSON.parse(Buffer.from(token, 'base64').toString()) as readonly unknown[];
    if (mark === markOf(query) && typeof last === 'string') return last;
  } catch {
    // As below.
  }
  throw new RouteError('INVALID_ARGUMENT', 'page_token is not of this list: begin again without one');
}

function markOf({ owner, filter, descending }: Asked): string {
  return hashOf(JSON.stringify([owner ?? null, filter, descending])).slice(0, 12);
}
