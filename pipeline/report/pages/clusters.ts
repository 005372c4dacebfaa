import { html } from 'hono/html';
import type { ClusterPart, FailureCluster } from '../../triage/types.ts';
import { chart } from '../chart.ts';
import { page, section, sums } from '../layout.ts';
import type { ClusterList } from '../models.ts';
import type { Html, PageContext } from '../page.ts';
import { table } from '../table.ts';
import { amount, counted, moment, NONE, named, plain } from '../words.ts';
import { failureText, shownHeadline } from './texts.ts';

/** Failures whose texts are nearly the same, most builds first. */
export function clustersPage({ result, known }: ClusterList, context: PageContext): Html {
  const { clusters, clustersTotal, failures, builds } = result;
  const command = `samovar triage --days ${context.head.windowDays}`;
  const how = html`<p class="soft">Grouped by <code>${command}</code>: failures whose texts are nearly the same, over all jobs and tests.</p>`;
  const body = !known
    ? html`<p>Failures have not been grouped yet. This groups them:</p><pre tabindex="0" role="region" aria-label="Command"><code>${command}</code></pre>`
    : html`${sums([
        ['groups', clustersTotal],
        ['failures', failures],
        ['builds with a failure', builds],
      ])}<section>${clusters.length === 0 ? html`<p class="soft">There are no failures in this time.</p>` : clustersTable(clusters, context)}${
        clusters.length < clustersTotal
          ? html`<p class="soft">The largest ${amount(clusters.length)} are shown.</p>`
          : ''
      }${how}</section>`;
  return page({ title: 'Failures', kind: 'clusters', body }, context);
}

function clustersTable(clusters: readonly FailureCluster[], { links }: PageContext): Html {
  return table(
    'Groups of failures',
    [
      { label: 'Failure', kind: 'wide', sort: 'up' },
      { label: 'Builds', kind: 'number', sort: 'down' },
      { label: 'Failures', kind: 'number', sort: 'down' },
      { label: 'Jobs', kind: 'number', sort: 'down' },
      { label: 'Tests', kind: 'number', sort: 'down' },
      { label: 'Owner', sort: 'up' },
      { label: 'First seen', kind: 'when', sort: 'down' },
      { label: 'Last seen', kind: 'when', sort: 'down' },
    ],
    clusters.map((one) => [
      {
        shown: named(shownHeadline(one.text), links.cluster(one.id)),
        by: one.text.slice(0, 80).toWellFormed(),
      },
      { shown: amount(one.builds), by: one.builds },
      { shown: amount(one.failures), by: one.failures },
      { shown: amount(one.jobsTotal), by: one.jobsTotal },
      { shown: amount(one.testsTotal), by: one.testsTotal },
      { shown: one.owner === undefined ? NONE : plain(one.owner), by: one.owner ?? '' },
      { shown: moment(one.firstSeen), by: one.firstSeen },
      { shown: moment(one.lastSeen), by: one.lastSeen },
    ]),
    { key: 'groups', searched: 'failures' },
  );
}

/** One group: its text, when it happened, where. */
export function clusterPage(cluster: FailureCluster, context: PageContext): Html {
  const { id, text, owner, builds, failures, firstSeen, lastSeen, jobs, jobsTotal, tests, testsTotal } =
    cluster;
  const { links } = context;
  const body = html`${sums([
    ['builds', builds],
    ['failures', failures],
    ['first seen', moment(firstSeen)],
    ['last seen', moment(lastSeen)],
    ...(owner === undefined ? [] : [['owner', plain(owner)] as const]),
  ])}
${section('Text', failureText(text))}
${section('Day by day', daysChart(cluster))}
${section('Jobs', parts('Job', jobs, jobsTotal, links.job))}
${section('Tests', parts('Test', tests, testsTotal, links.test))}
${section('Newest failures', examples(cluster, context))}`;
  const title = shownHeadline(text, 80);
  return page({ title, heading: named(title), kind: 'cluster', name: id, body }, context);
}

function daysChart({ perDay, builds }: FailureCluster): Html {
  return chart({
    title: 'Builds with this failure a day',
    kind: 'stack',
    unit: 'count',
    gist: `${counted(builds, 'build')} on ${counted(perDay.length, 'day')}`,
    columns: [
      { label: 'day', kind: 'short' },
      { label: 'builds', kind: 'number', tone: 'fail' },
      { label: 'failures', kind: 'number' },
    ],
    rows: perDay.map((one) => [
      one.day,
      { shown: amount(one.builds), by: one.builds },
      { shown: amount(one.failures), by: one.failures },
    ]),
  });
}

function parts(
  what: 'Job' | 'Test',
  list: readonly ClusterPart[],
  total: number,
  link: (name: string) => string | undefined,
): Html {
  const more = total - list.length;
  return html`${table(
    `${what}s with this failure`,
    [
      { label: what, sort: 'up' },
      { label: 'Builds', kind: 'number', sort: 'down' },
      { label: 'Failures', kind: 'number', sort: 'down' },
    ],
    list.map(({ name, builds, failures }) => [
      { shown: named(name, link(name)), by: name },
      { shown: amount(builds), by: builds },
      { shown: amount(failures), by: failures },
    ]),
    { key: what === 'Job' ? 'jobs' : 'tests', searched: `${what.toLowerCase()}s` },
  )}${more > 0 ? html`<p class="soft">and ${amount(more)} more</p>` : ''}`;
}

function examples({ examples: list }: FailureCluster, { links }: PageContext): Html {
  return table(
    'Newest failures',
    [{ label: 'Finished', kind: 'when' }, { label: 'Build' }, { label: 'Job' }, { label: 'Test' }],
    list.map(({ path, job, test, finished }) => [
      moment(finished),
      named(path.split('/').filter(Boolean).at(-1) ?? path, links.build(path)),
      named(job, links.job(job)),
      named(test, links.test(test)),
    ]),
  );
}
