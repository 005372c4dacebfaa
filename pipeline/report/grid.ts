import { html, raw } from 'hono/html';
import type { BuildSummary, CellMark, Grid } from './models.ts';
import type { Html, PageContext } from './page.ts';
import { strip } from './strip.ts';
import { table } from './table.ts';
import { amount, clipped, counted, named, plain, utc } from './words.ts';

const TABLE_MARKS = 30;
const NAME_CHARS = 500;

/** Each mark with its word; scripts/grid draws the same shapes. */
const LEGEND: readonly (readonly [CellMark, string])[] = [
  ['P', 'passed'],
  ['F', 'failed'],
  ['L', 'flaky: failed, then passed'],
  [' ', 'did not run'],
];

/** What the script draws: names, marks, and where a build and a test have their pages. */
interface GridData {
  readonly job: string;
  readonly builds: readonly {
    readonly name: string;
    readonly at: string;
    readonly mark: string;
    readonly href: string | null;
  }[];
  readonly rows: readonly { readonly test: string; readonly marks: string; readonly href: string | null }[];
}

/** Tests × builds, as a picture that scrolls, and as a table. */
export function gridView(grid: Grid, context: PageContext): Html {
  const { builds, rows, testsTotal } = grid;
  if (builds.length === 0) return html`<p class="soft">There are no builds in this time.</p>`;
  const bounded =
    rows.length < testsTotal
      ? html`<p class="soft">${amount(rows.length)} of ${counted(testsTotal, 'test')}: those that fail most first.</p>`
      : '';
  if (rows.length === 0)
    return html`<p class="soft">None of ${counted(builds.length, 'build')} has told of a test.</p>`;
  return html`${bounded}<div class="gridbox" data-key="grid" hidden>
<div class="tools"><label>Find <input type="search" data-role="find" aria-label="Find tests"></label><label>Order <select data-role="order"><option value="">most failures first</option><option value="name">by name</option></select></label><span class="soft" role="status" data-role="count"></span></div>
<ul class="legend">${LEGEND.map(([mark, words]) => html`<li><i class="cell c${mark === ' ' ? 'N' : mark}" aria-hidden="true"></i> ${words}</li>`)}</ul>
<div class="grid" role="grid" tabindex="0" aria-label="Tests by builds, newest build first" aria-describedby="grid-help" aria-readonly="true"></div>
<p class="said"><span role="status" data-role="said"></span> <a data-role="open" hidden>Open the build</a></p>
<p class="soft" id="grid-help">Arrow keys move from cell to cell, Enter opens the build or, on a name, the test. Home, End, Page Up and Page Down go far.</p>
<script type="application/json">${raw(scriptJson(dataOf(grid, context)))}</script>
</div>
<details class="data"><summary>As a table<span class="hidden"> (tests by builds)</span></summary>${gridTable(grid, context)}</details>`;
}

function dataOf({ job, builds, rows }: Grid, { links }: PageContext): GridData {
  return {
    job: plain(job),
    builds: builds.map((build) => ({
      name: buildName(build),
      at: build.startedS === null ? '' : utc(build.startedS),
      mark: build.passed === null ? ' ' : build.passed ? 'P' : 'F',
      href: links.build(build.path) ?? null,
    })),
    rows: rows.map(({ test, marks }) => ({
      test: clipped(plain(test), NAME_CHARS),
      marks,
      href: links.test(test) ?? null,
    })),
  };
}

function buildName({ number, path }: BuildSummary): string {
  return plain(number ?? path);
}

function gridTable({ rows }: Grid, { links }: PageContext): Html {
  return table(
    'Tests, those that fail most first',
    [
      { label: 'Test' },
      { label: 'Ran', kind: 'number' },
      { label: 'Failed', kind: 'number' },
      { label: 'Flaky', kind: 'number' },
      { label: `Last ${TABLE_MARKS} builds, newest first`, kind: 'strips' },
    ],
    rows.map(({ test, ran, failed, flaky, marks }) => [
      named(test, links.test(test)),
      amount(ran),
      amount(failed),
      amount(flaky),
      strip(marks.slice(0, TABLE_MARKS)),
    ]),
  );
}

/** JSON within a script element: `<` would end it or begin a comment. */
export function scriptJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('>', '\\u003e')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}
