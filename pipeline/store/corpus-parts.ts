import type { Database } from 'better-sqlite3';
import { isWholeComment, mergeComment } from '../records/mutation/merge-parts.ts';
import type {
  Comment,
  GithubIssueMutation,
  IssueEvent,
  Review,
  ReviewComment,
  Timestamp,
  User,
} from '../records/mutation/types.ts';
import {
  commentJson,
  eventJson,
  readComment,
  readEvent,
  readReview,
  readReviewComment,
  reviewCommentJson,
  reviewJson,
} from './corpus-part-json.ts';
import type { PartCounts } from './corpus-types.ts';

type UserOf = (id: bigint) => User;

/** What lies beside an issue's state: its text, comments, events, reviews. `issue` is its key. */
export interface PartStore {
  putText(issue: number, text: string): void;
  /** All of a mutation but what is in the issue's state. */
  apply(issue: number, mutation: GithubIssueMutation): void;
  comments(issue: number, userOf: UserOf): readonly Comment[];
  comment(issue: number, id: bigint, userOf: UserOf): Comment | undefined;
  events(issue: number): readonly IssueEvent[];
  reviews(issue: number): readonly Review[];
  reviewComments(issue: number, userOf: UserOf): readonly ReviewComment[];
  /** How many the issues with keys in between have, both included. */
  counts(first: number, last: number): PartCounts;
  /** Drops those of the issues with keys in between, both included. */
  clear(first: number, last: number): void;
}

interface PartRow {
  readonly id: bigint;
  readonly data: string;
}

const nobody: UserOf = (id) => ({ id });

export function openParts(db: Database): PartStore {
  const putText = db.prepare('INSERT OR REPLACE INTO corpus_text(issue, text) VALUES (?, ?)');
  const clearTexts = db.prepare('DELETE FROM corpus_text WHERE issue BETWEEN ? AND ?');
  const comments = partTable(db, 'corpus_comment');
  const events = partTable(db, 'corpus_event');
  const reviews = partTable(db, 'corpus_review');
  const reviewComments = partTable(db, 'corpus_review_comment');
  const comment = (issue: number, id: bigint, userOf: UserOf) => {
    const json = comments.get(issue, id);
    return json === undefined ? undefined : readComment(id, json, userOf);
  };
  const putComment = (issue: number, said: Comment) => {
    const before = isWholeComment(said) ? undefined : comment(issue, said.id, nobody);
    comments.put(issue, said.id, commentJson(mergeComment(before, said)));
  };
  const emptyComment = (issue: number, id: bigint) => {
    const before = comment(issue, id, nobody);
    if (before !== undefined) comments.put(issue, id, commentJson({ ...before, body: undefined }));
  };
  return {
    putText: (issue, text) => void putText.run(issue, text),
    apply: (issue, mutation) => {
      for (const item of known(mutation.comments)) putComment(issue, item);
      for (const item of known(mutation.events)) events.put(issue, item.id, eventJson(item));
      for (const item of known(mutation.reviews)) reviews.put(issue, item.id, reviewJson(item));
      const { samovar } = mutation;
      if (samovar === undefined) return;
      for (const item of known(samovar.reviewComments))
        reviewComments.put(issue, item.id, reviewCommentJson(item));
      for (const id of samovar.emptiedComments ?? []) emptyComment(issue, id);
      for (const id of samovar.deletedComments ?? []) comments.remove(issue, id);
      for (const id of samovar.deletedReviewComments ?? []) reviewComments.remove(issue, id);
    },
    comments: (issue, userOf) =>
      comments.all(issue, (id, json) => readComment(id, json, userOf)).toSorted(byTime),
    comment,
    events: (issue) => events.all(issue, readEvent).toSorted(byTime),
    reviews: (issue) => reviews.all(issue, readReview).toSorted(byTime),
    reviewComments: (issue, userOf) =>
      reviewComments.all(issue, (id, json) => readReviewComment(id, json, userOf)).toSorted(byTime),
    counts: (first, last) => ({
      comments: comments.count(first, last),
      events: events.count(first, last),
      reviews: reviews.count(first, last),
      reviewComments: reviewComments.count(first, last),
    }),
    clear: (first, last) => {
      clearTexts.run(first, last);
      for (const table of [comments, events, reviews, reviewComments]) table.clear(first, last);
    },
  };
}

interface PartTable {
  put(issue: number, id: bigint, json: string): void;
  get(issue: number, id: bigint): string | undefined;
  all<T>(issue: number, read: (id: bigint, json: string) => T): readonly T[];
  remove(issue: number, id: bigint): void;
  count(first: number, last: number): number;
  clear(first: number, last: number): void;
}

function partTable(db: Database, table: string): PartTable {
  const put = db.prepare(`INSERT OR REPLACE INTO ${table}(issue, id, data) VALUES (?, ?, ?)`);
  const get = db
    .prepare<[number, bigint], string>(`SELECT data FROM ${table} WHERE issue = ? AND id = ?`)
    .pluck();
  const all = db.prepare<[number], PartRow>(`SELECT id, data FROM ${table} WHERE issue = ?`).safeIntegers();
  const remove = db.prepare(`DELETE FROM ${table} WHERE issue = ? AND id = ?`);
  const count = db
    .prepare<[number, number], number>(`SELECT count(*) FROM ${table} WHERE issue BETWEEN ? AND ?`)
    .pluck();
  const clear = db.prepare(`DELETE FROM ${table} WHERE issue BETWEEN ? AND ?`);
  return {
    put: (issue, id, json) => void put.run(issue, id, json),
    get: (issue, id) => get.get(issue, id),
    all: (issue, read) => all.all(issue).map(({ id, data }) => read(id, data)),
    remove: (issue, id) => void remove.run(issue, id),
    count: (first, last) => count.get(first, last) ?? 0,
    clear: (first, last) => void clear.run(first, last),
  };
}

/** Those that say which one they are. */
function known<T extends { readonly id: bigint }>(items: readonly T[] | undefined): readonly T[] {
  return items?.filter(({ id }) => id !== 0n) ?? [];
}

interface Dated {
  readonly id: bigint;
  readonly created?: Timestamp;
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
