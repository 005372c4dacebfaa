import { describe, expect, test, vi } from 'vitest';
import { KINDS } from '../../../pipeline/k8s/cluster.ts';
import { cli } from '../../support/cli.ts';
import { tempFolder } from '../../support/temp.ts';
import { createApp, NS, specOf, type World, world } from '../idling/apps.ts';

// A command starts in a process of its own.
vi.setConfig({ testTimeout: 240_000 });

const LIMITED = { workload: { sleepy: 'yes' }, resources: { limits: { cpu: '100m' } } };

async function measured(): Promise<World> {
  const made = await world();
  for (const [name, cpu] of [
    ['busy', '50m'],
    ['calm', '15m'],
  ] as const) {
    createApp(made, name, LIMITED);
    made.api.create(KINDS.podMetrics, {
      metadata: { name: `${name}-1`, namespace: NS, labels: { app: name, tier: 'front' } },
      containers: [{ name: 'app', usage: { cpu, memory: '1Mi' } }],
    });
  }
  return made;
}

const idler = ({ api }: World, args: readonly string[], env: Readonly<Record<string, string>>) =>
  cli(['k8s', 'idler', '--json', '--awake-minutes', '0', ...args], {
    ...{ cwd: tempFolder(), env: { KUBECONFIG: api.kubeconfig, ...env } },
  });

describe('samovar k8s idler', () => {
  test("the original's variables are read: which apps, what is little CPU, how much is said", async () => {
    const made = await measured();
    const env = { LABEL_SELECTOR: 'sleepy=yes', CPU_ACTIVITY_THRESHOLD: '20', LOG_LEVEL: 'WARNING' };
    const { code, stdout } = await idler(made, [], env);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ at: expect.stringMatching(/Z$/), seconds: expect.any(Number), dryRun: false, failed: [] },
      idled: [{ app: 'shop/calm', why: 'it uses 15.0 % of its CPU' }],
      kept: [{ app: 'shop/busy', by: 'cpu', why: 'it uses 50.0 % of its CPU' }],
    });
    expect(specOf(made, KINDS.deployment, 'calm').replicas).toBe(0);
    expect(made.api.all(KINDS.event)).toMatchObject([
      { reason: 'Idled', message: 'Sent to sleep: it uses 15.0 % of its CPU.', type: 'Normal' },
    ]);
  });

  test('flags come before them; dry, nothing is touched', async () => {
    const made = await measured();
    const env = { LABEL_SELECTOR: 'none=such', CPU_ACTIVITY_THRESHOLD: 'ten' };
    const args = ['--selector', 'sleepy', '--cpu-percent', '10', '--dry-run'];
    const { stdout } = await idler(made, args, env);
    expect(JSON.parse(stdout)).toMatchObject({ idled: [], kept: [{ by: 'cpu' }, { by: 'cpu' }] });
    expect(made.api.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });
});
