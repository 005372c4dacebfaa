import { html } from 'hono/html';
import type { JobList } from '../models.ts';
import type { Html, PageContext } from '../page.ts';

export function jobsPage(_model: JobList, _context: PageContext): Html {
  return html`<!doctype html>`;
}
