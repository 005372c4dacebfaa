import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startHttp } from '../../pipeline/serve/http.ts';
import { memoryCache } from '../serve/cache/memory-cache.ts';
import { apiOf, NO_AUTH, START_MS } from '../serve/cache/serving.ts';
import { axeViolations, browserOrSkip, launch, openPage } from './browser.ts';
import { HOSTILE, troubled } from './sample.ts';

// A browser on a loaded machine takes its time.
vi.setConfig({ testTimeout: 120_000 });

const TOKEN = 'open sesame & "co"';
const found = browserOrSkip();
const ends: (() => Promise<unknown>)[] = [];
let browser: Browser;

/** A screenshot where somebody wants to look at them. */
const pictures = process.env.SAMOVAR_SCREENSHOTS;

async function started({ publicDashboard = false } = {}) {
  const clock = { ms: START_MS };
  const nowMs = () => clock.ms;
  const cache = troubled(nowMs, (providers) => memoryCache(nowMs, providers));
  const auth = { ...NO_AUTH, adminToken: TOKEN };
  const { api, logged } = apiOf({ cache, auth, nowMs, publicDashboard });
  const server = await startHttp({ address: '127.0.0.1:0', fetch: api.fetch });
  ends.push(() => server.close());
  const open = async (more = {}) => {
    const opened = await openPage(browser, server.url, more);
    ends.push(opened.close);
    return opened;
  };
  return { cache, clock, url: server.url, open, logged };
}

type Opened = Awaited<ReturnType<Awaited<ReturnType<typeof started>>['open']>>;

async function logIn({ page }: Opened) {
  await page.goto('/dashboard');
  await page.getByLabel('Admin token').fill(TOKEN);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Providers' }).waitFor();
}

async function picture({ page }: Opened, name: string) {
  if (pictures !== undefined) await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true });
}

