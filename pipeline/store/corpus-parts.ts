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

const TEXT = 0;
const COMMENT = 1;
const EVENT = 2;
const REVIEW = 3;
const REVIEW_COMMENT = 4;

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
  /** Drops those of the issues with keys in between, both included. */
  clear(first: number, last: number): void;
}

interface PartRow {
  readonly id: bigint;
  readonly data: string;
}

export function openParts(db: Database): PartStore {
  const put = db.prepare('INSERT OR REPLACE INTO corpus_part(issue, kind, id, data) VALUES (?, ?, ?, ?)');
  const get = db
    .prepare<[number, number, bigint], string>(
      'SELECT data FROM corpus_part WHERE issue = ? AND kind = ? AND id = ?',
    )
    .pluck();
  const all = db
    .prepare<[number, number], PartRow>('SELECT id, data FROM corpus_part WHERE issue = ? AND kind = ?')
    .safeIntegers();
  const remove = db.prepare('DELETE FROM corpus_part WHERE issue = ? AND kind = ? AND id = ?');
  const clear = db.prepare('DELETE FROM corpus_part WHERE issue BETWEEN ? AND ?');
  const nobody: UserOf = (id) => ({ id });
  const comment = (issue: number, id: bigint, userOf: UserOf) => {
    const json = get.get(issue, COMMENT, id);
    return json === undefined ? undefined : readComment(id, json, userOf);
  };
  const putComment = (issue: number, said: Comment) => {
    const known = isWholeComment(said) ? undefined : comment(issue, said.id, nobody);
    put.run(issue, COMMENT, said.id, commentJson(mergeComment(known, said)));
  };
  const emptyComment = (issue: number, id: bigint) => {
    const known = comment(issue, id, nobody);
    if (known !== undefined) put.run(issue, COMMENT, id, commentJson({ ...known, body: undefined }));
  };
  return {
    putText: (issue, text) => void put.run(issue, TEXT, 0, text),
    apply: (issue, { comments, events, reviews, samovar }) => {
      for (const item of known(comments)) putComment(issue, item);
      for (const item of known(events)) put.run(issue, EVENT, item.id, eventJson(item));
      for (const item of known(reviews)) put.run(issue, REVIEW, item.id, reviewJson(item));
      if (samovar === undefined) return;
      for (const item of known(samovar.reviewComments))
        put.run(issue, REVIEW_COMMENT, item.id, reviewCommentJson(item));
      for (const id of samovar.emptiedComments ?? []) emptyComment(issue, id);
      for (const id of samovar.deletedComments ?? []) remove.run(issue, COMMENT, id);
      for (const id of samovar.deletedReviewComments ?? []) remove.run(issue, REVIEW_COMMENT, id);
    },
    comments: (issue, userOf) =>
      all
        .all(issue, COMMENT)
        .map(({ id, data }) => readComment(id, data, userOf))
        .sort(byTime),
    comment,
    events: (issue) =>
      all
        .all(issue, EVENT)
        .map(({ id, data }) => readEvent(id, data))
        .sort(byTime),
    reviews: (issue) =>
      all
        .all(issue, REVIEW)
        .map(({ id, data }) => readReview(id, data))
        .sort(byTime),
    reviewComments: (issue, userOf) =>
      all
        .all(issue, REVIEW_COMMENT)
        .map(({ id, data }) => readReviewComment(id, data, userOf))
        .sort(byTime),
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
