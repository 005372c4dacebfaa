import { html } from 'hono/html';
import type { Html } from './page.ts';

/** Where there is nothing to say; left out where there is no room. */
export const NONE = '–';

/** Tests' names and failures' texts may be any length: what a page shows of a name. */
const NAME_CHARS = 240;
const TITLE_CHARS = 2_000;

/**
 * Text from outside, for a page: control characters, and those that turn the direction of writing, become visible: neither can
 * make a name look like another. Escaping is `html`'s.
 */
export function plain(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

/** The beginning and the end of what is too long: names of tests differ at their end. */
export function clipped(text: string, charsMax = NAME_CHARS): string {
  if (text.length <= charsMax) return text;
  const half = Math.floor((charsMax - 1) / 2);
  return `${text.slice(0, half)}…${text.slice(-half)}`.toWellFormed();
}

/** A name from outside. `bdi` keeps characters that turn the direction of writing to themselves. */
export function named(text: string, href?: string): Html {
  const whole = plain(text);
  const shown = clipped(whole);
  const inner = html`<bdi>${shown === '' ? '(no name)' : shown}</bdi>`;
  const title = shown === whole ? '' : html` title="${clipped(whole, TITLE_CHARS)}"`;
  if (href === undefined) return html`<span class="name"${title}>${inner}</span>`;
  return html`<a class="name" href="${href}"${title}>${inner}</a>`;
}

/** `21,480`. */
export function amount(count: number): string {
  return count.toLocaleString('en');
}

/** `1 build`, `21,480 builds`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${amount(count)} ${count === 1 ? one : many}`;
}

/** `97.3%`; never `100%` where something failed, nor `0%` where something passed. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return NONE;
  const share = (100 * part) / whole;
  if (part < whole && share > 99.9) return '>99.9%';
  if (part > 0 && share < 0.1) return '<0.1%';
  return `${share >= 99.95 || share === 0 ? share.toFixed(0) : share.toFixed(1)}%`;
}

/** `1 h 5 min`, `43 s`, `120 ms`. */
export function lasted(seconds: number | null): string {
  if (seconds === null) return NONE;
  if (seconds > 0 && seconds < 1) return `${Math.max(1, Math.round(seconds * 1_000))} ms`;
  if (seconds < 60) return `${seconds < 10 ? Math.round(seconds * 10) / 10 : Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`;
  return `${Math.floor(hours / 24)} days`;
}

/** `2026-11-21 14:03`, UTC. */
export function utc(seconds: number): string {
  return iso(seconds).slice(0, 16).replace('T', ' ');
}

function iso(seconds: number): string {
  const date = new Date(seconds * 1_000);
  return Number.isNaN(date.getTime()) ? 'at no time' : date.toISOString();
}

/** A moment: exact, as pages are kept and sent around. */
export function moment(seconds: number | null): Html | string {
  if (seconds === null) return NONE;
  const [day = '', time = ''] = utc(seconds).split(' ');
  return html`<time datetime="${iso(seconds)}"><span>${day}</span> ${time}</time>`;
}

/** `3 h before this was read`, as pages do not know when they are looked at. */
export function age(seconds: number | null, head: { readonly generatedS: number }): string {
  if (seconds === null) return 'never';
  const away = head.generatedS - seconds;
  return away < 60 ? 'just now' : `${lasted(away)} ago`;
}

export type Tone = 'good' | 'warn' | 'bad' | 'none';

export function pill(tone: Tone, words: string): Html {
  return html`<span class="pill ${tone}">${words}</span>`;
}

export function outcome(passed: boolean | null): Html {
  if (passed === null) return pill('none', '? unknown');
  return passed ? pill('good', '✓ passed') : pill('bad', '✗ failed');
}
