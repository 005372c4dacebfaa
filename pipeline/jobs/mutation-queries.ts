import type { Warehouse } from '../backends/warehouse/contract.ts';
import { guess } from '../config/similar.ts';
import { SamovarError } from '../errors.ts';
import { type RepositoryRule, sloSql } from './mutation-queries-slo.ts';
import { answersSql, DAY_S, isPerson, type Spelling, spellingOf } from './mutation-queries-sql.ts';
import type { MutationTable } from './mutation-tables-config.ts';

export interface QueryRequest {
  readonly name: string;
  readonly tables: readonly MutationTable[];
  readonly nowMs: number;
  /** For `slo`. */
  readonly rules: readonly RepositoryRule[];
  readonly signal: AbortSignal;
}

export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

interface Query {
  readonly about: string;
  readonly columns: readonly string[];
  sql(spelling: Spelling, nowS: number, rules: readonly RepositoryRule[]): string;
}

const QUERIES: Readonly<Record<string, Query>> = {
  'open-issues': {
    about: 'open issues of each label, by age',
    columns: [
      'repository',
      'label',
      'open',
      'under_7_days',
      'under_30_days',
      'under_90_days',
      'older',
      'oldest_days',
    ],
    sql: openIssuesSql,
  },
  'first-response': {
    about: 'time from opening to the first answer of somebody else, programs left out',
    columns: ['repository', 'kind', 'opened', 'answered', 'waiting', 'median_hours', 'p90_hours'],
    sql: firstResponseSql,
  },
  'review-load': {
    about: 'reviews of each reviewer, and what waits for one',
    columns: ['reviewer', 'reviews', 'pulls', 'approvals', 'changes_requested', 'last_30_days', 'waiting'],
    sql: reviewLoadSql,
  },
  slo: {
    about: 'how far each service level is kept',
    columns: ['rule', 'applies', 'open', 'compliant', 'overdue', 'worst_overdue_days'],
    sql: (spelling, nowS, rules) => sloSql(spelling, nowS, rules),
  },
};

/** Names of the queries, and what each tells. */
export const MUTATION_QUERIES = Object.entries(QUERIES).map(([name, { about }]) => ({ name, about }));

/** Asks the warehouse. Throws `config` for a name that is no query's. */
export async function runMutationQuery(
  warehouse: Pick<Warehouse, 'dialect' | 'tableName' | 'query'>,
  request: QueryRequest,
): Promise<QueryResult> {
  const query = Object.hasOwn(QUERIES, request.name) ? QUERIES[request.name] : undefined;
  if (query === undefined)
    throw new SamovarError('config', `there is no query "${request.name}"`, {
      subject: request.name,
      remedy: `${guess(request.name, Object.keys(QUERIES))}The queries are: ${Object.keys(QUERIES).join(', ')}.`,
    });
  const sql = query.sql(spellingOf(warehouse, request.tables), request.nowMs / 1000, request.rules);
  const found = await warehouse.query(sql, { signal: request.signal });
  const rows = found.map((row) => Object.fromEntries(query.columns.map((name) => [name, row[name] ?? null])));
  return { columns: query.columns, rows };
}

function openIssuesSql({ from, seconds, unnest, length, integer }: Spelling, nowS: number): string {
  const age = `((${nowS} - ${seconds('i.created')}) / ${DAY_S})`;
  const between = (low: number, high: number) =>
    `SUM(CASE WHEN age >= ${low} AND age < ${high} THEN 1 ELSE 0 END)`;
  const labelled = (label: string, lists: string) => `
      SELECT CONCAT(i.owner, '/', i.repo) AS repository, ${label} AS label, ${age} AS age
      FROM ${from('issues')} AS i${lists}
      WHERE NOT i.closed AND NOT i.deleted AND NOT i.pull_request`;
  return `
    SELECT repository, label, COUNT(*) AS open, SUM(CASE WHEN age < 7 THEN 1 ELSE 0 END) AS under_7_days,
      ${between(7, 30)} AS under_30_days, ${between(30, 90)} AS under_90_days,
      SUM(CASE WHEN age >= 90 THEN 1 ELSE 0 END) AS older, CAST(FLOOR(MAX(age)) AS ${integer}) AS oldest_days
    FROM (${labelled("COALESCE(l.name, '')", unnest('i.labels', 'l'))}
      UNION ALL ${labelled("''", '')} AND ${length('i.labels')} = 0) AS labelled
    GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2`;
}

