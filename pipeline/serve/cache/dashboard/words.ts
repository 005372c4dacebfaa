import { html } from 'hono/html';
import type { Html } from './layout.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `3 min`; nothing finer than that, so that a page does not change each second. */
export function span(ms: number): string {
  if (ms < MINUTE_MS) return 'under 1 min';
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) {
    const minutes = Math.floor((ms % HOUR_MS) / MINUTE_MS);
    return `${Math.floor(ms / HOUR_MS)} h${minutes > 0 ? ` ${minutes} min` : ''}`;
  }
  return `${Math.floor(ms / DAY_MS)} days`;
}

/** A setting's length, or how long something took: `500 ms`, `30 s`, `2 h`. */
export function length(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < MINUTE_MS ? `${Math.round(ms / 100) / 10} s` : span(ms);
}

/** `3 min ago` or `in 3 min`, with the exact time for those who point at it. */
export function moment(atMs: number | undefined, nowMs: number, none = 'never'): Html | string {
  if (atMs === undefined) return none;
  const iso = new Date(atMs).toISOString();
  const away = Math.abs(atMs - nowMs);
  const words = away < MINUTE_MS ? 'now' : atMs > nowMs ? `in ${span(away)}` : `${span(away)} ago`;
  return html`<time datetime="${iso}" title="${iso}">${words}</time>`;
}

/** `21,480`. */
export function amount(count: number): string {
  return count.toLocaleString('en');
}

export function bytes(count: number): string {
  if (count < 1_000) return `${count} B`;
  if (count < 1e6) return `${Math.round(count / 1_000)} kB`;
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e9).toFixed(1)} GB`;
}

export type Tone = 'good' | 'warn' | 'bad' | 'none';

export function pill(tone: Tone, words: string): Html {
  return html`<span class="pill ${tone}">${words}</span>`;
}

/** Upstreams' words, of any length. */
export function clipped(text: string, max = 300): string {
  return text.length <= max ? text : `${text.slice(0, max)}…`;
}
