import { html } from 'hono/html';
import { page } from '../layout.ts';
import type { Html, PageContext } from '../page.ts';
import { plain } from '../words.ts';

/** A page that only says something: that there is no such job, that the warehouse does not answer, what to do first. */
export interface Message {
  readonly title: string;
  /** One paragraph each. */
  readonly text: readonly string[];
  /** A command that helps. */
  readonly command?: string;
}

export function messagePage({ title, text, command }: Message, context: PageContext): Html {
  const body = html`<section>${text.map((one) => html`<p>${plain(one)}</p>`)}${
    command === undefined
      ? ''
      : html`<pre tabindex="0" role="region" aria-label="Command"><code>${plain(command)}</code></pre>`
  }</section>`;
  return page({ title, body }, context);
}
