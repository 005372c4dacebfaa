import { createHash } from 'node:crypto';
import type { Warehouse } from '../backends/warehouse/contract.ts';
import { textLiteral } from '../backends/warehouse/literals.ts';
import type { TriageStore } from '../store/triage.ts';
import type { ReadBuild } from './triage-rows.ts';

const DAY_S = 86_400;
/** Builds of one query. Each query reads a day's partition where there are partitions, and the whole table where there are none. */
const PAGE_BUILDS = 2_000;
/** Of a failure text, in characters. */
const TEXT_CHARS_MAX = 16_000;
/** How far back builds are looked at again: those that end late, or say something else later. */
const OVERLAP_DAYS = 2;

export interface WarehouseSource {
  readonly warehouse: Pick<Warehouse, 'dialect' | 'tableName' | 'query'>;
  readonly table: string;
  readonly signal: AbortSignal;
}

/** Failed builds of a table, day by day: those since the newest that is known, or of the whole window where that is longer. */
export async function* warehousePages(
  source: WarehouseSource,
  store: TriageStore,
  sinceS: number,
  untilS: number,
): AsyncGenerator<readonly ReadBuild[]> {
  const known = store.finishedRange();
  const isNewWindow = known === undefined || sinceS < known.oldestS - DAY_S;
  const fromS = isNewWindow ? sinceS : Math.max(sinceS, known.newestS - OVERLAP_DAYS * DAY_S);
  for (let dayS = fromS; dayS < untilS; dayS += DAY_S) {
    const range = { fromS: dayS, toS: Math.min(dayS + DAY_S, untilS) };
    for (let after = ''; ; ) {
      const sql = failuresSql(source, range, after);
      const builds = buildsOf(await source.warehouse.query(sql, { signal: source.signal }));
      yield builds.filter(({ path, version }) => store.versionOf(path) !== version);
      const last = builds.at(-1);
      // A short page may be followed by another: rows that are there twice count for the page too.
      if (last === undefined) break;
      after = last.path;
    }
  }
}

function failuresSql(
  { warehouse, table }: WarehouseSource,
  { fromS, toS }: { readonly fromS: number; readonly toS: number },
  after: string,
): string {
  const isDuckDb = warehouse.dialect === 'duckdb';
  const time = (seconds: number) =>
    `${isDuckDb ? 'TIMESTAMPTZ' : 'TIMESTAMP'} '${new Date(seconds * 1000).toISOString()}'`;
  const page = `SELECT path, job, finished, test FROM ${warehouse.tableName(table)}
    WHERE finished >= ${time(fromS)} AND finished < ${time(toS)} AND tests_failed > 0
      AND path > ${textLiteral(warehouse.dialect, after)}
    ORDER BY path LIMIT ${PAGE_BUILDS}`;
  const seconds = isDuckDb ? 'CAST(FLOOR(epoch(b.finished)) AS BIGINT)' : 'UNIX_SECONDS(b.finished)';
  const from = isDuckDb
    ? `(SELECT path, job, finished, unnest(test) AS t FROM (${page}) AS p) AS b`
    : `(${page}) AS b, UNNEST(b.test) AS t`;
  const t = isDuckDb ? 'b.t' : 't';
  // A row may be there twice, where rows are appended at least once.
  return `SELECT DISTINCT b.path AS path, b.job AS job, ${seconds} AS finished, ${t}.name AS name,
      SUBSTR(COALESCE(${t}.failure_text, ''), 1, ${TEXT_CHARS_MAX}) AS text
    FROM ${from} WHERE ${t}.failed ORDER BY 1, 4, 5`;
}

/** Rows of one build come one after another, always in one order: its version is the hash of them. */
function buildsOf(rows: readonly Readonly<Record<string, unknown>>[]): readonly ReadBuild[] {
  const builds = new Map<string, Readonly<Record<string, unknown>>[]>();
  for (const row of rows) {
    const path = String(row.path);
    const list = builds.get(path);
    if (list === undefined) builds.set(path, [row]);
    else list.push(row);
  }
  return [...builds].map(([path, list]) => ({
    path,
    version: createHash('sha1').update(JSON.stringify(list)).digest().readUIntBE(0, 6),
    job: String(list[0]?.job ?? ''),
    finishedAt: Number(list[0]?.finished),
    failures: list.map(({ name, text }) => ({ test: String(name ?? ''), text: String(text ?? '') })),
  }));
}
