import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Sample } from '../monitor/page.ts';
import { exportedPages } from './monitoring-pages.ts';

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

interface Selector {
  readonly metric: string;
  readonly label: string;
  readonly how: string;
  readonly value: string;
}

/** What an expression wants of labels, by metric. */
function selectorsIn(expr: string): readonly Selector[] {
  return [...expr.matchAll(/([a-zA-Z_:][\w:]*)\{([^}]*)\}/g)].flatMap(([, metric = '', inside = '']) =>
    [...inside.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)].map(([, label = '', how = '', value = '']) => ({
      ...{ metric, label, how, value },
    })),
  );
}

/** The labels an expression names: in its selectors and in the lists of its aggregations. */
function labelsIn(expr: string): readonly string[] {
  const lists = [...expr.matchAll(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((name) => name.trim()),
  );
  return [...selectorsIn(expr).map(({ label }) => label), ...lists];
}

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
  const names = metricsIn(expr);
  const known = new Set(samples.map(({ name }) => name));
  const labels = labelsOf(names);
  return [
    ...(names.length === 0 ? ['it names no metric'] : []),
    ...names.filter((name) => !known.has(name)).map((name) => `nobody exports ${name}`),
    ...labelsIn(expr)
      .filter((name) => !labels.has(name))
      .map((name) => `none of its metrics has the label ${name}`),
    ...selectorsIn(expr)
      .filter(({ metric, label }) => !ADDED.includes(label) && !labelsOf([metric]).has(label))
      .map(({ metric, label }) => `${metric} has no label ${label}`),
    ...unseenValues(expr),
    ...misusedCounters(expr),
    ...(expr.split('(').length === expr.split(')').length ? [] : ['its brackets do not match']),
  ];
}

/** A value that is asked for as it is must be one that the code gives. */
function unseenValues(expr: string): readonly string[] {
  return selectorsIn(expr)
    .filter(({ how, label }) => how === '=' && !ADDED.includes(label))
    .filter(
      ({ metric, label, value }) =>
        !samples.some((one) => one.name === metric && one.labels[label] === value),
    )
    .map(({ metric, label, value }) => `${metric} never has ${label}="${value}"`);
}

/** Counters are asked for their increase, never for their value: but as a mark of our own processes. */
function misusedCounters(expr: string): readonly string[] {
  return metricsIn(expr)
    .filter((each) => types.get(each) === 'counter')
    .filter((name) => {
      const uses = expr.split(name).length - 1;
      const inRange = expr.match(new RegExp(`(increase|rate)\\(${name}(\\{[^}]*\\})?\\[`, 'g'))?.length ?? 0;
      const asMark = expr.match(new RegExp(`and on \\(job, instance\\) ${name}\\s*$`, 'g'))?.length ?? 0;
      return inRange + asMark !== uses;
    })
    .map((name) => `${name} is a counter and is not asked for its increase`);
}

test('the names in an expression are found', () => {
  const expr =
    'sum by (job, le) (rate(a_total{x="b_c", y=~"d"}[5m])) > 1e6 unless on (k) e:f / time() and g < 0.5';
  expect(metricsIn(expr)).toEqual(['a_total', 'e:f', 'g']);
  expect(labelsIn(expr)).toEqual(['x', 'y', 'job', 'le', 'k']);
});

test('an expression that asks for what is not there is told of', () => {
  expect(wrongIn('sum by (tabel) (samovar_ledger_items{state="opened"}) > samovar_never')).toEqual([
    'nobody exports samovar_never',
    'none of its metrics has the label tabel',
    'samovar_ledger_items never has state="opened"',
  ]);
  expect(wrongIn('samovar_events_total > 5')).toEqual([
    'samovar_events_total is a counter and is not asked for its increase',
  ]);
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
    const kept = /^\s*(?:\(?\s*)?(?:sum|max|min|count)\s+by \(([^)]*)\)/.exec(rule.expr)?.[1]?.split(/,\s*/);
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

const promtool = spawnSync('promtool', ['--version']).status === 0;
test.skipIf(!promtool)(
  'Prometheus itself takes the rules (needs promtool, of the package prometheus)',
  () => {
    expect(execFileSync('promtool', ['check', 'rules', RULES_FILE], { encoding: 'utf8' })).toContain(
      'SUCCESS',
    );
  },
);
