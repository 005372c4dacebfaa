import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { openWarehouse } from '../../pipeline/backends/warehouse/index.ts';
import { demoRows, duckDbOf } from '../queries/demo-table.ts';
import { type CliResult, cli } from '../support/cli.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();
const running: ChildProcess[] = [];
let nth = 0;

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

/** The command as a user starts it, on a free port. */
async function serving(cwd: string, args: readonly string[] = []) {
  let ended: Promise<CliResult> | undefined;
  const url = await new Promise<string>((resolve, reject) => {
    let said = '';
    ended = cli(['serve', '--http', '0', ...args], {
      cwd,
      env: { SAMOVAR_LOG_FORMAT: 'json' },
      onStart: (child) => running.push(child),
      onStderr: (text) => {
        said += text;
        const [, found] = /"url":"(http:[^"]+)"/.exec(said) ?? [];
        if (found !== undefined) resolve(found);
      },
    });
    ended.then(({ stderr }) => reject(new Error(`ended: ${stderr}`)), reject);
  });
  const child = running.at(-1);
  return {
    url,
    stop: async () => {
      child?.kill('SIGTERM');
      return ended;
    },
  };
}

function folder(): string {
  nth += 1;
  const path = join(temp, String(nth));
  mkdirSync(path);
  return path;
}

it('with nothing there yet says what to do, and ends in order', async () => {
  const cwd = folder();
  const { url, stop } = await serving(cwd);
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const page = await fetch(`${url}/`);
  expect(page.status).toBe(503);
  expect(page.headers.get('retry-after')).toBe('60');
  const text = await page.text();
  expect(text).toContain('there is no such file yet');
  expect(text).toContain('<code>./runner.sh --once</code>');
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  expect(await (await fetch(`${url}/metrics`)).text()).toContain(
    'samovar_report_requests_total{what="page",status="503"} 1',
  );
  expect(await stop()).toMatchObject({ code: 143 });
}, 60_000);

it('shows what another process writes while that one holds the file', async () => {
  const cwd = folder();
  const writer = await duckDbOf(cwd, await demoRows(cwd));
  // The command's clock is the real one.
  await writer.query(`UPDATE "all" SET started = now() - INTERVAL 1 DAY`);
  await writer.close();
  const file = `duckdb:${join(cwd, 'demo.duckdb')}`;
  const held = await openWarehouse(file, { timeoutMs: 30_000, loadTimeoutMs: 30_000 });
  const args = ['--warehouse', file, '--ttl', '0'];
  const { url, stop } = await serving(cwd, args);
  const overview = async () => (await (await fetch(`${url}/api/v1/overview`)).json()) as { builds: number };
  const { builds } = await overview();
  expect(builds).toBeGreaterThan(100);
  await held.query(`INSERT INTO "all" SELECT * REPLACE (path || '-again' AS path) FROM "all" LIMIT 1`);
  await vi.waitFor(async () => expect(await overview()).toMatchObject({ builds: builds + 1 }), 20_000);
  await held.close();
  await (await openWarehouse(file, { timeoutMs: 30_000, loadTimeoutMs: 30_000 })).close();
  expect((await fetch(`${url}/`)).status).toBe(200);
  expect(await stop()).toMatchObject({ code: 143 });
}, 120_000);

it.each([
  [['--http', '70000'], 'no address'],
  [['--artifacts-url', 'javascript:x'], '--artifacts-url'],
])(
  '%j is refused with words',
  async (args, word) => {
    const { code, stderr } = await cli(['serve', ...args], { cwd: folder() });
    expect(code).toBe(2);
    expect(stderr).toContain(word);
  },
  60_000,
);
