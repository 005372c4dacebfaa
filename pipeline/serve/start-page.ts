import { html } from 'hono/html';
import type { Served, ServedRepo } from './served.ts';

const ROWS_MAX = 500;
const STYLE = `
  body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd; }
  td.number { text-align: right; font-variant-numeric: tabular-nums; }
  code { background: #f4f4f4; padding: 0 .2rem; }`;

/** What is served, for a person: repositories with their state, and where everything is. */
export function startPage(served: Served) {
  const repos = served.repos();
  return html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Samovar: issues of GitHub repositories</title><style>${STYLE}</style></head>
<body>
<h1>Issues of ${repos.length === 1 ? 'a GitHub repository' : `${repos.length} GitHub repositories`}</h1>
<table>
<tr><th>repository</th><th>issues</th><th>pull requests</th><th>state</th><th></th></tr>
${repos.slice(0, ROWS_MAX).map(row)}
</table>
${repos.length > ROWS_MAX ? html`<p>and ${repos.length - ROWS_MAX} more</p>` : ''}
<h2>What can be asked</h2>
<ul>
<li><code>GET /api/v1/OWNER/REPO/issues</code>: <code>page_size</code>, <code>page_token</code>, <code>closed</code>,
<code>pull_request</code>, <code>comments</code>, <code>reviews</code>, <code>field_mask</code>,
<code>order_by=updated_at desc</code>, <code>filter=issue.priority == 'P1' &amp;&amp; !issue.closed</code></li>
<li><code>GET /api/v1/OWNER/REPO/issues/NUMBER</code></li>
<li><code>GET /api/v1/OWNER/repositories</code></li>
<li><code>GET /OWNER/REPO/logs</code>: the mutation log, for maintner's followers and <code>samovar mutation-log</code></li>
<li><a href="/healthz">/healthz</a>, <a href="/readyz">/readyz</a>, <a href="/metrics">/metrics</a></li>
</ul>
</body>
</html>
`;
}

function row({ repo, state, log }: ServedRepo) {
  const full = `${repo.owner}/${repo.name}`;
  const { issues, pulls } = repo.counts();
  return html`<tr><td><a href="https://github.com/${full}">${full}</a></td>
<td class="number">${issues}</td><td class="number">${pulls}</td><td>${state().detail}</td>
<td><a href="/api/v1/${full}/issues?closed=false&amp;page_size=20">open</a>${log === undefined ? '' : html` <a href="/${full}/logs">log</a>`}</td></tr>
`;
}
