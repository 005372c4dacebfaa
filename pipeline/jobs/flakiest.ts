import type { Warehouse } from '../backends/warehouse/contract.ts';

/** A test that passed and failed on one commit. */
export interface FlakyTest {
  readonly test: string;
  readonly job: string;
  /** Commits on which it did both. */
  readonly flakyCommits: number;
  readonly runs: number;
  readonly failures: number;
}

/**
 * The flakiest tests of a table: those that both passed and failed in builds of one job on one commit, most commits first.
 * Source: the table's own rows (`test`, `repo_commit`, else `repos`).
 */
export async function flakiestTests(
  warehouse: Warehouse,
  table: string,
  limit: number,
  signal: AbortSignal,
): Promise<readonly FlakyTest[]> {
  const rows = await warehouse.query(flakiestSql(warehouse, table, limit), { signal });
  return rows.map((row) => ({
    test: String(row.name),
    job: String(row.job),
    flakyCommits: Number(row.flaky_commits),
    runs: Number(row.runs),
    failures: Number(row.failures),
  }));
}

function flakiestSql(warehouse: Warehouse, table: string, limit: number): string {
  const name = warehouse.tableName(table);
  const from =
    warehouse.dialect === 'duckdb'
      ? `(SELECT job, repo_commit, repos, unnest(test) AS t FROM ${name}) AS b`
      : `${name} AS b, UNNEST(b.test) AS t`;
  return `
    WITH by_commit AS (
      SELECT b.job AS job, t.name AS name, COALESCE(b.repo_commit, b.repos) AS source, COUNT(*) AS runs,
        SUM(CASE WHEN t.failed THEN 1 ELSE 0 END) AS failures
      FROM ${from}
      GROUP BY 1, 2, 3)
    SELECT name, job, SUM(CASE WHEN failures > 0 AND failures < runs THEN 1 ELSE 0 END) AS flaky_commits,
      SUM(runs) AS runs, SUM(failures) AS failures
    FROM by_commit WHERE source IS NOT NULL
    GROUP BY 1, 2
    HAVING SUM(CASE WHEN failures > 0 AND failures < runs THEN 1 ELSE 0 END) > 0
    ORDER BY 3 DESC, 5 DESC, 1, 2 LIMIT ${Math.trunc(limit)}`;
}
