import { html } from 'hono/html';
import type { Html, PageContext } from '../page.ts';

/** A page that only says something: that there is no such job, that the warehouse does not answer, what to do first. */
export interface Message {
  readonly title: string;
  /** One paragraph each. */
  readonly text: readonly string[];
  /** A command that helps. */
  readonly command?: string;
}

export function messagePage(_message: Message, _context: PageContext): Html {
  return html`<!doctype html>`;
}
