import { html } from 'hono/html';
import { chart } from '../chart.ts';
import { askedDetails, page, section, sums } from '../layout.ts';
import type { TestPage } from '../models.ts';
import type { Html, PageContext } from '../page.ts';
import { strip } from '../strip.ts';
import { table } from '../table.ts';
import { amount, counted, lasted, moment, NONE, named, percent } from '../words.ts';
import { failureText } from './texts.ts';

/** One test over all jobs. */
export function testPage(model: TestPage, context: PageContext): Html {
  const { test, jobs, days, failures, asked } = model;
  const total = (what: 'runs' | 'failed' | 'flaky') => jobs.reduce((sum, job) => sum + job[what], 0);
  const body = html`${sums([
    ['ran', total('runs')],
    ['failed', total('failed')],
    ['flaky', total('flaky')],
    ['failure rate', percent(total('failed'), total('runs'))],
    ['jobs', jobs.length],
  ])}
${section('By job', html`${jobsOf(model, context)}${askedDetails(asked)}`)}
${section('Day by day', daysChart(days))}
${section('Last failures', failuresOf(failures, context))}`;
  return page({ title: test, heading: named(test), kind: 'test', name: test, body }, context);
}

function jobsOf({ jobs }: TestPage, { links }: PageContext): Html {
  return table(
    'This test by job',
    [
      { label: 'Job', sort: 'up' },
      { label: 'Builds, newest first', kind: 'wide' },
      { label: 'Ran', kind: 'number', sort: 'down' },
      { label: 'Failed', kind: 'number', sort: 'down' },
      { label: 'Flaky', kind: 'number', sort: 'down' },
      { label: 'Median', kind: 'number', sort: 'down' },
      { label: 'Last failed', kind: 'when', sort: 'down' },
    ],
    jobs.map(({ job, runs, failed, flaky, p50S, marks, lastFailedS }) => [
      { shown: named(job, links.job(job)), by: job },
      strip(marks),
      { shown: amount(runs), by: runs },
      { shown: failed === 0 ? NONE : amount(failed), by: failed },
      { shown: flaky === 0 ? NONE : amount(flaky), by: flaky },
      { shown: lasted(p50S), by: p50S ?? '' },
      { shown: moment(lastFailedS), by: lastFailedS ?? '' },
    ]),
    { key: 'jobs', searched: 'jobs' },
  );
}

function daysChart(days: TestPage['days']): Html {
  const [runs, failed] = [sum(days, 'runs'), sum(days, 'failed')];
  return chart({
    title: 'Runs a day',
    kind: 'stack',
    unit: 'count',
    gist: `${counted(runs, 'run')} on ${counted(days.length, 'day')}, ${amount(failed)} failed`,
    columns: [
      { label: 'day', kind: 'short' },
      { label: 'passed', kind: 'number', tone: 'pass' },
      { label: 'failed', kind: 'number', tone: 'fail' },
    ],
    rows: days.map((day) => [
      day.day,
      { shown: amount(day.runs - day.failed), by: day.runs - day.failed },
      { shown: amount(day.failed), by: day.failed },
    ]),
  });
}

function sum(days: TestPage['days'], what: 'runs' | 'failed'): number {
  return days.reduce((total, day) => total + day[what], 0);
}

function failuresOf(failures: TestPage['failures'], { links }: PageContext): Html {
  if (failures.length === 0) return html`<p class="soft">It has not failed in this time.</p>`;
  const items = failures.map(
    ({ path, job, startedS, text }) =>
      html`<li><p>${moment(startedS)} ${named(job, links.build(path) ?? links.job(job))}</p>${failureText(text)}</li>`,
  );
  return html`<ol class="failures">${items}</ol>`;
}
