import { describe, expect, it } from 'vitest';
import { buildQueryText, findBuildQuery } from '../../pipeline/jobs/build-queries.ts';
import { csvText } from '../../pipeline/queries/csv.ts';
import { duckDbText } from '../../pipeline/queries/duckdb.ts';
import { BUILD_QUERIES, METRIC_QUERIES } from '../../pipeline/queries/index.ts';
import { jobExpression, queryText } from '../../pipeline/queries/text.ts';

const QUERIES = BUILD_QUERIES.map((query) => [query.name, query] as const);
const PARAMETERS = {
  beforeMs: Date.UTC(2026, 10, 1),
  sinceMs: Date.UTC(2026, 10, 8),
  untilMs: Date.UTC(2026, 10, 15),
  limit: 7,
};
const DIALECTS = ['bigquery', 'duckdb'] as const;
const HOSTILE = [
  `'; DROP TABLE builds; --`,
  `" OR TRUE OR "`,
  '\\',
  `\\' OR 1=1 --`,
  '@limit @since {table} $& $1',
  '`builds`',
  "r'raw' REGEXP_CONTAINS(b.job, COUNTIF(",
  '\ud800 */ /* # --',
  'новый\u2028строка',
];

/** A text without its literals, as a lexer of the dialect sees it. */
function skeleton(text: string, dialect: (typeof DIALECTS)[number]): string {
  const literal =
    dialect === 'duckdb' ? /'(?:[^']|'')*'/g : /\br'[^']*'|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g;
  return text.replace(literal, '?');
}

describe.each(DIALECTS)('the text of a query in %s', (dialect) => {
  it.each(QUERIES)('%s has no value of a user but in literals', (_, query) => {
    const text = (job?: string) => queryText(query, dialect, '"t"', { ...PARAMETERS, job });
    const plain = skeleton(text('ci-*'), dialect);
    expect(plain).toContain('?');
    for (const job of HOSTILE) expect(skeleton(text(job), dialect)).toBe(plain);
  });

  it.each(QUERIES)('%s has every parameter filled in, and reads only a window of time', (_, query) => {
    const text = queryText(query, dialect, '"t"', PARAMETERS);
    expect(text).not.toMatch(/@|\{table\}/);
    const reads = text.split('"t" AS b').length - 1;
    expect(reads).toBeGreaterThan(0);
    expect(text.match(/\n *WHERE b\.started >= TIMESTAMP/g)).toHaveLength(reads);
    expect(text.match(/b\.started < TIMESTAMP(TZ)? '2026-11-15T00:00:00\.000Z'/g)).toHaveLength(reads);
    expect(text.endsWith('LIMIT 7')).toBe(true);
  });

  it('takes no limit but a whole number', () => {
    const [query] = BUILD_QUERIES;
    for (const limit of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 1e12])
      expect(() => query && queryText(query, dialect, '"t"', { ...PARAMETERS, limit })).toThrow(RangeError);
  });
});

it('names are unique, and the ten of Kubernetes are among them', () => {
  expect(new Set(BUILD_QUERIES.map(({ name }) => name)).size).toBe(BUILD_QUERIES.length);
  expect(METRIC_QUERIES.map(({ name }) => name)).toEqual([
    ...['build-stats', 'failures', 'flakes', 'flakes-daily', 'job-flakes', 'job-health'],
    ...['job-health-weekly', 'pr-consistency', 'presubmit-health', 'weekly-consistency'],
  ]);
});

it('a pattern matches whole names, and only its stars and question marks are wild', () => {
  const matches = (glob: string | undefined, name: string) =>
    new RegExp(jobExpression(glob).replaceAll('(?s:.)', '[^]').replaceAll('(?s:.*)', '[^]*')).test(name);
  expect(matches(undefined, 'anything')).toBe(true);
  expect(matches('ci-*', 'ci-unit')).toBe(true);
  expect(matches('ci-*', 'my-ci-unit')).toBe(false);
  expect(matches('ci-?', 'ci-ab')).toBe(false);
  expect(matches('ci-?', 'ci-a')).toBe(true);
  expect(matches('a.b', 'axb')).toBe(false);
  for (const name of ['a.b', '(a|b)', '[a]', 'a+', '^a$', 'a{2}', 'a\\b'])
    expect(matches(name, name)).toBe(true);
});

it('what BigQuery says otherwise is said in DuckDB words', () => {
  expect(duckDbText("COUNTIF(a OR (b)) FROM t AS b, UNNEST(b.test) AS t WHERE x = r'\\d'")).toBe(
    "COUNT(*) FILTER (WHERE a OR (b)) FROM t AS b, UNNEST(b.test) AS t_rows(t) WHERE x = '\\d'",
  );
  expect(duckDbText("REGEXP_EXTRACT(b.path, r'/(\\d+)/')")).toBe(
    "NULLIF(regexp_extract(b.path, '/(\\d+)/', 1), '')",
  );
});

it('a cell of CSV is one cell, and no formula', () => {
  const rows = [
    { name: '=HYPERLINK("http://x")', n: -1.5, ok: true, none: null },
    { name: 'a,"b"\nc', n: 2, ok: false, none: undefined },
    ...['+1', '-1', '@x', '\tx'].map((name) => ({ name, n: 0, ok: true, none: '' })),
  ];
  expect(csvText(['name', 'n', 'ok', 'none'], rows)).toBe(
    [
      'name,n,ok,none',
      `"'=HYPERLINK(""http://x"")",-1.5,true,`,
      '"a,""b""\nc",2,false,',
      ...['+1', '-1', '@x', '\tx'].map((name) => `"'${name}",0,true,""`),
    ].join('\n'),
  );
});

describe('a request', () => {
  const [query] = BUILD_QUERIES;
  const text = (over: object) => {
    if (query === undefined) throw new RangeError('no queries');
    const warehouse = { dialect: 'duckdb', tableName: (name: string) => `"${name}"` } as const;
    return buildQueryText(warehouse, {
      query,
      table: 't',
      limit: 5,
      nowMs: Date.UTC(2026, 10, 20, 13),
      ...over,
    });
  };

  it.each([
    [{ days: 0 }, /--days 0/],
    [{ days: Number.NaN }, /--days NaN/],
    [{ days: 1e6 }, /--days 1000000/],
    [{ limit: 1.5 }, /whole number/],
    [{ limit: 0 }, /--limit 0/],
    [{ job: '' }, /--job ""/],
    [{ job: 'a\nb' }, /--job "a\\nb"/],
    [{ job: 'x'.repeat(2000) }, /1000 characters/],
  ])('%j is refused', (over, message) => {
    expect(() => text(over)).toThrow(
      expect.objectContaining({ code: 'config', message: expect.stringMatching(message) }),
    );
  });

  it('of whole days ends at midnight', () => {
    expect(text({ days: 2 })).toContain(
      "b.started >= TIMESTAMPTZ '2026-11-18T00:00:00.000Z' AND b.started < TIMESTAMPTZ '2026-11-20T00:00:00.000Z'",
    );
  });

  it('of a query that is none names the nearest, and all', () => {
    const remedy = /^Did you mean flakes-daily\? .*owners\.$/;
    expect(() => findBuildQuery('flake-daily')).toThrow(
      expect.objectContaining({ code: 'config', remedy: expect.stringMatching(remedy) }),
    );
    expect(() => findBuildQuery('toString')).toThrow(expect.objectContaining({ code: 'config' }));
  });
});
