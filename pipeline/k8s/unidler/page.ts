import { createHash } from 'node:crypto';
import { SamovarError } from '../../errors.ts';
import type { WakeEvent } from './contract.ts';
import type { State } from './look.ts';
import { SCRIPT, STYLE, TEMPLATE } from './page-parts.ts';

export interface PageOptions {
  /** What users know the place by. */
  readonly brand: string;
  /** HTML with {{head}} and {{content}}; {{title}} and {{brand}} too if it likes. */
  readonly template?: string;
}

export interface Shown {
  readonly state: State | 'failed';
  readonly events: readonly WakeEvent[];
  /** Where to go back to, a path of this host. */
  readonly back: string;
}

export interface Page {
  render(shown: Shown): string;
  /** Content-Security-Policy: the page's own styles and scripts by their hashes, and its own host. */
  readonly policy: string;
}

/** Of a page without scripts. */
const REFRESH_SECONDS = 5;

const TITLES: Readonly<Record<Shown['state'], string>> = {
  idle: 'This app is asleep',
  waking: 'The app is starting',
  live: 'The app is ready',
  failed: 'The app could not be started',
  unknown: 'There is no such app',
};

const EXPLAINED: Readonly<Record<Shown['state'], string>> = {
  idle: 'Nobody has used it for a while, so it was stopped to save resources. It takes a few minutes to start.',
  waking: 'Nobody has used it for a while, so it was stopped to save resources. You can wait here.',
  live: 'It is loaded in a moment.',
  failed: 'You can try again. If that does not help, tell the people who run it what is said here.',
  unknown: 'No app of this cluster has this address. Check it for mistakes.',
};

/** Throws `config` for a template without a place for what the page is for. */
export function createPage({ brand, template = TEMPLATE }: PageOptions): Page {
  for (const place of ['{{head}}', '{{content}}'])
    if (!template.includes(place))
      throw new SamovarError('config', `the page's template has no ${place}`, {
        remedy: `Write ${place} where it is to be.`,
      });
  const hashesOf = (tag: string, own: string) => {
    const given = [...template.matchAll(new RegExp(`<${tag}[^>]*>([^]*?)</${tag}>`, 'g'))];
    return [own, ...given.map(([, text = '']) => text)].map(hashOf).join(' ');
  };
  return {
    policy: [
      "default-src 'none'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'",
      `style-src ${hashesOf('style', STYLE)}; script-src ${hashesOf('script', SCRIPT)}; frame-ancestors 'self'`,
    ].join('; '),
    render: (shown) => {
      const parts: Readonly<Record<string, string>> = {
        title: TITLES[shown.state],
        brand: escaped(brand),
        head: headOf(shown),
        content: contentOf(shown),
      };
      return template.replace(/\{\{(\w+)\}\}/g, (whole, name: string) => parts[name] ?? whole);
    },
  };
}

function headOf({ state }: Shown): string {
  const refresh = state === 'waking' || state === 'live';
  const meta = `<noscript><meta http-equiv="refresh" content="${REFRESH_SECONDS}"></noscript>\n`;
  // Without it a browser asks for one, which is the app's.
  return `${refresh ? meta : ''}<link rel="icon" href="data:,">\n<style>${STYLE}</style>`;
}

function contentOf({ state, events, back }: Shown): string {
  const progress = events.filter(({ type }) => type === '').map(({ text }) => `<li>${escaped(text)}</li>`);
  const reason = events.find(({ type }) => type === 'error')?.text ?? '';
  const hidden = (isShown: boolean) => (isShown ? '' : ' hidden');
  const words = (['waking', 'live', 'failed'] as const)
    .map((each) => `data-title-${each}="${TITLES[each]}" data-explained-${each}="${EXPLAINED[each]}"`)
    .join(' ');
  const canStart = state === 'idle' || state === 'failed';
  return `<div id="unidler" data-state="${state}" ${words}>
<h1 data-part="title" aria-live="polite">${TITLES[state]}</h1>
<p data-part="explained">${EXPLAINED[state]}</p>
<div data-part="failure" class="failed" role="alert"${hidden(state === 'failed')}><p data-part="reason">${escaped(reason)}</p></div>
<div data-part="wait"${hidden(state === 'waking')}>
<ol data-part="progress" aria-live="polite" aria-label="Progress">${progress.join('')}</ol>
<p data-part="elapsed" class="soft"></p>
<noscript><p class="soft">This page is loaded anew every ${REFRESH_SECONDS} seconds.</p></noscript>
</div>
<form data-part="start" method="post" action="/wake?back=${escaped(encodeURIComponent(back))}"${hidden(canStart)}><p><button>${state === 'failed' ? 'Try again' : 'Start the app'}</button></p></form>
</div>
<script>${SCRIPT}</script>`;
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}'`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (each) => ENTITIES[each] ?? each);
}
