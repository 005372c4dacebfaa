import type { Database } from 'better-sqlite3';
import type { Parts } from '../records/mutation/codec-split.ts';
import type { IssueState } from '../records/mutation/issue-state.ts';
import { mergeIssue, newBody } from '../records/mutation/merge.ts';
import { isOnlyParts, usersOf } from '../records/mutation/merge-parts.ts';
import type { GithubIssueMutation, GithubMutation, Timestamp } from '../records/mutation/types.ts';
import {
  type IssueRow,
  issueKey,
  kindOf,
  NAMELESS,
  readIssue,
  stateJson,
  timeUs,
} from './corpus-issue-json.ts';
import type { NameStore } from './corpus-names.ts';
import type { PartStore } from './corpus-parts.ts';

/** Issues whose new state is not yet written. More would only cost memory: their texts are not among it. */
const OPEN_ISSUES_MAX = 4_096;

/** Mutations of one repository being applied, in one transaction. An issue's state is written once, however often it changes. */
export interface Batch {
  /** `parts`: what it says beside the state, which the mutation itself is without. */
  issue(mutation: GithubIssueMutation, parts: Parts | undefined): void;
  repo(mutation: GithubMutation): void;
  /** Writes what is still open. */
  end(): void;
}

/** Opens a batch for the repository with that id. */
export type StartBatch = (repo: number) => Batch;

interface OpenIssue {
  readonly key: number;
  /** As it is in the database; undefined: not there. */
  readonly stored: IssueState | undefined;
  state: IssueState;
}

export function openBatches(db: Database, names: NameStore, parts: PartStore): StartBatch {
  const sql = statements(db);
  return (repo) => {
    const open = new Map<number, OpenIssue>();
    const counts = new Map<number, number>();
    const writer = names.writer(repo);
    const find = (number: number): IssueState | undefined => {
      const row = sql.get.get(issueKey(repo, number));
      return row === undefined ? undefined : readIssue(row, NAMELESS);
    };
    const change = (mutation: GithubIssueMutation, latest: Timestamp | undefined) => {
      const { number } = mutation;
      const opened = open.get(number);
      if (opened !== undefined) {
        opened.state = mergeIssue(opened.state, mutation, latest);
        return opened.key;
      }
      const key = issueKey(repo, number);
      if (isOnlyParts(mutation) && advance(sql, key, mutation, latest)) return key;
      if (open.size >= OPEN_ISSUES_MAX) write();
      const stored = find(number);
      open.set(number, { key, stored, state: mergeIssue(stored, mutation, latest) });
      return key;
    };
    const write = () => {
      // In order of number, so that neighbours in the log are neighbours in the table.
      for (const issue of open.values()) writeIssue(sql, repo, issue, counts);
      for (const [kind, more] of counts) if (more !== 0) sql.count.run(repo, kind, more);
      open.clear();
      counts.clear();
    };
    return {
      issue: (mutation, said) => {
        const key = change(mutation, said?.latest);
        if (mutation.notExist === true) return;
        const text = newBody(mutation);
        if (text !== undefined) parts.putText(key, text);
        for (const user of usersOf(mutation)) writer.user(user);
        for (const user of said?.users ?? []) writer.user(user);
        for (const label of mutation.addLabels ?? []) writer.label(label);
        const { milestoneId: id, milestoneTitle: title, milestoneNum: milestone, noMilestone } = mutation;
        if (id !== undefined && noMilestone !== true) writer.milestone({ id, title, number: milestone });
        parts.apply(key, said, mutation.samovar);
      },
      repo: ({ labels = [], milestones = [], samovar }) => {
        for (const label of labels) writer.label(label);
        for (const milestone of milestones) writer.milestone(milestone);
        for (const id of samovar?.deletedLabels ?? []) writer.removeLabel(id);
        for (const id of samovar?.deletedMilestones ?? []) writer.removeMilestone(id);
        if (samovar?.state !== undefined) sql.condition.run(samovar.state, samovar.renamedTo ?? null, repo);
      },
      end: write,
    };
  };
}

type Statements = ReturnType<typeof statements>;

function statements(db: Database) {
  return {
    get: db.prepare<[number], IssueRow>(
      'SELECT key, kind, comments_us, events_us, reviews_us, event_max_us, title, state, NULL AS body FROM corpus_issue WHERE key = ?',
    ),
    add: db.prepare(
      'INSERT INTO corpus_issue(key, repo, kind, created_us, updated_us, closed_us, comments_us, events_us, reviews_us, event_max_us, title, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    // An index is written only where its column is named.
    set: db.prepare(
      'UPDATE corpus_issue SET kind = ?, comments_us = ?, events_us = ?, reviews_us = ?, event_max_us = ?, title = ?, state = ? WHERE key = ?',
    ),
    // Not of a tombstone: that is taken back, which is more than this.
    advance: db.prepare(
      `UPDATE corpus_issue SET comments_us = ifnull(?, comments_us), events_us = ifnull(?, events_us),
       reviews_us = ifnull(?, reviews_us), event_max_us = max(event_max_us, ?) WHERE key = ? AND kind & 1 = 0`,
    ),
    setUpdated: db.prepare('UPDATE corpus_issue SET updated_us = ? WHERE key = ?'),
    setClosed: db.prepare('UPDATE corpus_issue SET closed_us = ? WHERE key = ?'),
    setCreated: db.prepare('UPDATE corpus_issue SET created_us = ? WHERE key = ?'),
    count: db.prepare(
      'INSERT INTO corpus_count(repo, kind, issues) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET issues = issues + excluded.issues',
    ),
    condition: db.prepare('UPDATE corpus_repo SET state = ?, renamed_to = ? WHERE id = ?'),
  };
}

/** Moves an issue's marks where it is; false: it is not there, or tombstoned. */
function advance(
  sql: Statements,
  key: number,
  mutation: GithubIssueMutation,
  latest: Timestamp | undefined,
): boolean {
  const { commentStatus, eventStatus, reviewStatus } = mutation;
  const { changes } = sql.advance.run(
    timeUs(commentStatus?.serverDate) || null,
    timeUs(eventStatus?.serverDate) || null,
    timeUs(reviewStatus?.serverDate) || null,
    timeUs(latest),
    key,
  );
  return changes === 1;
}

function writeIssue(sql: Statements, repo: number, issue: OpenIssue, counts: Map<number, number>): void {
  const { key, stored, state } = issue;
  const kind = kindOf(state);
  const [created, updated, closed] = [timeUs(state.created), timeUs(state.updated), timeUs(state.closedAt)];
  const marks = [
    timeUs(state.commentsUntil),
    timeUs(state.eventsUntil),
    timeUs(state.reviewsUntil),
    timeUs(state.eventMax),
  ];
  if (stored === undefined) {
    sql.add.run(key, repo, kind, created, updated, closed, ...marks, state.title, stateJson(state));
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return;
  }
  sql.set.run(kind, ...marks, state.title, stateJson(state), key);
  if (updated !== timeUs(stored.updated)) sql.setUpdated.run(updated, key);
  if (closed !== timeUs(stored.closedAt)) sql.setClosed.run(closed, key);
  if (created !== timeUs(stored.created)) sql.setCreated.run(created, key);
  const before = kindOf(stored);
  if (before === kind) return;
  counts.set(before, (counts.get(before) ?? 0) - 1);
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
}
