import type { Database } from 'better-sqlite3';
import {
  type PartKind,
  type PartLists,
  type Parts,
  readCommits,
  readParts,
  writeParts,
} from '../records/mutation/codec-split.ts';
import { mergeComment } from '../records/mutation/merge-parts.ts';
import type {
  Comment,
  IssueEvent,
  IssueExtension,
  Review,
  ReviewComment,
  Timestamp,
  User,
} from '../records/mutation/types.ts';
import { openPartRows, PART_KINDS, type PartRows } from './corpus-part-rows.ts';
import type { Beside, PartCounts } from './corpus-types.ts';

type UserOf = (id: bigint) => User;

/** What lies beside an issue's state: its text, comments, events, reviews. `issue` is its key. */
export interface PartStore {
  putText(issue: number, text: string): void;
  /** What a mutation says beside the state, then what its extension takes back. */
  apply(issue: number, said: Parts | undefined, extension: IssueExtension | undefined): void;
  comments(issue: number, userOf: UserOf): readonly Comment[];
  comment(issue: number, id: bigint, userOf: UserOf): Comment | undefined;
  events(issue: number): readonly IssueEvent[];
  reviews(issue: number): readonly Review[];
  reviewComments(issue: number, userOf: UserOf): readonly ReviewComment[];
  beside(issue: number, withComments: boolean, userOf: UserOf): Beside;
  /** How many the issues with keys in between have, both included. */
  counts(first: number, last: number): PartCounts;
  /** Drops those of the issues with keys in between, both included. */
  clear(first: number, last: number): void;
}

const KINDS = Object.keys(PART_KINDS) as readonly PartKind[];

/**
 * Rows that say again what others said are thrown together when there are so many, and half of what they say is old: an issue whose
 * one comment a robot writes anew each hour stays quick to read. It is looked at one time in so many, for a look reads them all.
 */
const ROWS_BEFORE_A_LOOK = 32;
const ROWS_BETWEEN_LOOKS = 16;

export function openParts(db: Database): PartStore {
  const putText = db.prepare('INSERT OR REPLACE INTO corpus_text(issue, text) VALUES (?, ?)');
  const clearTexts = db.prepare('DELETE FROM corpus_text WHERE issue BETWEEN ? AND ?');
  const rows = openPartRows(db);
  return {
    putText: (issue, text) => void putText.run(issue, text),
    apply: (issue, said, extension) => {
      if (said !== undefined) add(rows, issue, said);
      if (extension !== undefined) takeBack(rows, issue, extension);
    },
    comments: (issue, userOf) =>
      valuesOf(read(rows, issue, 'comments'))
        .map((item) => named(item, userOf))
        .sort(byTime),
    comment: (issue, id, userOf) => {
      const found = read(rows, issue, 'comments').get(id);
      return found && named(found, userOf);
    },
    events: (issue) =>
      valuesOf(read(rows, issue, 'events'))
        .map(nameOnly)
        .sort(byTime),
    reviews: (issue) => valuesOf(read(rows, issue, 'reviews')).sort(byTime),
    reviewComments: (issue, userOf) =>
      valuesOf(read(rows, issue, 'reviewComments'))
        .map((item) => named(item, userOf))
        .sort(byTime),
    beside: (issue, withComments, userOf) => besideOf(rows.every(issue, withComments), userOf),
    counts: (first, last) => countAll(rows, first, last),
    clear: (first, last) => {
      clearTexts.run(first, last);
      rows.clear(first, last);
    },
  };
}

function add(rows: PartRows, issue: number, { lists }: Parts): void {
  for (const kind of KINDS) {
    const data = lists[kind];
    if (data === undefined) continue;
    const row = rows.add(issue, kind, data);
    if (row % ROWS_BETWEEN_LOOKS === 0 && rows.count(issue, kind) > ROWS_BEFORE_A_LOOK)
      throwTogether(rows, issue, kind);
  }
}

function throwTogether(rows: PartRows, issue: number, kind: PartKind): void {
  const all = rows.all(issue, kind);
  const said = all.reduce((sum, data) => sum + readParts(kind, data).length, 0);
  const items = merged(kind, all);
  if (items.size <= said / 2) write(rows, issue, kind, items);
}

function takeBack(rows: PartRows, issue: number, extension: IssueExtension): void {
  const { emptiedComments = [], deletedComments = [], deletedReviewComments = [] } = extension;
  if (emptiedComments.length > 0 || deletedComments.length > 0) {
    const items = read(rows, issue, 'comments');
    for (const id of emptiedComments) {
      const before = items.get(id);
      if (before !== undefined) items.set(id, { ...before, body: undefined });
    }
    for (const id of deletedComments) items.delete(id);
    write(rows, issue, 'comments', items);
  }
  if (deletedReviewComments.length === 0) return;
  const items = read(rows, issue, 'reviewComments');
  for (const id of deletedReviewComments) items.delete(id);
  write(rows, issue, 'reviewComments', items);
}

