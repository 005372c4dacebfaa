import { readSchema, shippedFile } from '../config/shipped.ts';
import { readConfig } from '../config/yaml.ts';
import {
  createSloCounter,
  type SloIssue,
  type SloPerson,
  type SloRule,
  type SloSummary,
} from '../records/mutation/slo.ts';
import type { Corpus, CorpusRepo, IssueState } from '../store/corpus-types.ts';
import { answersSql, DAY_S, type Spelling } from './mutation-queries-sql.ts';

const PAGE_ISSUES = 500;
/** Later than every deadline: seconds of the year 33658. */
const NEVER_S = 1_000_000_000_000;

interface RuleEntry {
  readonly labels?: readonly string[];
  readonly excluded_labels?: readonly string[];
  readonly issues?: boolean;
  readonly pulls?: boolean;
  readonly response_days?: number;
  readonly resolution_days?: number;
  readonly assignee_required?: boolean;
  readonly responders?: readonly string[];
  readonly repositories?: readonly string[];
}

/** A rule, and which repositories it is for; undefined: all. */
export interface RepositoryRule extends SloRule {
  readonly repositories?: readonly string[];
}

/** The rules of a file; default: the shipped one. Throws one `config` error that names every bad line. */
export async function loadSloRules(file?: string): Promise<readonly RepositoryRule[]> {
  const from = file ?? shippedFile('config/slo.yaml');
  const document = await readConfig(from, { file: from, schema: await readSchema('slo') });
  const rules = Object.entries(document.value as Readonly<Record<string, RuleEntry>>).map(ruleOf);
  for (const { name, appliesToIssues, appliesToPulls } of rules)
    if (!appliesToIssues && !appliesToPulls)
      document.report([name], 'speaks of nothing; allowed: issues, pulls, or both', name);
  document.finish();
  return rules;
}

function ruleOf([name, entry]: readonly [string, RuleEntry]): RepositoryRule {
  return {
    name,
    labels: entry.labels ?? [],
    excludedLabels: entry.excluded_labels ?? [],
    appliesToIssues: entry.issues ?? true,
    appliesToPulls: entry.pulls ?? false,
    responseS: (entry.response_days ?? 0) * DAY_S,
    resolutionS: (entry.resolution_days ?? 0) * DAY_S,
    requiresAssignee: entry.assignee_required ?? false,
    ...(entry.responders && { responders: entry.responders }),
    ...(entry.repositories && { repositories: entry.repositories }),
  };
}

/** What the rules say of all that the corpus knows: read page by page. */
export function sloOfCorpus(
  corpus: Corpus,
  rules: readonly RepositoryRule[],
  nowMs: number,
): readonly SloSummary[] {
  const counters = rules.map((rule) => ({ rule, counter: createSloCounter(rule, nowMs) }));
  for (const repo of corpus.repos()) {
    const name = `${repo.owner}/${repo.name}`;
    const mine = counters.filter(({ rule }) => rule.repositories?.includes(name) ?? true);
    if (mine.length === 0) continue;
    for (const issue of issuesOf(repo)) {
      const found = sloIssue(corpus, repo, issue);
      for (const { counter } of mine) counter.add(`${name}#${issue.number}`, found);
    }
  }
  return counters.map(({ counter }) => counter.summary());
}

function* issuesOf(repo: CorpusRepo): Generator<IssueState> {
  for (let after = 0; ; ) {
    const page = repo.issues({ after, limit: PAGE_ISSUES });
    yield* page;
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.number;
  }
}

/** Whoever answered is looked up only where a rule asks: most issues are closed. */
function sloIssue(corpus: Corpus, repo: CorpusRepo, issue: IssueState): SloIssue {
  let commenters: readonly SloPerson[] | undefined;
  return {
    ...issue,
    assignees: issue.assignees.map(({ id, login }) => person(corpus, id, login)),
    get commenters() {
      commenters ??= commentersOf(corpus, repo, issue.number);
      return commenters;
    },
  };
}

function commentersOf(corpus: Corpus, repo: CorpusRepo, number: number): readonly SloPerson[] {
  const users = [...repo.comments(number), ...repo.reviewComments(number)].flatMap(({ user }) => user ?? []);
  const reviewers = repo
    .reviews(number)
    .flatMap(({ actorId }) => (actorId === undefined ? [] : [{ id: actorId }]));
  return [...users, ...reviewers].map((user) =>
    person(corpus, user.id, 'login' in user ? user.login : undefined),
  );
}

