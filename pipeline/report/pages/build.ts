import { html } from 'hono/html';
import { askedDetails, page, section, sums } from '../layout.ts';
import type { BuildPage, CellMark } from '../models.ts';
import type { Html, PageContext } from '../page.ts';
import { table } from '../table.ts';
import { amount, counted, lasted, moment, NONE, named, outcome, pill, plain } from '../words.ts';
import { failureText } from './texts.ts';

const VALUE_CHARS = 2_000;

/** One build: its result, its tests, what it says of itself, and where its files lie. */
export function buildPage(model: BuildPage, context: PageContext): Html {
  const { build, finishedS, tests, testsTotal, asked } = model;
  const { links } = context;
  const failed = tests.filter(({ mark }) => mark === 'F');
  const others = tests.filter(({ mark }) => mark !== 'F');
  const name = build.number ?? build.path;
  const body = html`<p>A build of ${named(build.job, links.job(build.job))}</p>
${sums([
  ['result', outcome(build.passed)],
  ['started', moment(build.startedS)],
  ['finished', moment(finishedS)],
  ['took', lasted(build.elapsedS)],
  ['tests', build.testsRun ?? testsTotal],
  ['failed', build.testsFailed ?? failed.length],
])}
${section('Files', artifacts(build.path, context))}
${failed.length === 0 ? '' : section('Failed tests', failures(failed, context))}
${section('Tests', html`${testsTable(others, model, context)}${askedDetails(asked)}`)}
${section('What it says of itself', facts(model))}`;
  return page(
    {
      title: `Build ${name} of ${build.job}`,
      heading: html`Build ${named(name)}`,
      kind: 'build',
      name: build.path,
      body,
    },
    context,
  );
}

function artifacts(path: string, { links }: PageContext): Html {
  const address = links.artifacts(path);
  if (address === undefined) return html`<p><code>${named(path)}</code></p>`;
  return html`<p><a class="name" href="${address}" rel="noreferrer"><bdi>${plain(path)}</bdi></a></p>`;
}

function failures(tests: BuildPage['tests'], { links }: PageContext): Html {
  const items = tests.map(
    ({ test, timeS, text }) =>
      html`<li><p>${named(test, links.test(test))} <span class="soft">${timeS === null ? '' : lasted(timeS)}</span></p>${failureText(text)}</li>`,
  );
  return html`<ol class="failures">${items}</ol>`;
}

const MARKS: Readonly<Record<CellMark, Html | string>> = {
  P: pill('good', '✓ passed'),
  F: pill('bad', '✗ failed'),
  L: pill('warn', '~ flaky'),
  ' ': NONE,
};

function testsTable(
  tests: BuildPage['tests'],
  { tests: all, testsTotal }: BuildPage,
  { links }: PageContext,
): Html {
  if (testsTotal === 0) return html`<p class="soft">It has told of no test.</p>`;
  const bounded =
    all.length < testsTotal
      ? html`<p class="soft">${amount(all.length)} of ${counted(testsTotal, 'test')} are shown: failed ones, flaky ones, then the slowest.</p>`
      : '';
  if (tests.length === 0) return html`<p class="soft">All its tests failed.</p>`;
  return html`${bounded}${table(
    'Tests that did not fail',
    [
      { label: 'Test', sort: 'up' },
      { label: 'Result', kind: 'short', sort: 'down' },
      { label: 'Took', kind: 'number', sort: 'down' },
    ],
    tests.map(({ test, mark, timeS }) => [
      { shown: named(test, links.test(test)), by: test },
      { shown: MARKS[mark], by: mark === 'L' ? 1 : 0 },
      { shown: lasted(timeS), by: timeS ?? '' },
    ]),
    { key: 'tests', searched: 'tests' },
  )}`;
}

function facts({ build, executor, version, truncated, metadata }: BuildPage): Html {
  const own = [
    ['path', build.path],
    ['result', build.result],
    ['commit', build.commit],
    ['executor', executor],
    ['version', version],
    ['cut off', truncated],
  ] as const;
  const rows = [
    ...own.flatMap(([key, value]) => (value === null ? [] : [[key, html`<code>${short(value)}</code>`]])),
    ...metadata.map(({ key, value }) => [named(key), html`<code>${short(value)}</code>`]),
  ];
  return table('Metadata', [{ label: 'Key' }, { label: 'Value', kind: 'wide' }], rows);
}

function short(value: string): Html {
  const text = plain(value);
  return html`<bdi>${text.length <= VALUE_CHARS ? text : `${text.slice(0, VALUE_CHARS).toWellFormed()}…`}</bdi>`;
}
