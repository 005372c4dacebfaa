import type { Database } from 'better-sqlite3';
import { SamovarError } from '../errors.ts';
import { splitMutation } from '../records/mutation/codec-split.ts';
import { openBatches, type StartBatch } from './corpus-apply.ts';
import { issueKey } from './corpus-issue-json.ts';
import { type IssueReader, openIssues } from './corpus-issues.ts';
import { type NameStore, openNames } from './corpus-names.ts';
import { openParts, type PartStore } from './corpus-parts.ts';
import { lastRecordOf, openPositions, type PositionStore, placeOf } from './corpus-position.ts';
import type { AppliedRecord, Corpus, CorpusRepo, RepoCondition } from './corpus-types.ts';

const NUMBER_MAX = 2 ** 32 - 1;

interface RepoRow {
  readonly id: number;
  readonly owner: string;
  readonly name: string;
}

interface Parts {
  readonly names: NameStore;
  readonly parts: PartStore;
  readonly issues: IssueReader;
  readonly positions: PositionStore;
  readonly start: StartBatch;
  readonly condition: (repo: number) => RepoCondition;
  readonly clearCondition: (repo: number) => void;
}

/** Opens what is known of repositories, in a database that has its tables. */
export function openCorpus(db: Database): Corpus {
  const names = openNames(db);
  const parts = openParts(db);
  const condition = db.prepare<[number], { state: string | null; renamed_to: string | null }>(
    'SELECT state, renamed_to FROM corpus_repo WHERE id = ?',
  );
  const clearCondition = db.prepare('UPDATE corpus_repo SET state = NULL, renamed_to = NULL WHERE id = ?');
  const around: Parts = {
    names,
    parts,
    issues: openIssues(db, names),
    positions: openPositions(db),
    start: openBatches(db, names, parts),
    condition: (repo) => {
      const row = condition.get(repo);
      return { state: row?.state ?? 'ok', renamedTo: row?.renamed_to ?? undefined };
    },
    clearCondition: (repo) => void clearCondition.run(repo),
  };
  const add = db.prepare('INSERT INTO corpus_repo(owner, name) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const find = db.prepare<[string, string], RepoRow>(
    'SELECT id, owner, name FROM corpus_repo WHERE owner = ? AND name = ?',
  );
  const all = db.prepare<[], RepoRow>('SELECT id, owner, name FROM corpus_repo ORDER BY owner, name');
  const found = (owner: string, name: string) => {
    const row = find.get(owner, name);
    return row && openRepo(around, row);
  };
  return {
    find: found,
    repo: (owner, name) => {
      const known = found(owner, name);
      if (known !== undefined) return known;
      add.run(owner, name);
      return found(owner, name) as CorpusRepo;
    },
    repos: () => all.all().map((row) => openRepo(around, row)),
    login: (id) => names.login(id),
  };
}

function openRepo(around: Parts, { id, owner, name }: RepoRow): CorpusRepo {
  const { names, parts, issues, positions } = around;
  const key = (issue: number) => issueKey(id, issue);
  return {
    id,
    owner,
    name,
    position: () => {
      const last = positions.get(id);
      return last && { segment: last.segment, offset: last.end };
    },
    last: () => positions.get(id),
    condition: () => around.condition(id),
    apply: (records) => applyRecords(around, { id, owner, name }, records),
    clear: () => {
      positions.clear(id);
      around.clearCondition(id);
      issues.clear(id);
      names.clear(id);
      parts.clear(key(0), key(NUMBER_MAX));
    },
    issue: (number) => issues.issue(id, number),
    issues: ({ after, limit }) => issues.page(id, after, limit),
    ordered: (page) => issues.ordered(id, page),
    count: ({ closed, pullRequest }) =>
      issues.count(
        id,
        (facts) =>
          !facts.notExist &&
          (closed === undefined || facts.closed === closed) &&
          (pullRequest === undefined || facts.pullRequest === pullRequest),
      ),
    counts: () => ({
      issues: issues.count(id, ({ notExist, pullRequest }) => !notExist && !pullRequest),
      pulls: issues.count(id, ({ notExist, pullRequest }) => !notExist && pullRequest),
      tombstones: issues.count(id, ({ notExist }) => notExist),
    }),
    partCounts: () => parts.counts(key(0), key(NUMBER_MAX)),
    maxNumber: () => issues.maxNumber(id),
    comments: (issue) => parts.comments(key(issue), names.reader(id).user),
    beside: (issue, { comments }) => parts.beside(key(issue), comments, names.user),
    comment: (issue, comment) => parts.comment(key(issue), comment, names.reader(id).user),
    events: (issue) => parts.events(key(issue)),
    reviews: (issue) => parts.reviews(key(issue)),
    reviewComments: (issue) => parts.reviewComments(key(issue), names.reader(id).user),
    labels: () => names.labels(id),
    milestones: () => names.milestones(id),
  };
}

/** Records in order; those before the position are passed over. */
function applyRecords(around: Parts, repo: RepoRow, records: Iterable<AppliedRecord>): void {
  const batch = around.start(repo.id);
  const known = around.positions.get(repo.id);
  let at = known && { segment: known.segment, offset: known.end };
  let last: AppliedRecord | undefined;
  for (const record of records) {
    if (placeOf(record, at) === 'known') continue;
    const { githubIssue: issue, github, parts } = decode(record);
    if (issue !== undefined && issue.number > 0 && isOf(repo, issue)) batch.issue(issue, parts);
    if (github !== undefined && isOf(repo, github)) batch.repo(github);
    at = { segment: record.segment, offset: record.end };
    last = record;
  }
  batch.end();
  if (last !== undefined) around.positions.set(repo.id, lastRecordOf(last));
}

/** A log may hold several repositories' mutations. */
function isOf(repo: RepoRow, said: { readonly owner: string; readonly repo: string }): boolean {
  return said.owner === repo.owner && said.repo === repo.name;
}

function decode(record: AppliedRecord) {
  try {
    return splitMutation(record.payload);
  } catch (cause) {
    throw new SamovarError(
      'malformed',
      `cannot apply the record at segment ${record.segment}, offset ${record.offset}: it is no mutation`,
      { remedy: 'Look at the log with `samovar mutation-log verify`.', cause },
    );
  }
}
