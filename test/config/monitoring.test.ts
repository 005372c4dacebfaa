import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Sample } from '../monitor/page.ts';
import { exportedPages } from './monitoring-pages.ts';
import { type Mention, parseExpression } from './promql.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly legendFormat: string;
  }[];
}

const FOLDER = join(import.meta.dirname, '../../config/monitoring');
const RULES_FILE = join(FOLDER, 'prometheus-alerts.yaml');
const { groups } = parse(readFileSync(RULES_FILE, 'utf8'), { uniqueKeys: true }) as {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync(join(FOLDER, 'grafana-dashboard.json'), 'utf8')) as {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string }[] };
};
const drawn = dashboard.panels.filter(({ targets }) => targets !== undefined);

const metricsIn = (expr: string) => [...new Set(parseExpression(expr).mentions.map(({ metric }) => metric))];

let samples: readonly Sample[];
let types: ReadonlyMap<string, string>;
beforeAll(async () => {
  const pages = await exportedPages();
  samples = pages.flatMap((page) => page.samples);
  types = new Map(pages.flatMap((page) => [...page.types]));
});

/** Prometheus itself adds these. */
const ADDED = ['job', 'instance'];
const labelsOf = (names: readonly string[]) =>
  new Set([
    ...ADDED,
    ...samples.filter(({ name }) => names.includes(name)).flatMap(({ labels }) => Object.keys(labels)),
  ]);

/** What is wrong with an expression, in words. */
function wrongIn(expr: string): readonly string[] {
  const { errors, mentions, grouping } = parseExpression(expr);
  const known = new Set(samples.map(({ name }) => name));
  const labels = labelsOf(mentions.map(({ metric }) => metric));
  return [
    ...errors,
    ...(mentions.length === 0 ? ['it names no metric'] : []),
    ...grouping
      .filter((name) => !labels.has(name))
      .map((name) => `none of its metrics has the label ${name}`),
    ...mentions.flatMap((mention) =>
      known.has(mention.metric) ? wrongWith(mention) : [`nobody exports ${mention.metric}`],
    ),
  ];
}

function wrongWith({ metric, matchers, rangeOf, isMark }: Mention): readonly string[] {
  const own = matchers.filter(({ label }) => !ADDED.includes(label));
  const seen = (label: string) =>
    samples.flatMap(({ name, labels }) => (name === metric ? (labels[label] ?? []) : []));
  const isCounter =
    types.get(metric) === 'counter' || types.get(metric.replace(/_bucket$/, '')) === 'histogram';
  // Counters are asked for their increase, never for their value: but as a mark of our own processes.
  const isAsked = rangeOf === 'rate' || rangeOf === 'increase' || isMark;
  return [
    ...own
      .filter(({ label }) => seen(label).length === 0)
      .map(({ label }) => `${metric} has no label ${label}`),
    // A value that is asked for as it is must be one that the code gives.
    ...own
      .filter(({ label, how, value }) => how === '=' && !seen(label).includes(value))
      .map(({ label, value }) => `${metric} never has ${label}="${value}"`),
    ...(isCounter && !isAsked ? [`${metric} is a counter and is not asked for its increase`] : []),
  ];
}

test("an expression is read by Prometheus' grammar", () => {
  const expr =
    'sum by (job, le) (rate(a_total{x="b_c", y=~"d"}[5m])) > 1e6 unless on (k) e:f / time() and on (z) g';
  const { errors, mentions, grouping } = parseExpression(expr);
  expect(errors).toEqual([]);
  expect(mentions).toMatchObject([
    { metric: 'a_total', rangeOf: 'rate', isMark: false },
    { metric: 'e:f', rangeOf: undefined, isMark: false },
    { metric: 'g', matchers: [], isMark: true },
  ]);
  expect(mentions[0]?.matchers).toEqual([
    { label: 'x', how: '=', value: 'b_c' },
    { label: 'y', how: '=~', value: 'd' },
  ]);
  expect(grouping).toEqual(['job', 'le', 'k', 'z']);
  expect(parseExpression('max by (a, b) (c) > 1 and d').kept).toEqual(['a', 'b']);
  expect(parseExpression('c > 1').kept).toBeUndefined();
});

test('an expression that asks for what is not there is told of', () => {
  expect(wrongIn('sum by (tabel) (samovar_ledger_items{state="opened", stat="x"}) > samovar_never')).toEqual([
    'none of its metrics has the label tabel',
    'samovar_ledger_items has no label stat',
    'samovar_ledger_items never has state="opened"',
    'samovar_ledger_items never has stat="x"',
    'nobody exports samovar_never',
  ]);
  expect(wrongIn('samovar_events_total > 5')).toEqual([
    'samovar_events_total is a counter and is not asked for its increase',
  ]);
  expect(wrongIn('sum(samovar_ledger_items')).toEqual([expect.stringContaining('not PromQL at')]);
  expect(wrongIn('rte(samovar_events_total[5m])').length).toBeGreaterThan(0);
});