function person(corpus: Corpus, id: bigint, login: string | undefined): SloPerson {
  const known = login ?? corpus.login(id);
  return { id, ...(known !== undefined && { login: known }) };
}

/** The same in the warehouse, over its tables of issues, comments and reviews. */
export function sloSql(spelling: Spelling, nowS: number, rules: readonly RepositoryRule[]): string {
  const parts = rules.map((rule, at) => ruleSql(spelling, nowS, rule, at));
  return `SELECT rule, applies, open, open - overdue AS compliant, overdue,
      CASE WHEN overdue = 0 THEN 0.0 ELSE ROUND(worst / ${DAY_S}, 1) END AS worst_overdue_days
    FROM (${parts.join('\n    UNION ALL ')}) AS counted ORDER BY nth`;
}

function ruleSql(spelling: Spelling, nowS: number, rule: RepositoryRule, nth: number): string {
  const { from, text } = spelling;
  const over = `(${nowS} - deadline)`;
  // A fraction of a second is cut off, as compliantForS does.
  const late = `(NOT closed AND ${over} >= 1)`;
  return `SELECT ${nth} AS nth, ${text(rule.name)} AS rule, COUNT(*) AS applies,
        COALESCE(SUM(CASE WHEN closed THEN 0 ELSE 1 END), 0) AS open,
        COALESCE(SUM(CASE WHEN ${late} THEN 1 ELSE 0 END), 0) AS overdue,
        COALESCE(MAX(CASE WHEN ${late} THEN ${over} ELSE 0 END), 0) AS worst
      FROM (SELECT i.closed AS closed, COALESCE(${deadlineSql(spelling, nowS, rule)}, ${NEVER_S}) AS deadline
        FROM ${from('issues')} AS i ${respondedSql(spelling, rule)} WHERE ${appliesSql(spelling, rule)}) AS deadlines`;
}

function appliesSql({ text, some }: Spelling, rule: RepositoryRule): string {
  const { appliesToIssues, appliesToPulls, repositories } = rule;
  const label = (name: string) => some('i.labels', 'l', `l.name = ${text(name)}`);
  return [
    'NOT i.deleted',
    ...(appliesToIssues ? [] : ['i.pull_request']),
    ...(appliesToPulls ? [] : ['NOT i.pull_request']),
    ...rule.labels.map(label),
    ...rule.excludedLabels.map((name) => `NOT ${label(name)}`),
    ...(repositories === undefined ? [] : [isIn("CONCAT(i.owner, '/', i.repo)", repositories.map(text))]),
  ].join(' AND ');
}

function deadlineSql(spelling: Spelling, nowS: number, rule: RepositoryRule): string {
  const { seconds, some } = spelling;
  const created = seconds('i.created');
  const none = `${NEVER_S}.0`;
  const parts = [`${NEVER_S}.0`];
  if (rule.requiresAssignee) {
    const assigned = some('i.assignees', 'a', responderSql(spelling, rule, 'a.id', 'a.login'));
    parts.push(`CASE WHEN ${assigned} THEN ${none} ELSE ${created} END`);
  }
  if (rule.resolutionS > 0) parts.push(`${created} + ${rule.resolutionS}`);
  if (rule.responseS > 0) {
    const until = `${created} + ${rule.responseS}`;
    parts.push(`CASE WHEN ${until} > ${nowS} OR r.path IS NULL THEN ${until} ELSE ${none} END`);
  }
  return parts.length === 1 ? `${NEVER_S}.0` : `LEAST(${parts.join(', ')})`;
}

function responderSql({ text }: Spelling, { responders }: RepositoryRule, id: string, login: string): string {
  if (responders === undefined) return `(i.user_id IS NULL OR ${id} <> i.user_id)`;
  return isIn(
    `LOWER(${login})`,
    responders.map((name) => text(name.toLowerCase())),
  );
}

const isIn = (value: string, list: readonly string[]) =>
  list.length === 0 ? 'FALSE' : `${value} IN (${list.join(', ')})`;

/** Issues that a responder has answered, joined as `r`. */
function respondedSql(spelling: Spelling, rule: RepositoryRule): string {
  if (rule.responseS === 0) return '';
  const { from } = spelling;
  return `LEFT JOIN (
          SELECT DISTINCT i.path AS path FROM ${from('issues')} AS i JOIN ${answersSql(from)} AS a
            ON a.owner = i.owner AND a.repo = i.repo AND a.number = i.number
          WHERE ${responderSql(spelling, rule, 'a.user_id', 'a.user_login')}) AS r ON r.path = i.path`;
}
