import { html } from 'hono/html';
import { page } from '../layout.ts';
import type { FlakyTest } from '../models.ts';
import type { Html, PageContext } from '../page.ts';
import { plain } from '../words.ts';
import { flakyTable } from './job-tables.ts';

export interface TestsModel {
  /** What was searched for; empty: everything that fails or flakes, the worst first. */
  readonly search: string;
  readonly tests: readonly FlakyTest[];
}

/** Tests that fail or flake, or those whose name holds what was searched for. */
export function testsPage({ search, tests }: TestsModel, context: PageContext): Html {
  const said =
    search === ''
      ? html`<p class="soft">Those that fail most first${context.links.isStatic ? '' : '; search for others above'}.</p>`
      : html`<p>Tests whose name holds “<bdi>${plain(search)}</bdi>”:</p>`;
  const body =
    tests.length === 0
      ? html`<p class="soft">${search === '' ? 'No test has failed in this time.' : 'No test of this time has such a name.'}</p>`
      : flakyTable(tests, context, { withJob: true, key: 'tests' });
  return page(
    {
      title: search === '' ? 'Tests' : `Tests: ${search}`,
      heading: html`Tests`,
      kind: 'tests',
      name: search,
      body: html`<section>${said}${body}<p class="soft">Flaky ones on the command line: <code>samovar query flaky-tests --days ${context.head.windowDays}</code></p></section>`,
    },
    context,
  );
}
