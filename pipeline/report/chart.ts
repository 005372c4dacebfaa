import { html } from 'hono/html';
import type { Html } from './page.ts';
import { type Column, table } from './table.ts';

export interface Chart {
  readonly title: string;
  /** stack: bars on one another. lines: one each. */
  readonly kind: 'stack' | 'lines';
  /** How values are written at the axis. */
  readonly unit: 'count' | 'share' | 'seconds';
  /** What one sees in it, in words, for those who do not. */
  readonly gist: string;
  /** The first column is the day, the others are drawn where they have a tone. */
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly unknown[])[];
}

/** A picture of the table beside it: a script draws it; without one the table is what there is. */
export function chart({ title, kind, unit, gist, columns, rows }: Chart): Html {
  if (rows.length === 0) return html`<p class="soft">${title}: nothing in this time.</p>`;
  return html`<figure class="chart" data-chart="${kind}" data-unit="${unit}">
<figcaption>${title}</figcaption>
<div class="plot" role="img" aria-label="${title}: ${gist}" hidden></div>
<details class="data"><summary>As a table<span class="hidden"> (${title})</span></summary>${table(title, columns, rows)}</details>
</figure>
`;
}
