import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds wrong, in short. Without its preloading of styles: that is a request, which the pages forbid. */
export async function faults(page: Page): Promise<readonly string[]> {
  const found = await page.evaluate(`(async () => { ${AXE};
    const { violations } = await axe.run(document, { resultTypes: ['violations'], preload: false });
    return violations.map(({ id, nodes }) => id + ': ' + nodes.slice(0, 3).map(({ html }) => html.slice(0, 200)).join(' | '));
  })()`);
  return found as readonly string[];
}

/** True where something is cut off, or only reached by scrolling the whole page sideways. */
export async function isTooWide(page: Page): Promise<boolean> {
  return page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
}

/** One page of each kind in a written site, those of a kind that `wanted` tells apart: `{ job: 'e2e' }`. */
export function onePageOfEach(
  folder: string,
  wanted: Readonly<Partial<Record<'job' | 'test' | 'build' | 'cluster', string>>> = {},
): readonly string[] {
  const kinds = ['job', 'test', 'build', 'cluster'] as const;
  const below = kinds.flatMap((kind) => {
    const files = readdirSync(join(folder, kind)).sort();
    const file = files.find((one) => one.includes(wanted[kind] ?? '')) ?? files[0];
    return file === undefined ? [] : [`${kind}/${file}`];
  });
  return ['index.html', 'jobs.html', 'tests.html', 'clusters.html', ...below];
}

/** What the grid says of the cell under its cursor, without the marks that keep names to themselves. */
export async function said(page: Page): Promise<string> {
  return (await page.locator('[data-role=said]').innerText()).replace(/[\u2068\u2069]/g, '');
}
