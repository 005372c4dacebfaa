import { html } from 'hono/html';
import { chart } from '../chart.ts';
import { askedDetails, page, section, sums } from '../layout.ts';
import type { BucketFreshness, DayCount, Overview } from '../models.ts';
import type { Html, PageContext } from '../page.ts';
import { table } from '../table.ts';
import { age, amount, counted, moment, named, percent } from '../words.ts';
import { failingTable } from './job-tables.ts';

/** How fresh it all is, how many builds passed, what fails now. */
export function overviewPage(model: Overview, context: PageContext): Html {
  const { head, links } = context;
  const { builds, jobs, passed, testsFailed, newestFinishedS, failingNow, asked } = model;
  const body = html`${sums([
    ['builds', builds, `in ${counted(head.windowDays, 'day')}`],
    ['passed', percent(passed, builds)],
    ['jobs', jobs],
    ['failing now', failingNow.length],
    ['tests failed', testsFailed],
    ['newest build', age(newestFinishedS, head)],
  ])}
${section('Failing now', html`${failingTable(failingNow, context)}<p><a href="${links.jobs()}">All jobs</a></p>${askedDetails(asked.jobs)}`)}
${section('Builds', html`<div class="charts">${buildsChart(model.days)}${rateChart(model.days)}</div>${askedDetails(asked.days)}`)}
${section('Freshness', html`${freshness(model.buckets, context)}${askedDetails(asked.buckets)}`)}`;
  return page({ title: 'Overview', kind: 'overview', body }, context);
}

export function buildsChart(days: readonly DayCount[]): Html {
  const busiest = days.reduce<DayCount | undefined>(
    (most, day) => (day.builds > (most?.builds ?? -1) ? day : most),
    undefined,
  );
  return chart({
    title: 'Builds a day',
    kind: 'stack',
    unit: 'count',
    gist: `${counted(total(days, 'builds'), 'build')} on ${counted(days.length, 'day')}, most on ${busiest?.day} (${busiest?.builds})`,
    columns: [
      { label: 'day', kind: 'short' },
      { label: 'passed', kind: 'number', tone: 'pass' },
      { label: 'not passed', kind: 'number', tone: 'fail' },
    ],
    rows: days.map(({ day, builds, passed }) => [
      day,
      { shown: amount(passed), by: passed },
      { shown: amount(builds - passed), by: builds - passed },
    ]),
  });
}

export function rateChart(days: readonly DayCount[]): Html {
  const last = days.at(-1);
  return chart({
    title: 'Pass rate',
    kind: 'lines',
    unit: 'share',
    gist: `${percent(total(days, 'passed'), total(days, 'builds'))} in all, ${last === undefined ? '' : percent(last.passed, last.builds)} on ${last?.day}`,
    columns: [
      { label: 'day', kind: 'short' },
      { label: 'pass rate', kind: 'number', tone: 'calm' },
    ],
    rows: days.map(({ day, builds, passed }) => [
      day,
      { shown: percent(passed, builds), by: builds === 0 ? '' : passed / builds },
    ]),
  });
}

function total(days: readonly DayCount[], what: 'builds' | 'passed'): number {
  return days.reduce((sum, day) => sum + day[what], 0);
}

function freshness(buckets: readonly BucketFreshness[], { head }: PageContext): Html {
  if (buckets.length === 0) return html`<p class="soft">There are no builds in this time.</p>`;
  return table(
    'Newest build of each bucket',
    [
      { label: 'Bucket' },
      { label: 'Builds', kind: 'number' },
      { label: 'Newest finished', kind: 'when' },
      { label: 'Which was', kind: 'when' },
    ],
    buckets.map(({ bucket, builds, newestFinishedS }) => [
      named(bucket),
      amount(builds),
      moment(newestFinishedS),
      age(newestFinishedS, head),
    ]),
  );
}