test('what was asked for is watched', () => {
  expect(rules.map(({ alert }) => alert)).toEqual([...new Set(rules.map(({ alert }) => alert))]);
  expect(rules.map(({ alert }) => alert)).toEqual(
    expect.arrayContaining([
      ...[
        'SamovarTableOld',
        'SamovarTableStale',
        'SamovarRowsStale',
        'SamovarTableLags',
        'SamovarRowLagHigh',
      ],
      ...['SamovarBucketQuiet', 'SamovarDeadLettersGrow', 'SamovarDeadLettersNew', 'SamovarStageSilent'],
      ...[
        'SamovarDiskNearlyFull',
        'SamovarDatabaseNearlyFull',
        'SamovarMonitorRoomLow',
        'SamovarLoadsRunOut',
      ],
      ...['SamovarMutationsStale', 'SamovarCacheStale', 'SamovarSupervisorBehind', 'SamovarRouterErrors'],
      ...['SamovarMonitorSilent', 'SamovarRestarts', 'SamovarLookupsFail'],
    ]),
  );
});

describe.each(rules.map((rule) => [rule.alert, rule] as const))('%s', (_, rule) => {
  test('asks for metrics, labels and values that the code exports', () => {
    expect(wrongIn(rule.expr)).toEqual([]);
  });

  test('tells of labels that its metrics have', () => {
    const known = labelsOf(metricsIn(rule.expr));
    const told = [...JSON.stringify(rule.annotations).matchAll(/\$labels\.(\w+)/g)].map(
      ([, name = '']) => name,
    );
    expect(told.filter((name) => !known.has(name))).toEqual([]);
    // What an aggregation drops cannot be told of.
    const { kept } = parseExpression(rule.expr);
    if (kept !== undefined) expect(told.filter((name) => !kept.includes(name))).toEqual([]);
  });

  test('has what Prometheus takes, a severity and words for people', () => {
    expect(
      Object.keys(rule).filter((key) => !['alert', 'expr', 'for', 'labels', 'annotations'].includes(key)),
    ).toEqual([]);
    if (rule.for !== undefined) expect(rule.for).toMatch(/^\d+[smh]$/);
    expect(['warning', 'critical']).toContain(rule.labels.severity);
    expect(rule.annotations.summary).toMatch(/^\S.+[^.]$/);
    expect(rule.annotations.description).toMatch(/\.$/);
  });
});

describe('the dashboard', () => {
  test.each(drawn.map((panel) => [panel.title, panel] as const))(
    '%s: draws what the code exports',
    (_, panel) => {
      for (const { expr, legendFormat } of panel.targets ?? []) {
        const plain = expr.replaceAll('$__rate_interval', '5m');
        expect(wrongIn(plain), expr).toEqual([]);
        const known = labelsOf(metricsIn(plain));
        const told = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, name = '']) => name);
        expect(told.filter((name) => !known.has(name))).toEqual([]);
      }
    },
  );

  test('has panels that do not lie on each other, and uses only variables it has', () => {
    expect(drawn.length).toBeGreaterThan(20);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const taken = new Set<string>();
    for (const { gridPos: at } of dashboard.panels) {
      expect(at.x + at.w).toBeLessThanOrEqual(24);
      for (let x = at.x; x < at.x + at.w; x += 1)
        for (let y = at.y; y < at.y + at.h; y += 1) {
          expect(taken.has(`${x},${y}`)).toBe(false);
          taken.add(`${x},${y}`);
        }
    }
    const variables = new Set(dashboard.templating.list.map(({ name }) => name));
    const used = [...JSON.stringify(dashboard.panels).matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name);
    expect(used.filter((name) => !variables.has(name) && name !== '__rate_interval')).toEqual([]);
  });

  test('has a line for each part that rules are about', () => {
    const parts = (exprs: readonly string[]) =>
      new Set(exprs.flatMap(metricsIn).flatMap((name) => /^samovar_([a-z]+)/.exec(name)?.[1] ?? []));
    const shown = parts(drawn.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)));
    const watched = parts(rules.map(({ expr }) => expr));
    // Of the process, and of a limit that is years away: rules are enough.
    const left = [...watched].filter(
      (part) => !shown.has(part) && !['lookup', 'sqlite', 'acknowledged'].includes(part),
    );
    expect(left).toEqual([]);
  });
});
