import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { writeSite } from '../../pipeline/jobs/report-site.ts';
import { staticFile } from '../../pipeline/report/links.ts';
import { fixtureReport, HOSTILE, JOBS, NOW_S } from '../report/fixture.ts';
import { tempFolder } from '../support/temp.ts';
import { browserOrSkip, launch, openPage } from './browser.ts';
import { faults, isTooWide, onePageOfEach, said } from './report-pages.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const found = browserOrSkip();
const site = join(tempFolder(), 'site');
const KETTLE = staticFile('job', JOBS[0]);
const ends: (() => Promise<unknown>)[] = [];
let browser: Browser;

async function open(more = {}, base = `${pathToFileURL(site)}/`) {
  const opened = await openPage(browser, base, more);
  ends.push(opened.close);
  return opened;
}

async function grid(page: Page, hash = '') {
  await page.goto(`${KETTLE}${hash}`);
  await page.getByRole('grid').focus();
  return page.keyboard;
}

/** What a web server does with files. */
async function serve(): Promise<string> {
  const types: Readonly<Record<string, string>> = {
    html: 'text/html; charset=utf-8',
    css: 'text/css',
    js: 'text/javascript',
  };
  const server: Server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    readFile(join(site, path)).then(
      (body) => response.setHeader('content-type', types[path.split('.').at(-1) ?? ''] ?? '').end(body),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  ends.push(() => new Promise((done) => server.close(done)));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describe.skipIf('skip' in found)(
  `a report of odd names in a browser${'skip' in found ? ` (${found.skip})` : ''}`,
  () => {
    beforeAll(async () => {
      if ('skip' in found) return;
      browser = await launch(found.path);
      const { signal } = new AbortController();
      await writeSite({ source: fixtureReport({ builds: 3 }), folder: site, nowMs: NOW_S * 1_000, signal });
    });
    afterAll(() => browser?.close());
    afterEach(async () => {
      // Pages before their servers.
      for (const end of ends.splice(0).reverse()) await end();
    });

    test.each([
      ['light', 1280],
      ['dark', 390],
    ] as const)('%s and %d wide: nothing of it runs, nothing is cut off', async (colorScheme, width) => {
      const { page, complaints } = await open({ colorScheme, viewport: { width, height: 900 } });
      const jobs = JOBS.map((job) => staticFile('job', job));
      const tests = Object.values(HOSTILE).map((name) => staticFile('test', name));
      for (const file of [...onePageOfEach(site, { build: 'harmed' }), ...jobs, ...tests]) {
        await page.goto(file);
        expect(await page.evaluate('window.harmed')).toBeUndefined();
        expect(await page.locator('main img, main script[src], iframe, svg').count()).toBe(0);
        expect({ file, wide: await isTooWide(page) }).toEqual({ file, wide: false });
      }
      for (const file of onePageOfEach(site, { build: 'harmed', job: 'harmed', test: 'harmed' })) {
        await page.goto(file);
        expect({ file, faults: await faults(page) }).toEqual({ file, faults: [] });
      }
      expect(complaints).toEqual([]);
    });

    test('between a phone and a desk nothing is cut off either', async () => {
      const { page } = await open();
      for (const width of [600, 800, 1_000, 1_130]) {
        await page.setViewportSize({ width, height: 800 });
        for (const file of ['index.html', 'jobs.html', 'tests.html', 'clusters.html', KETTLE]) {
          await page.goto(file);
          expect({ file, width, wide: await isTooWide(page) }).toEqual({ file, width, wide: false });
        }
      }
    });

    test('by keyboard through the grid: every cell is said, Enter opens the build, or the test', async () => {
      const { page, complaints } = await open();
      const keyboard = await grid(page);
      expect(await said(page)).toBe(
        'The build as a whole, build 1780000000000000000 of 2026-11-21 12:00: failed',
      );
      await keyboard.press('ArrowDown');
      await keyboard.press('ArrowRight');
      expect(await said(page)).toBe(
        `Test ${HOSTILE.script}, build 1780000000000000001 of 2026-11-21 07:00: failed`,
      );
      await keyboard.press('ArrowLeft');
      await keyboard.press('ArrowLeft');
      expect(await said(page)).toBe(`Test ${HOSTILE.script}`);
      await keyboard.press('End');
      await keyboard.press('Control+End');
      expect(await said(page)).toMatch(
        /^Test \[sig-tea\] Leaves steep for 59 minutes .*, build 1780000000000000089 /,
      );
      const view = await page.getByRole('grid').evaluate((element) => {
        const { scrollTop, scrollLeft } = element as unknown as { scrollTop: number; scrollLeft: number };
        return { scrollTop, scrollLeft };
      });
      expect(view.scrollTop).toBeGreaterThan(500);
      expect(view.scrollLeft).toBeGreaterThan(500);
      await keyboard.press('Control+Home');
      await keyboard.press('ArrowRight');
      await keyboard.press('Enter');
      await page.getByRole('heading', { level: 1, name: 'Build 1780000000000000001' }).waitFor();
      await (await grid(page)).press('Control+Home');
      await keyboard.press('ArrowDown');
      await keyboard.press('Home');
      await keyboard.press('Enter');
      await page.getByRole('heading', { level: 1, name: HOSTILE.script }).waitFor();
      expect(complaints).toEqual([]);
    });

    test('only rows in sight are in the page, and the cell under the cursor is a real one', async () => {
      const { page } = await open();
      const keyboard = await grid(page);
      for (let press = 0; press < 40; press += 1) await keyboard.press('ArrowDown');
      await vi.waitFor(async () => {
        const rows = await page.locator('[role=grid] .row').count();
        expect(rows).toBeGreaterThan(10);
        expect(rows).toBeLessThan(60);
      });
      const cell = page.locator('[role=gridcell]');
      expect(await cell.count()).toBe(1);
      expect(await cell.getAttribute('aria-colindex')).toBe('2');
      expect(await cell.locator('xpath=..').getAttribute('aria-rowindex')).toBe('42');
      expect(await page.getByRole('grid').getAttribute('aria-rowcount')).toBe('72');
    });

    test('a mouse reads a cell by pointing, and opens its build by a click', async () => {
      const { page } = await open();
      await grid(page);
      const box = await page.getByRole('grid').boundingBox();
      const names = await page.locator('[role=grid] .corner').boundingBox();
      if (box === null || names === null) throw new Error('there is no grid');
      // The second row, the second column.
      const at = { x: box.x + names.width + 27, y: box.y + 30 + 36 };
      await page.mouse.move(at.x, at.y);
      expect(await page.locator('[role=grid] canvas').getAttribute('title')).toContain('1780000000000000001');
      await page.mouse.click(at.x, at.y);
      await page.getByRole('heading', { level: 1, name: 'Build 1780000000000000001' }).waitFor();
    });

    test.each(['a folder', 'a server'])(
      'what is looked at in %s has an address that can be shared',
      async (place) => {
        const base = place === 'a server' ? await serve() : undefined;
        const { page, complaints } = await open({}, base);
        const keyboard = await grid(page);
        await page.getByLabel('Find tests').first().fill('STEEP 59');
        await page.getByLabel('Order').selectOption('name');
        await page.getByText('1 of 70 tests, 90 builds').waitFor();
        await page.getByRole('grid').focus();
        await keyboard.press('ArrowDown');
        await keyboard.press('ArrowRight');
        await vi.waitFor(() => expect(page.url()).toContain('grid.cell=1%2C1'));
        const shared = page.url();
        const other = await open({}, base);
        await other.page.goto(shared);
        await other.page.getByText('1 of 70 tests, 90 builds').waitFor();
        expect(await said(other.page)).toMatch(
          /^Test \[sig-tea\] Leaves steep for 59 minutes .*, build 1780000000000000001 /,
        );
        await other.page.goto('jobs.html#jobs.sort=-Runs&jobs.q=harmed');
        const names = await other.page.locator('tbody tr:visible td.first').allInnerTexts();
        expect(names).toEqual([HOSTILE.image, HOSTILE.script]);
        expect(await other.page.locator('th[aria-sort=descending]').innerText()).toMatch(/^Runs/);
        expect([...complaints, ...other.complaints]).toEqual([]);
      },
    );

    test('a table is ordered by its head, both ways, and by a choice where a phone shows none', async () => {
      const { page } = await open();
      await page.goto('jobs.html');
      const first = () => page.locator('tbody tr td.first').first().innerText();
      await page.getByRole('button', { name: /^Runs/ }).click();
      expect(await first()).toContain(JOBS[7]);
      await page.getByRole('button', { name: /^Runs/ }).click();
      expect(await first()).toBe('(no name)');
      await page.setViewportSize({ width: 390, height: 800 });
      await page.getByLabel('Sort by').selectOption('Job');
      expect(await first()).toBe(HOSTILE.image);
      await page.getByLabel('Find jobs').fill('kettle');
      await page.getByText('1 of 8').waitFor();
      expect(await page.locator('tbody tr:visible').count()).toBe(1);
    });

    test('without scripts every page still tells everything, as tables', async () => {
      const { page } = await open({ javaScriptEnabled: false });
      await page.goto(KETTLE);
      await page.getByText('As a table (tests by builds)').click();
      const table = page.getByRole('table', { name: /those that fail most/ });
      expect(await table.getByRole('row').count()).toBe(71);
      expect(await table.getByRole('img').first().getAttribute('aria-label')).toMatch(/of 30 builds/);
      expect(await page.getByRole('grid').isVisible()).toBe(false);
    });
  },
);
