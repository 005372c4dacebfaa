import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { cli } from '../support/cli.ts';
import { tempFolder } from '../support/temp.ts';
import { browserOrSkip, launch, openPage } from './browser.ts';
import { faults, isTooWide, onePageOfEach, said } from './report-pages.ts';

// A browser on a loaded machine takes its time.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const found = browserOrSkip();
const cwd = tempFolder();
const site = join(cwd, 'site');
const ends: (() => Promise<unknown>)[] = [];
let browser: Browser;

function open(more = {}) {
  return openedAt(`${pathToFileURL(site)}/`, more);
}

async function openedAt(url: string, more = {}) {
  const opened = await openPage(browser, url, more);
  ends.push(opened.close);
  return opened;
}

/** Starts `samovar serve` on the demo; gives its address. */
function dashboard(): Promise<string> {
  return new Promise((done, fail) => {
    const served = cli(['serve', '--http', '0'], {
      cwd,
      onStart: (child) =>
        ends.push(() => {
          child.kill('SIGTERM');
          return served;
        }),
      onStderr: (text) => {
        const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(text) ?? [];
        if (url !== undefined) done(url);
      },
    });
    served.then(({ stderr }) => fail(new Error(`it ended: ${stderr}`)), fail);
  });
}

/** The report of the demo, as a newcomer gets it, opened from its folder. */
describe.skipIf('skip' in found)(
  `the report of the demo in a browser${'skip' in found ? ` (${found.skip})` : ''}`,
  () => {
    beforeAll(async () => {
      if ('skip' in found) return;
      browser = await launch(found.path);
      expect((await cli(['update'], { cwd })).code).toBe(0);
      const { code, stdout, stderr } = await cli(['report', '--out', 'site'], { cwd });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain(join(site, 'index.html'));
    });
    afterAll(() => browser?.close());
    afterEach(async () => {
      for (const end of ends.splice(0).reverse()) await end();
    });

    test.each([
      ['light', 1280],
      ['dark', 1280],
      ['light', 390],
      ['dark', 390],
    ] as const)('%s and %d wide every page is without a fault', async (colorScheme, width) => {
      const { page, complaints } = await open({ colorScheme, viewport: { width, height: 900 } });
      for (const file of onePageOfEach(site, { job: 'e2e', build: 'e2e' })) {
        await page.goto(file);
        expect({ file, faults: await faults(page) }).toEqual({ file, faults: [] });
        expect({ file, wide: await isTooWide(page) }).toEqual({ file, wide: false });
      }
      expect(complaints).toEqual([]);
    });

    test('from the overview to a job, its grid, a build, its job again, a test, a group of failures', async () => {
      const { page, complaints } = await open();
      await page.goto('index.html');
      await page.getByRole('link', { name: 'All jobs' }).click();
      await page.getByRole('link', { name: 'ci-samovar-e2e' }).click();
      await page.getByRole('grid').focus();
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { level: 1, name: /^Build \d+$/ }).waitFor();
      await page.getByRole('link', { name: 'ci-samovar-e2e' }).click();
      await page.getByRole('table', { name: 'Tests that fail or flake' }).getByRole('link').first().click();
      await page.getByRole('heading', { name: 'Last failures' }).waitFor();
      await page.getByRole('link', { name: 'Failures' }).click();
      await page.getByRole('table', { name: 'Groups of failures' }).getByRole('link').first().click();
      await page.getByRole('heading', { name: 'Newest failures' }).waitFor();
      expect(complaints).toEqual([]);
    });

    test('charts are drawn, in the colours of the moment, with their tables beside them', async () => {
      const { page } = await open({ colorScheme: 'light' });
      await page.goto('index.html');
      const plots = page.locator('figure .plot canvas');
      expect(await plots.count()).toBe(2);
      const pixels = () =>
        plots.first().evaluate((canvas) => (canvas as unknown as { toDataURL(): string }).toDataURL());
      const light = await pixels();
      await page.emulateMedia({ colorScheme: 'dark' });
      await vi.waitFor(async () => expect(await pixels()).not.toBe(light), 10_000);
      const figure = page.locator('figure').first();
      await figure.getByText('As a table').click();
      const rows = await figure.locator('table[role=table] tbody tr').count();
      expect(rows).toBeGreaterThan(12);
      await page.getByText('The query').first().click();
      expect(await page.locator('details.asked[open] code').first().innerText()).toContain('samovar query');
    });

    test('on paper a picture is its table, and afterwards it is closed again', async () => {
      const { page } = await open();
      await page.goto(onePageOfEach(site, { job: 'e2e' })[4] ?? '');
      const tables = page.locator('details.data[open]');
      expect(await tables.count()).toBe(0);
      await page.evaluate("dispatchEvent(new Event('beforeprint'))");
      expect(await tables.count()).toBe(4);
      await page.evaluate("dispatchEvent(new Event('afterprint'))");
      expect(await tables.count()).toBe(0);
    });

    test('no page has more than 500 kB of script', async () => {
      const { page } = await open();
      for (const file of onePageOfEach(site)) {
        await page.goto(file);
        const sources = await page
          .locator('script')
          .evaluateAll((scripts) => scripts.map((one) => (one as unknown as { src: string }).src));
        const bytes = sources
          .filter((src) => src !== '')
          .map((src) => readFileSync(new URL(src)).length)
          .reduce((sum, length) => sum + length, 0);
        expect(bytes).toBeGreaterThan(10_000);
        expect(bytes).toBeLessThan(500_000);
      }
    });

    test('the dashboard shows the same live, and finds tests by a part of their name', async () => {
      const url = await dashboard();
      const { page, complaints } = await openedAt(url);
      await page.goto('/');
      await page.getByRole('link', { name: 'ci-samovar-upgrade' }).click();
      await page.getByRole('grid').waitFor();
      expect(await faults(page)).toEqual([]);
      await page.getByRole('searchbox', { name: 'Find a test', exact: true }).fill('<script>');
      await page.keyboard.press('Enter');
      await page
        .getByRole('link', { name: /<script>alert/ })
        .first()
        .click();
      await page.getByRole('heading', { name: 'By job' }).waitFor();
      expect(await faults(page)).toEqual([]);
      await page.getByRole('link', { name: 'This page as JSON' }).click();
      expect(JSON.parse(await page.locator('body').innerText())).toHaveProperty('test');
      expect(complaints).toEqual([]);
    });

    test('the grid says the demo as its table does', async () => {
      const { page } = await open();
      await page.goto(onePageOfEach(site, { job: 'e2e' })[4] ?? '');
      await page.getByRole('grid').focus();
      await page.keyboard.press('ArrowDown');
      expect(await said(page)).toMatch(
        /^Test .+, build \d{19} of \d{4}-\d\d-\d\d \d\d:\d\d: (passed|failed|flaky|did not run)$/,
      );
      const name = page.locator('[role=grid] [role=rowheader]').nth(1);
      // What most names begin with is heard, not seen.
      expect(await name.innerText()).toContain('… [sig-');
      const inGrid = (await name.textContent())?.replace('… ', '') ?? '';
      expect(inGrid).toContain('Kubernetes e2e suite [It] [sig-');
      await page.getByText('As a table (tests by builds)').click();
      const inTable = await page
        .getByRole('table', { name: /those that fail most/ })
        .getByRole('row')
        .nth(1)
        .innerText();
      expect(inTable.startsWith(inGrid)).toBe(true);
    });
  },
);
