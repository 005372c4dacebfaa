import { html } from 'hono/html';
import { chart } from '../chart.ts';
import { gridView } from '../grid.ts';
import { askedDetails, page, section, sums } from '../layout.ts';
import type { JobPage } from '../models.ts';
import type { Html, PageContext } from '../page.ts';
import { table } from '../table.ts';
import { amount, lasted, moment, named, outcome, percent } from '../words.ts';
import { flakyTable, health } from './job-tables.ts';
import { buildsChart, rateChart } from './overview.ts';

const BUILDS_LISTED = 50;

/** One job: its grid, its flaky tests, how long it takes, its last builds. */
export function jobPage(model: JobPage, context: PageContext): Html {
  const { summary, grid, days, flaky, asked } = model;
  const flakyPart =
    flaky.length === 0
      ? html`<p class="soft">No test had both answers on one commit, or passed on a retry.</p>`
      : flakyTable(flaky, context, { withJob: false, key: 'flaky' });
  const body = html`${sums([
    ['health', health(summary)],
    ['builds', summary.runs],
    ['passed', percent(summary.passed, summary.runs)],
    ['median', lasted(summary.p50S)],
    ['99%', lasted(summary.p99S)],
    ['last passed', summary.lastPassedS === null ? 'not in this time' : moment(summary.lastPassedS)],
  ])}
${section('Tests by builds', html`${gridView(grid, context)}${askedDetails(grid.asked)}`)}
${section('Flaky tests', html`${flakyPart}${askedDetails(asked.flaky)}`)}
${section('Day by day', html`<div class="charts">${durationChart(days)}${rateChart(days)}${buildsChart(days)}</div>${askedDetails(asked.days)}`)}
${section('Last builds', buildsTable(model, context))}`;
  return page(
    { title: summary.job, heading: named(summary.job), kind: 'job', name: summary.job, body },
    context,
  );
}

function durationChart(days: JobPage['days']): Html {
  const known = days.filter(({ p50S }) => p50S !== null);
  const [first, last] = [known[0], known.at(-1)];
  return chart({
    title: 'Duration',
    kind: 'lines',
    unit: 'seconds',
    gist:
      first === undefined || last === undefined
        ? 'unknown'
        : `median ${lasted(first.p50S)} on ${first.day}, ${lasted(last.p50S)} on ${last.day}`,
    columns: [
      { label: 'day', kind: 'short' },
      { label: 'median', kind: 'number', tone: 'calm' },
      { label: '99%', kind: 'number', tone: 'soft' },
    ],
    rows: days.map(({ day, p50S, p99S }) => [
      day,
      { shown: lasted(p50S), by: p50S ?? '' },
      { shown: lasted(p99S), by: p99S ?? '' },
    ]),
  });
}

function buildsTable({ grid }: JobPage, { links }: PageContext): Html {
  return table(
    'Last builds, newest first',
    [
      { label: 'Build' },
      { label: 'Result', kind: 'short' },
      { label: 'Started', kind: 'when' },
      { label: 'Took', kind: 'number' },
      { label: 'Tests', kind: 'number' },
      { label: 'Failed', kind: 'number' },
    ],
    grid.builds
      .slice(0, BUILDS_LISTED)
      .map(({ path, number, passed, startedS, elapsedS, testsRun, testsFailed }) => [
        named(number ?? path, links.build(path)),
        outcome(passed),
        moment(startedS),
        lasted(elapsedS),
        amount(testsRun ?? 0),
        amount(testsFailed ?? 0),
      ]),
  );
}
