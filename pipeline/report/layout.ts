import { html } from 'hono/html';
import { reportAssets } from './assets.ts';
import type { ViewKind } from './links.ts';
import type { Asked } from './models.ts';
import type { Html, PageContext } from './page.ts';
import { amount, moment, named, plain } from './words.ts';

/** What a page may load, as a server says it in `content-security-policy`: its own files, no script nor style in the page. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  'img-src data:',
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The same within a page: a folder has no server. (`frame-ancestors` is a header's only.) */
const STATIC_POLICY =
  "default-src 'none'; style-src 'self' file:; script-src 'self' file:; img-src data:; form-action 'none'; base-uri 'none'";

export interface PageParts {
  /** As text; shown as the heading, too, unless there is one of its own. */
  readonly title: string;
  readonly heading?: Html;
  readonly kind?: ViewKind;
  /** The job, test, path or id that the page is about. */
  readonly name?: string;
  readonly body: Html;
}

export function page(parts: PageParts, context: PageContext): Html {
  const { head, links, notice } = context;
  const { title, heading = title, body } = parts;
  const [style, ...scripts] = reportAssets();
  const policy = html`<meta http-equiv="content-security-policy" content="${STATIC_POLICY}">`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${links.isStatic ? policy : ''}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${plain(title)} · Samovar</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${links.asset(style?.file ?? '')}">
${scripts.map(({ file }) => html`<script src="${links.asset(file)}" defer></script>`)}
</head>
<body>
<a class="skip" href="#main">To the content</a>
<header><p class="brand"><a href="${links.overview()}">Samovar</a></p>${navigation(parts, context)}${links.isStatic ? '' : searchForm(context)}</header>
<main id="main" tabindex="-1">
<h1>${heading}</h1>
${notice === undefined ? '' : html`<p class="note warn" role="status">${notice}</p>`}
${body}
</main>
<footer><p>Table <code>${plain(head.table)}</code> of ${named(head.warehouse)}, ${head.windowDays} days, read ${moment(head.generatedS)} UTC.${apiLink(parts, context)}</p></footer>
</body>
</html>
`;
}

const SECTIONS = [
  ['overview', 'Overview'],
  ['jobs', 'Jobs'],
  ['tests', 'Tests'],
  ['clusters', 'Failures'],
] as const;

function navigation({ kind }: PageParts, { links }: PageContext): Html {
  const items = SECTIONS.map(([section, label]) => {
    const here = kind === section ? html` aria-current="page"` : '';
    return html`<li><a href="${links[section]()}"${here}>${label}</a></li>`;
  });
  return html`<nav aria-label="Sections"><ul>${items}</ul></nav>`;
}

function searchForm({ links }: PageContext): Html {
  return html`<form role="search" action="${links.tests()}" method="get"><label class="hidden" for="find-test">Find a test</label><input type="search" id="find-test" name="q" placeholder="Find a test" maxlength="300"></form>`;
}

function apiLink({ kind, name }: PageParts, { links }: PageContext): Html | string {
  const address = kind === undefined ? undefined : links.api(kind, name);
  return address === undefined ? '' : html` <a href="${address}">This page as JSON</a>`;
}

/** The SQL behind a view, and the command that asks the same. */
export function askedDetails(asked: Asked, what = 'The query'): Html {
  const command =
    asked.command === undefined
      ? ''
      : html`<p>The same on the command line: <code>${plain(asked.command)}</code></p>`;
  return html`<details class="asked"><summary>${what}</summary>${command}<pre tabindex="0" role="region" aria-label="${what}"><code>${plain(asked.sql)}</code></pre></details>`;
}

export type Fact = readonly [label: string, value: string | number | Html, note?: string];

/** A few figures at a page's head. */
export function sums(facts: readonly Fact[]): Html {
  const shown = facts.map(([label, value, note]) => {
    const text = typeof value === 'number' ? amount(value) : value;
    return html`<div><dt>${label}</dt><dd>${text}${note === undefined ? '' : html` <span class="soft">${note}</span>`}</dd></div>`;
  });
  return html`<dl class="sums">${shown}</dl>`;
}

/** A part of a page under a heading of its own. */
export function section(heading: string, body: Html): Html {
  return html`<section><h2>${heading}</h2>${body}</section>
`;
}
