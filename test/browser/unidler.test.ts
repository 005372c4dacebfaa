import { createServer } from 'node:http';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { KINDS } from '../../pipeline/k8s/cluster.ts';
import { startUnidler, type UnidlerOptions } from '../../pipeline/k8s/unidler/unidler.ts';
import {
  createApp,
  idleAsOriginal,
  runPods,
  setEndpoints,
  specOf,
  until,
  type World,
  world,
} from '../k8s/idling/apps.ts';
import { axeViolations, browserOrSkip, launch, openPage } from './browser.ts';

// A browser on a loaded machine takes its time.
vi.setConfig({ testTimeout: 120_000 });

/** What the browser calls the unidler: it must be the app's host, and its own machine. */
const HOST = 'localhost';
const found = browserOrSkip();
const ends: (() => Promise<unknown>)[] = [];
let browser: Browser;

/** A screenshot where somebody wants to look at them. */
const pictures = process.env.SAMOVAR_SCREENSHOTS;

const OPTIONS = {
  address: '127.0.0.1:0',
  brand: 'Analytical tools',
  deadlineMs: 600_000,
  tickMs: 5,
  log: () => {},
};

async function started(more: Partial<UnidlerOptions> = {}) {
  const made = await world();
  createApp(made, 'web', { host: HOST });
  idleAsOriginal(made, 'web');
  const serve = async (address = OPTIONS.address) => {
    const unidler = await startUnidler(
      { ...OPTIONS, ...more, address },
      { ...made.hands, random: Math.random },
    );
    ends.push(() => unidler.close());
    return unidler;
  };
  const unidler = await serve();
  const { port } = new URL(unidler.url);
  const url = `http://${HOST}:${port}`;
  const open = async (options = {}) => {
    const opened = await openPage(browser, url, options);
    ends.push(opened.close);
    return opened;
  };
  return { made, unidler, port, open, serveAgain: () => serve(`127.0.0.1:${port}`) };
}

type Opened = Awaited<ReturnType<Awaited<ReturnType<typeof started>>['open']>>;

async function picture({ page }: Opened, name: string) {
  if (pictures !== undefined)
    await page.screenshot({ path: `${pictures}/unidler-${name}.png`, fullPage: true });
}

const isAsleep = (made: World) => specOf(made, KINDS.deployment, 'web').replicas === 0;

async function arise(made: World) {
  await until(() => !isAsleep(made));
  runPods(made, 'web');
  await until(() => specOf(made, KINDS.service, 'web').type !== 'ExternalName');
  setEndpoints(made, 'web');
}

/** As apps answer: pages for browsers, and 404 for what is the unidler's. */
async function serveApp(port: number): Promise<void> {
  const app = createServer(({ url = '' }, response) => {
    const isOurs = /^\/(events|wake|healthz)/.test(url);
    response.writeHead(isOurs ? 404 : 200, { 'content-type': 'text/html' });
    response.end(isOurs ? 'Not found' : `<!doctype html><title>App</title>This is the app at ${url}`);
  });
  await new Promise<void>((resolve) => app.listen(port, '127.0.0.1', resolve));
  ends.push(async () => {
    app.closeAllConnections();
    app.close();
  });
}

const heading = (opened: Opened, name: string) => opened.page.getByRole('heading', { name }).waitFor();

