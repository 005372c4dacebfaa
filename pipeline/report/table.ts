import { html } from 'hono/html';
import type { Html } from './page.ts';
import { NONE, plain } from './words.ts';

export interface Column {
  readonly label: string;
  /** short: not wrapped. when: a moment. wide: somebody's words, a row of its own on a phone. strips: thirty builds. */
  readonly kind?: 'number' | 'short' | 'when' | 'wide' | 'strips';
  /** What readers may sort by, and which way first; left out: nothing. */
  readonly sort?: 'up' | 'down';
  /** How a chart draws it: `pass`, `fail`, `flake`, `calm`, `soft`. */
  readonly tone?: string;
}

/** What a cell shows, and what it is sorted (and drawn) by where that differs. */
export interface Cell {
  readonly shown: unknown;
  readonly by: string | number | null;
}

export interface TableOptions {
  /** In the address's state: `jobs.sort=-runs`. Readers may sort and search then; without scripts it stays as it is. */
  readonly key?: string;
  /** What is searched for: `jobs`. */
  readonly searched?: string;
}

/** A table that is still one for screen readers when a narrow screen shows its rows as cards. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly unknown[])[],
  { key, searched = 'rows' }: TableOptions = {},
): Html {
  const head = columns.map(({ label, kind = '', sort, tone }) => {
    const data = [sort && html` data-sort="${sort}"`, tone && html` data-tone="${tone}"`].map(
      (one) => one ?? '',
    );
    return html`<th role="columnheader" scope="col" class="${kind}"${data}>${label}</th>`;
  });
  const body = rows.map(
    (row) => html`<tr role="row">${row.map((value, at) => cell(value, columns[at], at))}</tr>
`,
  );
  const whole = html`<table role="table"${key === undefined ? '' : html` data-key="${key}"`}><caption><span class="hidden">${caption}</span></caption>
<thead role="rowgroup"><tr role="row">${head}</tr></thead>
<tbody role="rowgroup">${body}</tbody></table>`;
  return key === undefined ? whole : html`${tools(key, searched)}${whole}`;
}

function cell(value: unknown, column: Column | undefined, at: number): Html {
  const isCell = typeof value === 'object' && value !== null && 'by' in value;
  const { shown, by } = isCell ? (value as Cell) : { shown: value, by: null };
  const kinds = [at === 0 ? 'first' : '', column?.kind ?? '', shown === NONE ? 'none' : ''];
  const data = by === null ? '' : html` data-by="${typeof by === 'string' ? plain(by) : by}"`;
  return html`<td role="cell" class="${kinds.filter((kind) => kind !== '').join(' ')}" data-label="${column?.label}"${data}>${shown}</td>`;
}

/** A search box and, where a phone shows no head, a choice of order: of use with scripts only. */
function tools(key: string, searched: string): Html {
  return html`<div class="tools" data-tools="${key}" hidden><label>Find <input type="search" data-role="find" aria-label="Find ${searched}"></label><label class="narrow-only">Sort by <select data-role="order"></select></label><span class="soft" role="status" data-role="count"></span></div>`;
}