describe.skipIf('skip' in found)(
  `the dashboard in a browser${'skip' in found ? ` (${found.skip})` : ''}`,
  () => {
    beforeAll(async () => {
      if ('path' in found) browser = await launch(found.path);
    });
    afterAll(() => browser?.close());
    afterEach(async () => {
      // Pages before their servers.
      for (const end of ends.splice(0).reverse()) await end();
    });

    test.each([
      ['light', 1280],
      ['dark', 1280],
      ['light', 390],
      ['dark', 390],
    ] as const)(
      '%s and %d wide it is without a fault, and nothing is cut off',
      async (colorScheme, width) => {
        const { open } = await started();
        const opened = await open({ colorScheme, viewport: { width, height: 900 } });
        await opened.page.goto('/dashboard');
        expect(await axeViolations(opened.page)).toEqual([]);
        await picture(opened, `login-${colorScheme}-${width}`);
        await logIn(opened);
        expect(await axeViolations(opened.page)).toEqual([]);
        await picture(opened, `dashboard-${colorScheme}-${width}`);
        const wider = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
        expect(await opened.page.evaluate(wider)).toBe(false);
        await opened.page.getByRole('link', { name: 'Clear package_bugs' }).click();
        await opened.page.getByRole('heading', { name: /Clear/ }).waitFor();
        expect(await axeViolations(opened.page)).toEqual([]);
        await picture(opened, `confirm-${colorScheme}-${width}`);
        expect(opened.complaints).toEqual([]);
      },
    );

    test('names and errors of strangers are text', async () => {
      const { open } = await started();
      const opened = await open();
      await logIn(opened);
      expect(await opened.page.locator('img, main script, iframe').count()).toBe(0);
      const text = await opened.page.locator('main').innerText();
      expect(text.split(HOSTILE.slice(0, 30)).length).toBeGreaterThan(5);
      await opened.page.goto(
        `/dashboard/confirm?do=clear&provider=package_bugs&prefix=${encodeURIComponent(HOSTILE)}`,
      );
      expect(await opened.page.getByLabel('Only keys that begin').inputValue()).toBe(HOSTILE);
      expect(await opened.page.locator('img, script').count()).toBe(0);
      expect(opened.complaints).toEqual([]);
    });

    test.each([
      ['Refresh bodhi_updates', 'Refresh', 'bodhi_updates: a refresh is wanted.'],
      ['Pause bodhi_updates', 'Pause', 'bodhi_updates: paused.'],
      ['Resume orphans', 'Resume', 'orphans: resumed.'],
      ['Pause all providers', 'Pause', 'All providers: paused.'],
      ['Clear package_bugs', 'Clear', '3 entries were cleared, 3 refreshes are wanted.'],
      ['Retry job 2', 'Retry', 'It is tried again.'],
      ['Cancel job 2', 'Cancel', 'It is cancelled.'],
    ])('%s: asked first, then done, then said', async (link, button, said) => {
      const { open, cache } = await started();
      const opened = await open();
      await logIn(opened);
      await opened.page.getByRole('link', { name: link, exact: true }).click();
      expect([cache.deeds, cache.wanted], 'nothing is done by a link').toEqual([[], []]);
      await opened.page.getByRole('button', { name: button, exact: true }).click();
      await opened.page.getByText(said, { exact: true }).waitFor();
      expect(cache.deeds.length + cache.wanted.length).toBe(1);
      expect(opened.complaints).toEqual([]);
    });

    test('a clear may be narrowed to literal prefixes, and be hard', async () => {
      const { open, cache } = await started();
      const opened = await open();
      await logIn(opened);
      await opened.page.getByRole('link', { name: 'Clear package_bugs' }).click();
      await opened.page.getByLabel('Only keys that begin').fill('ker%');
      await opened.page.getByLabel(/Hard/).check();
      await opened.page.getByRole('button', { name: 'Clear' }).click();
      await opened.page.getByText('1 entries were cleared', { exact: false }).waitFor();
      expect(cache.deeds).toEqual(['clear {"provider":"package_bugs","prefix":"ker%"} hard rewarm']);
    });

    test('what changes is shown without loading the page, and focus stays where it was', async () => {
      const { open, cache, clock } = await started();
      const opened = await open();
      const { page } = opened;
      await logIn(opened);
      const link = page.getByRole('link', { name: 'Refresh schedule' });
      await link.focus();
      await page.evaluate('window.isSamePage = true');
      clock.ms += 120_000;
      cache.shown.processes = [];
      await page.getByText('gone: nothing is refreshed by time').waitFor({ timeout: 20_000 });
      expect(await page.evaluate('window.isSamePage')).toBe(true);
      expect(await link.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
      await page.getByRole('button', { name: 'Stop live updates' }).click();
      await page.getByText('Live updates are stopped.').waitFor();
      expect(opened.complaints).toEqual([]);
    });

    test('without scripts everything but live updates works', async () => {
      const { open, cache } = await started();
      const opened = await open({ javaScriptEnabled: false });
      await logIn(opened);
      expect(await opened.page.getByRole('button', { name: /live updates/ }).isVisible()).toBe(false);
      await opened.page.getByRole('link', { name: 'Pause schedule' }).click();
      await opened.page.getByRole('button', { name: 'Pause' }).click();
      await opened.page.getByText('schedule: paused.').waitFor();
      expect(cache.deeds).toEqual(['pause schedule']);
    });

    test('by keyboard alone: past the head, to a deed, and through it', async () => {
      const { open, cache } = await started();
      const opened = await open();
      const { page } = opened;
      await logIn(opened);
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.textContent')).toBe('To the content');
      await page.keyboard.press('Enter');
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.id')).toBe('refresh-fedora_releases');
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Refresh' }).waitFor();
      await page.getByRole('button', { name: 'Refresh' }).focus();
      await page.keyboard.press('Enter');
      await page.getByText('fedora_releases: a refresh is wanted.').waitFor();
      expect(cache.wanted).toEqual([{ provider: 'fedora_releases', key: '', reason: 'manual' }]);
    });

    test('who gives a wrong token is told, and logged', async () => {
      const { open, logged } = await started();
      const opened = await open();
      await opened.page.goto('/dashboard');
      await opened.page.getByLabel('Admin token').fill('guess');
      await opened.page.getByRole('button', { name: 'Log in' }).click();
      await opened.page.getByText('That is not the token.').waitFor();
      expect(await axeViolations(opened.page)).toEqual([]);
      expect(logged).toEqual(['a login at the dashboard was refused: the token is wrong']);
    });

    test('everybody may look where it is public: no deeds, and nothing of private providers', async () => {
      const { open } = await started({ publicDashboard: true });
      const opened = await open();
      await opened.page.goto('/dashboard');
      await opened.page.getByRole('heading', { name: 'Providers' }).waitFor();
      expect(await opened.page.locator('a[href^="/dashboard/confirm"]').count()).toBe(0);
      expect(await opened.page.content()).not.toContain('embargoed-package');
      await picture(opened, 'public');
      expect(await axeViolations(opened.page)).toEqual([]);
      expect(opened.complaints).toEqual([]);
    });

    test('a page of another site can send no form in the name of who is logged in', async () => {
      const { open, cache, url } = await started();
      const opened = await open();
      await logIn(opened);
      await opened.page.goto(`${url}/dashboard/confirm?do=pause&provider=schedule`);
      const csrf = await opened.page.locator('input[name=csrf]').inputValue();
      const sends = async (fields: Record<string, string>, headers: Record<string, string>) =>
        (await opened.page.request.post('/dashboard/do', { form: fields, headers })).status();
      const deed = { do: 'pause', provider: 'schedule' };
      expect(await sends({ ...deed, csrf }, { origin: 'https://evil.example' })).toBe(403);
      expect(await sends({ ...deed, csrf }, { 'sec-fetch-site': 'cross-site' })).toBe(403);
      expect(await sends(deed, {})).toBe(403);
      expect(await sends({ ...deed, csrf: `${csrf}x` }, {})).toBe(403);
      expect(cache.deeds).toEqual([]);
    });
  },
);