describe.skipIf('skip' in found)(
  `the page of a sleeping app in a browser${'skip' in found ? ` (${found.skip})` : ''}`,
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
      ['dark', 390],
    ] as const)('%s and %d wide: from asleep to ready without a fault', async (colorScheme, width) => {
      const { made, open } = await started();
      const opened = await open({ colorScheme, viewport: { width, height: 700 } });
      await opened.page.goto('/deep/link?a=b');
      await heading(opened, 'The app is starting');
      await opened.page.getByText('Starting app.', { exact: false }).waitFor();
      await until(() => !isAsleep(made));
      runPods(made, 'web', { waiting: 'ContainerCreating' });
      await opened.page.getByText('its container is being made', { exact: false }).waitFor();
      await opened.page.getByText('Waiting for', { exact: false }).waitFor();
      expect(await axeViolations(opened.page)).toEqual([]);
      const wider = 'document.documentElement.scrollWidth > document.documentElement.clientWidth';
      expect(await opened.page.evaluate(wider)).toBe(false);
      await picture(opened, `starting-${colorScheme}-${width}`);
      await arise(made);
      await heading(opened, 'The app is ready');
      await picture(opened, `ready-${colorScheme}-${width}`);
      expect(new URL(opened.page.url()).pathname, 'where the visitor wanted to go').toBe('/deep/link');
      expect(opened.complaints).toEqual([]);
    });

    test('two tabs and a start of three minutes: both end ready, the app was woken once', async () => {
      const { made, open } = await started();
      const tabs = [await open(), await open()];
      for (const { page } of tabs) await page.clock.install();
      for (const { page } of tabs) await page.goto('/');
      for (const { page } of tabs) await page.getByText('Starting app.', { exact: false }).waitFor();
      made.clock.ms += 180_000;
      for (const { page } of tabs) await page.clock.fastForward(180_000);
      for (const { page } of tabs) await page.getByText('Waiting for 3 min', { exact: false }).waitFor();
      for (const tab of tabs) await picture(tab, `three-minutes-tab-${tabs.indexOf(tab) + 1}`);
      await arise(made);
      for (const tab of tabs) await heading(tab, 'The app is ready');
      for (const tab of tabs) await picture(tab, `ready-tab-${tabs.indexOf(tab) + 1}`);
      const scaled = made.api.requests.filter(
        ({ verb, body }) => verb === 'patch' && JSON.stringify(body).includes('"replicas":2'),
      );
      expect(scaled).toHaveLength(1);
      for (const { complaints } of tabs) expect(complaints).toEqual([]);
    });

    test('a broken image is told, and can be tried again', async () => {
      const { made, open } = await started();
      const opened = await open();
      await opened.page.goto('/');
      await until(() => !isAsleep(made));
      runPods(made, 'web', { waiting: 'ImagePullBackOff' });
      await opened.page.getByText('its image cannot be pulled', { exact: false }).waitFor();
      made.clock.ms += 600_000;
      await heading(opened, 'The app could not be started');
      const reason = await opened.page.getByRole('alert').innerText();
      expect(reason).toContain('its image cannot be pulled (ImagePullBackOff)');
      expect(await axeViolations(opened.page)).toEqual([]);
      await picture(opened, 'failed');
      await opened.page.getByRole('button').click();
      await heading(opened, 'The app is starting');
      runPods(made, 'web');
      await arise(made);
      await heading(opened, 'The app is ready');
      expect(opened.complaints).toEqual([]);
    });

    test('watches that are closed are not seen', async () => {
      const { made, open } = await started();
      const opened = await open();
      await opened.page.goto('/');
      await opened.page.getByText('Starting app.', { exact: false }).waitFor();
      for (const how of ['ended', 'broken'] as const) {
        await until(() => made.api.watches() > 0);
        made.api.closeWatches(how);
        made.api.expireVersions();
      }
      expect(await opened.page.getByRole('heading').innerText()).toBe('The app is starting');
      await picture(opened, 'closed-watch');
      await arise(made);
      await heading(opened, 'The app is ready');
      expect(opened.complaints).toEqual([]);
    });

    test('a restart of the unidler in the middle is not seen', async () => {
      const { made, unidler, open, serveAgain } = await started();
      const opened = await open();
      await opened.page.goto('/');
      await opened.page.getByText('Starting app.', { exact: false }).waitFor();
      await unidler.close();
      await picture(opened, 'restart-gone');
      await serveAgain();
      runPods(made, 'web', { waiting: 'ContainerCreating' });
      await opened.page.getByText('its container is being made', { exact: false }).waitFor();
      await picture(opened, 'restart-back');
      await arise(made);
      await heading(opened, 'The app is ready');
    });

    test('who comes back after the app has its host again is taken to it', async () => {
      const { made, unidler, open, port } = await started();
      const opened = await open();
      await opened.page.goto('/deep');
      await opened.page.getByText('Starting app.', { exact: false }).waitFor();
      await unidler.close();
      await serveApp(Number(port));
      await opened.page.getByText('This is the app at /deep').waitFor();
      await picture(opened, 'the-app');
      expect(isAsleep(made)).toBe(false);
    });

    test('without scripts a button wakes, and the page is loaded anew until it is ready', async () => {
      const { made, open } = await started();
      const opened = await open({ javaScriptEnabled: false });
      await opened.page.goto('/deep');
      await heading(opened, 'This app is asleep');
      await picture(opened, 'asleep-no-script');
      expect(isAsleep(made)).toBe(true);
      await opened.page.getByRole('button', { name: 'Start the app' }).click();
      await heading(opened, 'The app is starting');
      expect(new URL(opened.page.url()).pathname).toBe('/deep');
      await arise(made);
      await heading(opened, 'The app is ready');
    });

    test('an own theme has its own styles, and what a host is called is no script', async () => {
      const template =
        '<!doctype html><html lang="en"><head><title>{{title}}</title>{{head}}<style>h1 { color: rgb(1, 2, 3) }</style></head><body><main>{{brand}}{{content}}</main></body></html>';
      const { open } = await started({ template, brand: '<script>alert(1)</script>' });
      const opened = await open();
      await opened.page.goto('/"><script>alert(2)</script>');
      await heading(opened, 'The app is starting');
      const colour = await opened.page.evaluate("getComputedStyle(document.querySelector('h1')).color");
      expect(colour).toBe('rgb(1, 2, 3)');
      await opened.page.getByText('<script>alert(1)</script>').waitFor();
      expect(opened.complaints).toEqual([]);
    });
  },
);