function firstResponseSql({ from, seconds, quantile }: Spelling): string {
  const hours = (value: string) => `ROUND(${value} / 3600, 1)`;
  return `
    SELECT repository, kind, COUNT(*) AS opened, COUNT(took) AS answered,
      SUM(CASE WHEN took IS NULL AND NOT closed THEN 1 ELSE 0 END) AS waiting,
      ${hours(quantile('took', 0.5))} AS median_hours, ${hours(quantile('took', 0.9))} AS p90_hours
    FROM (
      SELECT CONCAT(i.owner, '/', i.repo) AS repository, CASE WHEN i.pull_request THEN 'pull' ELSE 'issue' END AS kind,
        i.closed AS closed, MIN(${seconds('a.created')}) - ${seconds('i.created')} AS took
      FROM ${from('issues')} AS i LEFT JOIN ${answersSql(from)} AS a
        ON a.owner = i.owner AND a.repo = i.repo AND a.number = i.number
          AND a.user_id <> i.user_id AND a.created >= i.created AND ${isPerson('a.user_login')}
      WHERE NOT i.deleted
      GROUP BY i.path, i.owner, i.repo, i.pull_request, i.closed, i.created) AS answers
    GROUP BY 1, 2 ORDER BY 1, 2`;
}

/** Waiting: open pull requests whose last word about this reviewer is that a review is asked for. */
function reviewLoadSql({ from, seconds }: Spelling, nowS: number): string {
  const key = 'owner, repo, number, reviewer';
  const count = (condition: string) => `SUM(CASE WHEN ${condition} THEN 1 ELSE 0 END)`;
  return `
    WITH given AS (
      SELECT owner, repo, number, COALESCE(user_login, CAST(user_id AS STRING)) AS reviewer, state, created
      FROM ${from('reviews')} WHERE NOT deleted AND user_id IS NOT NULL),
    said AS (
      SELECT ${key}, ${seconds('created')} AS said_at, 0 AS asks FROM given
      UNION ALL
      SELECT owner, repo, number, COALESCE(reviewer_login, CAST(reviewer_id AS STRING)) AS reviewer, ${seconds('created')} AS said_at,
        CASE WHEN kind = 'review_requested' THEN 1 ELSE 0 END AS asks
      FROM ${from('events')}
      WHERE NOT deleted AND reviewer_id IS NOT NULL AND kind IN ('review_requested', 'review_request_removed')),
    latest AS (
      SELECT ${key}, asks, ROW_NUMBER() OVER (PARTITION BY ${key} ORDER BY said_at DESC, asks) AS nth FROM said),
    waits AS (
      SELECT l.reviewer AS reviewer, COUNT(*) AS waiting
      FROM latest AS l JOIN ${from('pulls')} AS p ON p.owner = l.owner AND p.repo = l.repo AND p.number = l.number
      WHERE l.nth = 1 AND l.asks = 1 AND NOT p.closed AND NOT p.deleted
      GROUP BY 1),
    counts AS (
      SELECT reviewer, COUNT(*) AS reviews, COUNT(DISTINCT CONCAT(owner, '/', repo, '/', CAST(number AS STRING))) AS pulls,
        ${count("state = 'APPROVED'")} AS approvals, ${count("state = 'CHANGES_REQUESTED'")} AS changes_requested,
        ${count(`${seconds('created')} > ${nowS - 30 * DAY_S}`)} AS last_30_days
      FROM given GROUP BY 1)
    SELECT COALESCE(c.reviewer, w.reviewer) AS reviewer, COALESCE(c.reviews, 0) AS reviews, COALESCE(c.pulls, 0) AS pulls,
      COALESCE(c.approvals, 0) AS approvals, COALESCE(c.changes_requested, 0) AS changes_requested,
      COALESCE(c.last_30_days, 0) AS last_30_days, COALESCE(w.waiting, 0) AS waiting
    FROM counts AS c FULL OUTER JOIN waits AS w ON w.reviewer = c.reviewer
    ORDER BY 2 DESC, 1`;
}
