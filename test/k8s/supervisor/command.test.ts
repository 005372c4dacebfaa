import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { KINDS } from '../../../pipeline/k8s/cluster.ts';
import { deploymentName } from '../../../pipeline/k8s/supervisor/names.ts';
import { type CliOptions, cli } from '../../support/cli.ts';
import { startKubeApi } from '../../support/kube-api.ts';
import { tempFolder } from '../../support/temp.ts';

const folder = tempFolder();
const LOGS = ['--logs', 'gs://logs/all'];

async function given(repos: readonly object[]) {
  const api = await startKubeApi();
  onTestFinished(() => api.close());
  const list = join(folder, `${api.url.replace(/\W/g, '')}.json`);
  writeFileSync(list, JSON.stringify({ repos }));
  const run = (args: readonly string[], more: Partial<CliOptions> = {}) => {
    const common = ['--repos', list, '--kubeconfig', api.kubeconfig, '--image', 'img:1'];
    return cli(['k8s', 'supervisor', ...common, ...args], { cwd: folder, ...more });
  };
  return { api, run };
}

test('samovar k8s supervisor says its plan, and --once carries it out, for what is tracked alone', async () => {
  const { api, run } = await given([
    { repo: 'foo/bar', is_tracking_issues: true },
    { repo: 'foo/samples', is_tracking_samples: true },
  ]);
  const plan = await run([...LOGS, '--dry-run']);
  expect([plan.code, plan.stdout]).toEqual([
    0,
    expect.stringContaining(`would create deployment ${deploymentName('foo/bar')}`),
  ]);
  expect(api.all(KINDS.deployment)).toEqual([]);
  const once = await run([...LOGS, '--once', '--json']);
  expect(JSON.parse(once.stdout)).toMatchObject({ outcome: 'done', repositories: 1, failed: [] });
  expect(api.all(KINDS.deployment).map(({ metadata }) => metadata.name)).toEqual([deploymentName('foo/bar')]);
}, 60_000);

test('it refuses what would empty a fleet or lose its logs', async () => {
  const { run } = await given([]);
  for (const [args, why] of [
    [[...LOGS, '--surplus-share', '0'], '--surplus-share'],
    [[...LOGS, '--every', 'often'], '--every'],
    [['--logs', 'file:/logs'], 'workers cannot keep logs'],
  ] as const) {
    const { code, stderr } = await run([...args, '--once']);
    expect([code, stderr]).toEqual([2, expect.stringContaining(why)]);
  }
}, 60_000);

test('it works until it is stopped, and gives its Lease back', async () => {
  const { api, run } = await given([{ repo: 'foo/bar', is_tracking_issues: true }]);
  let said = '';
  const { code } = await run([...LOGS, '--listen', '0'], {
    onStderr: (text, child) => {
      said += text;
      if (said.includes('done: 1 repositories')) child.kill('SIGTERM');
    },
  });
  expect(code).toBe(143);
  expect(api.all(KINDS.service)).toHaveLength(1);
  const [lease] = api.all(KINDS.lease);
  expect(lease?.metadata.name).toBe('samovar-supervisor');
  expect(lease?.spec).not.toHaveProperty('holderIdentity');
}, 60_000);
