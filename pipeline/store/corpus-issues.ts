import type { Database } from 'better-sqlite3';
import type { IssueState } from '../records/mutation/issue-state.ts';
import { factsOf, type IssueRow, issueKey, KINDS, readIssue } from './corpus-issue-json.ts';
import type { NameStore } from './corpus-names.ts';
import type { OrderedPage } from './corpus-types.ts';

/** Reading issues, in pages. `repo` is a repository's id. */
export interface IssueReader {
  issue(repo: number, number: number): IssueState | undefined;
  page(repo: number, after: number, limit: number): readonly IssueState[];
  ordered(repo: number, page: OrderedPage): readonly IssueState[];
  /** How many issues are of a kind for which `wanted` is true. */
  count(repo: number, wanted: (facts: ReturnType<typeof factsOf>) => boolean): number;
  maxNumber(repo: number): number;
  clear(repo: number): void;
}

const NUMBER_MAX = 2 ** 32 - 1;
const COLUMNS =
  'i.key, i.kind, i.comments_us, i.events_us, i.reviews_us, i.event_max_us, i.title, i.state, t.text AS body';
const TABLES = 'corpus_issue AS i LEFT JOIN corpus_text AS t ON t.issue = i.key';
const COLUMN_OF = { created: 'created_us', updated: 'updated_us', closedAt: 'closed_us' } as const;

export function openIssues(db: Database, names: NameStore): IssueReader {
  const one = db.prepare<[number], IssueRow>(`SELECT ${COLUMNS} FROM ${TABLES} WHERE i.key = ?`);
  const page = db.prepare<[number, number, number], IssueRow>(
    `SELECT ${COLUMNS} FROM ${TABLES} WHERE i.key > ? AND i.key <= ? ORDER BY i.key LIMIT ?`,
  );
  const ordered = orderedStatements(db);
  const counts = db.prepare<[number], { kind: number; issues: number }>(
    'SELECT kind, issues FROM corpus_count WHERE repo = ?',
  );
  const last = db
    .prepare<[number, number], number>('SELECT max(key) FROM corpus_issue WHERE key BETWEEN ? AND ?')
    .pluck();
  const clearIssues = db.prepare('DELETE FROM corpus_issue WHERE key BETWEEN ? AND ?');
  const clearCounts = db.prepare('DELETE FROM corpus_count WHERE repo = ?');
  const read = (repo: number, rows: readonly IssueRow[]) => {
    const named = names.reader(repo);
    return rows.map((row) => readIssue(row, named));
  };
  return {
    issue: (repo, number) => {
      const row = isNumber(number) ? one.get(issueKey(repo, number)) : undefined;
      return row && readIssue(row, names.reader(repo));
    },
    page: (repo, after, limit) =>
      read(repo, page.all(issueKey(repo, Math.min(after, NUMBER_MAX)), issueKey(repo, NUMBER_MAX), limit)),
    ordered: (repo, { by, descending, after, limit }) => {
      const statement = ordered[descending ? 'descending' : 'ascending'][by];
      const first = descending ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
      const key = after === undefined ? 0 : issueKey(repo, after.number);
      return read(repo, statement.all(repo, after?.timeUs ?? first, key, limit));
    },
    count: (repo, wanted) => {
      const byKind = counts.all(repo).filter(({ kind }) => KINDS.includes(kind) && wanted(factsOf(kind)));
      return byKind.reduce((sum, { issues }) => sum + issues, 0);
    },
    maxNumber: (repo) => {
      const key = last.get(issueKey(repo, 0), issueKey(repo, NUMBER_MAX));
      return typeof key === 'number' ? key - issueKey(repo, 0) : 0;
    },
    clear: (repo) => {
      clearIssues.run(issueKey(repo, 0), issueKey(repo, NUMBER_MAX));
      clearCounts.run(repo);
    },
  };
}

/** Of 32 bits, as keys are: another one would be an issue of another repository. */
function isNumber(number: number): boolean {
  return Number.isInteger(number) && number > 0 && number <= NUMBER_MAX;
}

/** A page begins in the index right behind the last one: the key, which is the rowid, ends each index. */
function orderedStatements(db: Database) {
  const of = (column: string, sign: '>' | '<', order: 'ASC' | 'DESC') =>
    db.prepare<[number, number, number, number], IssueRow>(
      `SELECT ${COLUMNS} FROM ${TABLES} WHERE i.repo = ? AND (i.${column}, i.key) ${sign} (?, ?)
       ORDER BY i.${column} ${order}, i.key ${order} LIMIT ?`,
    );
  const each = (sign: '>' | '<', order: 'ASC' | 'DESC') => ({
    created: of(COLUMN_OF.created, sign, order),
    updated: of(COLUMN_OF.updated, sign, order),
    closedAt: of(COLUMN_OF.closedAt, sign, order),
  });
  return { ascending: each('>', 'ASC'), descending: each('<', 'DESC') };
}
