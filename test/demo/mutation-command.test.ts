import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { tempFolder } from '../support/temp.ts';

const cwd = tempFolder();

const run = (...args: readonly string[]) => cli(['mutation-log', ...args], { cwd });
const json = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await run(...args, '--json');
  expect([code, stderr.includes('Error')]).toEqual([0, false]);
  return JSON.parse(stdout) as Record<string, unknown>;
};
const TEAPOT = 'samovar-demo/teapot';
const CONFIG = ['--config', 'demo/mutation-log.yaml'];
const HASH = /^0000\.[0-9a-f]{56}\.mutlog$/;
const segmentsIn = (folder: string) => readdirSync(join(cwd, folder)).filter((name) => HASH.test(name));

test('the tools work on the demo, each by its command', { timeout: 180_000 }, async () => {
  const demo = await run('demo');
  expect(demo).toMatchObject({ code: 0, stdout: expect.stringContaining('Try next:') });

  const from = ['--from', 'file:demo/mutation-log/{owner}/{repo}/', '--to', 'file:copies/{hash}/'];
  const copied = await json('copy', ...from, '--repo', TEAPOT);
  expect(copied).toMatchObject({ dryRun: false, logs: [{ repository: TEAPOT, state: 'new', segments: 1 }] });
  const [hash = ''] = readdirSync(join(cwd, 'copies'));
  expect(segmentsIn(`copies/${hash}`)).toEqual(segmentsIn(`demo/mutation-log/${TEAPOT}`));

  const migrated = await json(
    'migrate',
    `file:copies/${hash}/`,
    '--repo',
    TEAPOT,
    '--to',
    'file:logs/{owner}/{repo}/',
  );
  expect(migrated).toMatchObject({
    others: 0,
    repositories: [{ repository: TEAPOT, known: 0, ahead: false }],
  });
  // A record's offset is in its header: the same payloads in the same order are the same bytes.
  expect(segmentsIn(`logs/${TEAPOT}`)).toEqual(segmentsIn(`copies/${hash}`));

  const file = join(cwd, 'labels.csv');
  expect((await run('export', ...CONFIG, '--kind', 'labels', '--format', 'csv', '--out', file)).code).toBe(0);
  expect(readFileSync(file, 'utf8').split('\r\n')).toHaveLength(1 + 2 * 7 + 1);
});
