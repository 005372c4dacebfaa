import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const CANNOT_INSTALL = 3;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * The browser, or why the suite must be skipped. In CI, on a machine that could install one, it is installed; where that fails,
 * this throws: a skip would hide something.
 */
export function browserOrSkip(): { readonly path: string } | { readonly skip: string } {
  const asked = run('path', 10_000);
  if (asked.status === 0) return { path: asked.stdout.trim() };
  const skip = `needs chromium: ${asked.stderr.trim()}`;
  if (asked.status === CANNOT_INSTALL || process.env.CI !== 'true') return { skip };
  const installed = run('install', 600_000);
  const again = run('path', 10_000);
  if (again.status === 0) return { path: again.stdout.trim() };
  throw new Error(`CI must test pages in a browser: ${installed.stderr.trim()}`);
}

function run(command: string, timeout: number) {
  return spawnSync('scripts/browser', [command], { encoding: 'utf8', timeout });
}

export function launch(path: string): Promise<Browser> {
  return chromium.launch({ executablePath: path, args: ['--no-sandbox', '--disable-gpu'] });
}

/** A page whose every complaint is kept: errors of scripts and the console, and requests to anywhere but its own server. */
export interface WatchedPage {
  readonly page: Page;
  readonly complaints: string[];
  close(): Promise<void>;
}

export async function openPage(
  browser: Browser,
  url: string,
  more: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ baseURL: url, ...more });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()))
      complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const asked = request.url();
    if (!asked.startsWith(url) && !asked.startsWith('data:')) complaints.push(`request: ${asked}`);
  });
  return { page, complaints, close: () => context.close() };
}

/** What axe-core finds wrong with the page, in short. */
export async function axeViolations(page: Page): Promise<readonly string[]> {
  // Not as a script of the page: its policy allows none.
  const found = await page.evaluate(`(async () => { ${AXE};
    const { violations } = await axe.run(document, { resultTypes: ['violations'] });
    return violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 200)).join(' | '));
  })()`);
  return found as readonly string[];
}
