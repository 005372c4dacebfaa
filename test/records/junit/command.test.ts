import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cli } from '../../support/cli.ts';

const golden = (name: string) => fileURLToPath(new URL(`../../golden/junit/${name}.xml`, import.meta.url));
const TIMEOUT_MS = 60_000;
let cwd = '';

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'samovar-junit-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

test('samovar junit shows suites, counts and failing tests', { timeout: TIMEOUT_MS }, async () => {
  const { code, stdout, stderr } = await cli(['junit', golden('ginkgo-v2')], { cwd });
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual([
    `${golden('ginkgo-v2')}: ok, 5 tests run, 3 failed, 2 skipped, 0 flaky`,
    '  (no name): 7 cases, 3 failed, 2 skipped',
    '    E2E suite: 7 cases, 3 failed, 2 skipped',
    '  failing:',
    '    E2E suite [It] [sig-network] Services should work',
    '      timed out after 2m: "svc"',
    '    E2E suite [It] [sig-node] Probes should panic',
    '      index out of range',
    '    E2E suite [It] [sig-node] Probes cut short',
    '      No Failure Message Found',
    '',
  ]);
  expect(code).toBe(0);
});

test('of several files, one that cannot be read as JUnit says why, the rest is shown, and the exit is 1', {
  timeout: TIMEOUT_MS,
}, async () => {
  const page = join(cwd, 'page.xml');
  const cut = join(cwd, 'cut.xml');
  await writeFile(page, '<html>502</html>');
  await writeFile(cut, '<testsuite><testcase name="a\x1b[2J"><failure>no</failure></testcase>\n<testca');
  const { code, stdout } = await cli(['junit', page, cut, golden('bazel')], { cwd });
  expect(code).toBe(1);
  expect(stdout).toContain(`${page}: not-junit (line 1: it looks like HTML`);
  expect(stdout).toContain(
    `${cut}: truncated (line 2: the file ends inside <testsuite>, after 1 complete testcases), 1 tests run, 1 failed`,
  );
  expect(stdout).toContain('    a\\u001b[2J\n      no');
  expect(stdout).toContain('pkg/server_test: 1 cases, 1 failed');

  const json = await cli(['junit', page, cut, golden('bazel'), '--json'], { cwd });
  expect(json.code).toBe(1);
  const statuses = JSON.parse(json.stdout).map(
    (report: { readonly summary: { readonly status: string } }) => report.summary.status,
  );
  expect(statuses).toEqual(['not-junit', 'truncated', 'ok']);
});

test('a file that is not there is named, the others are shown, and the exit is 1', {
  timeout: TIMEOUT_MS,
}, async () => {
  const absent = join(cwd, 'absent.xml');
  const { code, stdout, stderr } = await cli(['junit', absent, golden('bazel')], { cwd });
  expect(code).toBe(1);
  expect(stderr).toMatch(/absent\.xml: it could not be read: ENOENT/);
  expect(stdout).toContain('pkg/server_test: 1 cases, 1 failed');
});
