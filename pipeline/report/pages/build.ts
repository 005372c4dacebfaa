import { html } from 'hono/html';
import type { BuildPage } from '../models.ts';
import type { Html, PageContext } from '../page.ts';

export function buildPage(_model: BuildPage, _context: PageContext): Html {
  return html`<!doctype html>`;
}
