import { html } from 'hono/html';
import type { TestPage } from '../models.ts';
import type { Html, PageContext } from '../page.ts';

export function testPage(_model: TestPage, _context: PageContext): Html {
  return html`<!doctype html>`;
}
