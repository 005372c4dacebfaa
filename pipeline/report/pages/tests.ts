import { html } from 'hono/html';
import type { FlakyTest } from '../models.ts';
import type { Html, PageContext } from '../page.ts';

export interface TestsModel {
  /** What was searched for; empty: everything that fails or flakes, the worst first. */
  readonly search: string;
  readonly tests: readonly FlakyTest[];
}

export function testsPage(_model: TestsModel, _context: PageContext): Html {
  return html`<!doctype html>`;
}
