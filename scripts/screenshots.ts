import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Page } from 'playwright-core';

const OUT = 'docs/img';
const BYTES_MAX = 100_000;

/** Makes docs/img/*.png anew: the report of the demo, in headless Chromium. Exit 1 when a picture is too large. */
async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'samovar-screenshots-'));
  try {
    samovar(folder, 'update');
    samovar(folder, 'report', '--out', 'site');
    mkdirSync(OUT, { recursive: true });
    const sizes = await take(join(folder, 'site'));
    for (const [file, bytes] of sizes) process.stdout.write(`${file}: ${Math.round(bytes / 1_000)} kB\n`);
    return sizes.every(([, bytes]) => bytes < BYTES_MAX) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function samovar(cwd: string, ...args: readonly string[]): void {
  const command = ['--import', import.meta.resolve('tsx'), resolve('pipeline/cli.ts'), ...args];
  const { status, stderr } = spawnSync(process.execPath, command, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`samovar ${args.join(' ')} failed: ${stderr.trim()}`);
}

async function take(site: string): Promise<readonly (readonly [string, number])[]> {
  const found = spawnSync('scripts/browser', ['path'], { encoding: 'utf8' });
  if (found.status !== 0) throw new Error(`needs chromium: ${found.stderr.trim()}`);
  const browser = await chromium.launch({ executablePath: found.stdout.trim(), args: ['--no-sandbox'] });
  try {
    const context = await browser.newContext({
      viewport: { width: 1120, height: 680 },
      colorScheme: 'light',
      baseURL: `${pathToFileURL(site)}/`,
    });
    const page = await context.newPage();
    const job = readdirSync(join(site, 'job')).find((file) => file.startsWith('ci-samovar-e2e-')) ?? '';
    return [
      await shot(page, 'overview', 'index.html'),
      await shot(page, 'grid', `job/${job}`),
      await shot(page, 'clusters', 'clusters.html'),
    ];
  } finally {
    await browser.close();
  }
}

async function shot(page: Page, name: string, address: string): Promise<readonly [string, number]> {
  const path = `${OUT}/${name}.png`;
  await page.goto(address);
  await page.screenshot({ path });
  return [path, statSync(path).size];
}

process.exitCode = await main();
