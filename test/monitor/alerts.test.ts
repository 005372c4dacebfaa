import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../pipeline/monitor/metrics.ts';
import { withClocks } from './clocks.ts';
import { type Page, parsePage } from './page.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const FILE = join(import.meta.dirname, '../../config/prometheus-alerts.yaml');
const text = readFileSync(FILE, 'utf8');
const { groups } = parse(text, { uniqueKeys: true }) as {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);

const WORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'by', 'without', 'on', 'ignoring']);

/** The metrics an expression names: words that are no function, no keyword, no label and in no string. */
function metricsIn(expr: string): readonly string[] {
  const bare = expr
    .replace(/"[^"]*"/g, '')
    .replace(/\{[^}]*\}|\[[^\]]*\]/g, '')
    .replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  const names = [...bare.matchAll(/(?<![\w.])[a-zA-Z_:][\w:]*(?!\w|\s*\()/g)].map(([name]) => name);
  return [...new Set(names.filter((name) => !WORDS.has(name)))];
}

/** The labels an expression names: in its selectors and in the lists of its aggregations. */
function labelsIn(expr: string): readonly string[] {
  const selectors = [...expr.matchAll(/[{,]\s*(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, name = '']) => name);
  const lists = [...expr.matchAll(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((name) => name.trim()),
  );
  return [...selectors, ...lists];
}

let page: Page;
beforeAll(async () => {
  const { progress } = withClocks();
  progress.stage('collect').task('a');
  const metrics = createMetrics(progress);
  metrics.rowWritten('day', 1);
  metrics.onScrape(() => ({
    deadLetters: 1,
    outstandingMessages: 1,
    diskFreeBytes: 1,
    diskSizeBytes: 1,
    sqlitePagesLeft: 1,
    ledger: [{ table: 'day', state: 'open', items: 1 }],
    loadsLeft: [{ table: 'day', left: 1 }],
    mutationTables: [{ repository: 'o/r', table: 'issues', rows: 2, missing: 1, lagSeconds: 60 }],
  }));
  page = parsePage(await metrics.render());
});

test('the names in an expression are found', () => {
  const expr =
    'sum by (job, le) (rate(a_total{x="b_c", y=~"d"}[5m])) > 1e6 unless on (k) e:f / time() and g < 0.5';
  expect(metricsIn(expr)).toEqual(['a_total', 'e:f', 'g']);
  expect(labelsIn(expr)).toEqual(['x', 'y', 'job', 'le', 'k']);
});

test('what was asked for is watched', () => {
  expect(rules.map(({ alert }) => alert).sort()).toEqual([
    'SamovarDatabaseNearlyFull',
    'SamovarDeadLettersGrow',
    'SamovarDiskNearlyFull',
    'SamovarLookupsFail',
    'SamovarMutationsStale',
    'SamovarRestarts',
    'SamovarRowLagHigh',
    'SamovarRowsStale',
    'SamovarStageSilent',
    'SamovarTableStale',
  ]);
});

describe.each(rules.map((rule) => [rule.alert, rule] as const))('%s', (_, rule) => {
  test('names only metrics that are on the page', () => {
    const names = metricsIn(rule.expr);
    expect(names.length).toBeGreaterThan(0);
    const known = new Set(page.samples.map(({ name }) => name));
    expect(names.filter((name) => !known.has(name))).toEqual([]);
  });

  test('names only labels that its metrics have, or that Prometheus adds', () => {
    const names = metricsIn(rule.expr);
    const given = page.samples
      .filter(({ name }) => names.includes(name))
      .flatMap((one) => Object.keys(one.labels));
    const known = new Set(['job', 'instance', ...given]);
    expect(labelsIn(rule.expr).filter((name) => !known.has(name))).toEqual([]);
    const told = [...JSON.stringify(rule.annotations).matchAll(/\$labels\.(\w+)/g)].map(
      ([, name = '']) => name,
    );
    expect(told.filter((name) => !known.has(name))).toEqual([]);
  });

  test('asks counters for their increase, never for their value', () => {
    for (const name of metricsIn(rule.expr).filter((each) => page.types.get(each) === 'counter')) {
      const uses = rule.expr.split(name).length - 1;
      const inRange =
        rule.expr.match(new RegExp(`(increase|rate)\\(${name}(\\{[^}]*\\})?\\[`, 'g'))?.length ?? 0;
      const asMark = rule.expr.match(new RegExp(`and on \\(job, instance\\) ${name}\\s*$`, 'g'))?.length ?? 0;
      expect(inRange + asMark, name).toBe(uses);
    }
  });

  test('has what Prometheus takes, a severity and words for people', () => {
    expect(
      Object.keys(rule).filter((key) => !['alert', 'expr', 'for', 'labels', 'annotations'].includes(key)),
    ).toEqual([]);
    if (rule.for !== undefined) expect(rule.for).toMatch(/^\d+[smh]$/);
    expect(['warning', 'critical']).toContain(rule.labels.severity);
    expect(rule.annotations.summary).toMatch(/^\S.+[^.]$/);
    expect(rule.annotations.description).toMatch(/\.$/);
    expect(rule.expr.split('(').length).toBe(rule.expr.split(')').length);
  });
});
