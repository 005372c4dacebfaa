import { createHash } from 'node:crypto';
import { html } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

export interface Asset {
  readonly path: string;
  readonly type: string;
  readonly text: string;
}

/** Named by their content, so that a browser may keep them for ever. */
export const ASSETS: readonly Asset[] = [
  asset('style', 'css', 'text/css', STYLE),
  asset('live', 'js', 'text/javascript', SCRIPT),
];
const [STYLE_ASSET, SCRIPT_ASSET] = ASSETS;

export const PAGE_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

function asset(name: string, ending: string, type: string, text: string): Asset {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return { path: `/dashboard/assets/${name}.${hash}.${ending}`, type: `${type}; charset=utf-8`, text };
}

export interface PageParts {
  readonly title: string;
  readonly environment: string;
  readonly head?: Html;
  readonly body: Html;
  readonly isLive?: boolean;
}

export function page({ title, environment, head, body, isLive = false }: PageParts): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Samovar cache (${environment})</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${STYLE_ASSET?.path}">
${isLive ? html`<script src="${SCRIPT_ASSET?.path}" defer></script>` : ''}
</head>
<body>
<a class="skip" href="#main">To the content</a>
<header><h1>${title}</h1>${head ?? ''}</header>
<main id="main" tabindex="-1">
${body}
</main>
</body>
</html>
`;
}

export interface Column {
  readonly label: string;
  /** short: not wrapped. words: somebody's sentences. deed: buttons. */
  readonly kind?: 'number' | 'short' | 'words' | 'deed';
}

/** What there is nothing to say of; left out where there is no room. */
export const NONE = '–';

/** A table that is still one for screen readers when a narrow screen shows its rows as cards. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly unknown[])[],
): Html {
  const cell = (value: unknown, at: number) => {
    const kinds = [at === 0 ? 'first' : '', columns[at]?.kind ?? '', value === NONE ? 'none' : ''];
    const names = kinds.filter((kind) => kind !== '').join(' ');
    return html`<td role="cell" class="${names}" data-label="${columns[at]?.label}">${value}</td>`;
  };
  const head = columns.map(
    ({ label, kind = '' }) => html`<th role="columnheader" scope="col" class="${kind}">${label}</th>`,
  );
  return html`<table role="table"><caption><span class="hidden">${caption}</span></caption>
<thead role="rowgroup"><tr role="row">${head}</tr></thead>
<tbody role="rowgroup">${rows.map(
    (row) => html`<tr role="row">${row.map(cell)}</tr>
`,
  )}</tbody></table>`;
}
