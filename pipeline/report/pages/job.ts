import { html } from 'hono/html';
import type { JobPage } from '../models.ts';
import type { Html, PageContext } from '../page.ts';

export function jobPage(_model: JobPage, _context: PageContext): Html {
  return html`<!doctype html>`;
}
