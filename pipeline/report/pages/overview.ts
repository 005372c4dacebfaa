import { html } from 'hono/html';
import type { Overview } from '../models.ts';
import type { Html, PageContext } from '../page.ts';

export function overviewPage(_model: Overview, _context: PageContext): Html {
  return html`<!doctype html>`;
}