type Item<K extends PartKind> = PartLists[K][number];

function write<K extends PartKind>(
  rows: PartRows,
  issue: number,
  kind: K,
  items: Map<bigint, Item<K>>,
): void {
  const list = [...items.values()] as unknown as PartLists[K];
  rows.replace(issue, kind, list.length === 0 ? undefined : writeParts(kind, list));
}

function read<K extends PartKind>(rows: PartRows, issue: number, kind: K): Map<bigint, Item<K>> {
  return merged(kind, rows.all(issue, kind));
}

function besideOf(rows: ReturnType<PartRows['every']>, userOf: UserOf): Beside {
  const of = (kind: PartKind) => rows.filter((row) => row.kind === PART_KINDS[kind]).map(({ data }) => data);
  return {
    comments: () =>
      valuesOf(merged('comments', of('comments')))
        .map((item) => named(item, userOf))
        .sort(byTime),
    commits: () => valuesOf(lastOf(of('events'), readCommits)).sort(byTime),
    reviews: () => valuesOf(merged('reviews', of('reviews'))).sort(byTime),
  };
}

/** What rows add up to. */
function merged<K extends PartKind>(kind: K, rows: readonly Uint8Array[]): Map<bigint, Item<K>> {
  const join = kind === 'comments' ? joinComments : undefined;
  return lastOf(rows, (data) => readParts(kind, data), join as Join<Item<K>> | undefined);
}

type Join<T> = (before: T | undefined, said: T) => T;

/** Most are said once, and are as they are read. */
const joinComments: Join<Comment> = (before, said) =>
  before === undefined && said.body !== '' ? said : mergeComment(before, said);

/** By id, the last one that was said of each. Items that do not say which one they are are none. */
function lastOf<T extends { readonly id: bigint }>(
  rows: readonly Uint8Array[],
  readRow: (data: Uint8Array) => readonly T[],
  join?: Join<T>,
): Map<bigint, T> {
  const items = new Map<bigint, T>();
  for (const row of rows) {
    for (const item of readRow(row)) {
      if (item.id === 0n) continue;
      items.set(item.id, join === undefined ? item : join(items.get(item.id), item));
    }
  }
  return items;
}

function countAll(rows: PartRows, first: number, last: number): PartCounts {
  const counts = { comments: 0, events: 0, reviews: 0, reviewComments: 0 };
  const ids = new Set<bigint>();
  let at = { issue: 0, kind: 0 };
  for (const { issue, kind: number, data } of rows.between(first, last)) {
    if (issue !== at.issue || number !== at.kind) ids.clear();
    at = { issue, kind: number };
    const kind = KINDS.find((name) => PART_KINDS[name] === number);
    if (kind === undefined) continue;
    for (const { id } of readParts(kind, data)) {
      if (id === 0n || ids.has(id)) continue;
      ids.add(id);
      counts[kind] += 1;
    }
  }
  return counts;
}

function valuesOf<T>(items: Map<bigint, T>): T[] {
  return [...items.values()];
}

/** By the login that was seen last; in place, for it was just read. */
function named<T extends { readonly user?: User | undefined }>(item: T, userOf: UserOf): T {
  return item.user === undefined ? item : Object.assign(item, { user: userOf(item.user.id) });
}

/** Of labels and milestones events say the name: ids in them are none of the repository's. */
function nameOnly(event: IssueEvent): IssueEvent {
  const { label, milestone } = event;
  if (label === undefined && milestone === undefined) return event;
  return {
    ...event,
    ...(label && { label: { id: 0n, name: label.name ?? '' } }),
    ...(milestone && { milestone: { id: 0n, title: milestone.title ?? '' } }),
  };
}

interface Dated {
  readonly id: bigint;
  readonly created?: Timestamp | undefined;
}

/** By time, then id; those without a time first. */
function byTime(a: Dated, b: Dated): number {
  const seconds = secondsOf(a) - secondsOf(b);
  if (seconds !== 0 && !Number.isNaN(seconds)) return seconds;
  const nanos = (a.created?.nanos ?? 0) - (b.created?.nanos ?? 0);
  if (nanos !== 0) return nanos;
  return a.id < b.id ? -1 : 1;
}

function secondsOf({ created }: Dated): number {
  return created?.seconds ?? Number.NEGATIVE_INFINITY;
}
