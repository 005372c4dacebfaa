import type { ChildProcess } from 'node:child_process';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { KINDS } from '../../../pipeline/k8s/cluster.ts';
import { type CliResult, cli } from '../../support/cli.ts';
import { tempFolder } from '../../support/temp.ts';
import { createApp, idleAsOriginal, specOf, until, world } from '../idling/apps.ts';

// A command starts in a process of its own.
vi.setConfig({ testTimeout: 240_000 });

interface Running {
  readonly line: { readonly url: string; readonly metrics?: string };
  readonly done: Promise<CliResult>;
}

/** Runs until the test is over. Gives what it logs once it serves; throws when it ends before. */
async function unidler(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Running> {
  let child: ChildProcess | undefined;
  let said = '';
  const done = cli(['k8s', 'unidler', ...args], {
    cwd: tempFolder(),
    env: { SAMOVAR_LOG_FORMAT: 'json', ...env },
    onStart: (started) => {
      child = started;
    },
    onStderr: (text) => {
      said += text;
    },
  });
  onTestFinished(async () => {
    child?.kill('SIGTERM');
    await done;
  });
  let isOver = false;
  void done.then(() => {
    isOver = true;
  });
  const lines = () => said.split('\n').filter((line) => line.includes('"waking idled apps"'));
  await until(() => isOver || lines().length > 0);
  const [line] = lines();
  if (line === undefined) throw new Error(`it ended: ${said}`);
  return { line: JSON.parse(line), done };
}

/** One that nobody is likely to have: 0 would not tell which variable was read. */
const PORT = 20_000 + (process.pid % 10_000);

describe('samovar k8s unidler', () => {
  test("the original's variables: PORT as Go has it, UNIDLE_KEY_LABEL; metrics at their own address alone", async () => {
    const made = await world();
    createApp(made, 'web', { host: '127.0.0.1', labels: { 'team/host': '127.0.0.1' } });
    idleAsOriginal(made, 'web');
    const { line } = await unidler(['--metrics-listen', '127.0.0.1:0'], {
      ...{ KUBECONFIG: made.api.kubeconfig, PORT: `:${PORT}`, UNIDLE_KEY_LABEL: 'team/host' },
      // What Kubernetes tells pods beside a Service named unidler is no option.
      ...{ UNIDLER_PORT: 'tcp://10.0.0.1:80', UNIDLER_SERVICE_HOST: '10.0.0.1' },
    });
    expect(line.url).toBe(`http://0.0.0.0:${PORT}`);
    const url = `http://127.0.0.1:${PORT}`;
    expect(await (await fetch(`${url}/healthz`)).text()).toBe('Still OK');
    expect((await fetch(`${url}/wake`, { method: 'POST' })).status).toBe(202);
    await until(() => Number(specOf(made, KINDS.deployment, 'web').replicas) > 0);
    const [first] = made.api.requests.filter(({ kind }) => kind?.kind === 'Ingress');
    expect(first?.query.get('labelSelector')).toBe('team/host=127.0.0.1');
    const metrics = await (await fetch(line.metrics ?? '')).text();
    expect(metrics).toMatch(/^samovar_unidler_wakes_open 1$/m);
    const page = await fetch(`${url}/metrics`, { headers: { accept: 'text/html' } });
    expect(await page.text()).not.toContain('samovar_unidler_');
  });

  test('PORT as everybody has it; a flag comes before it', async () => {
    const { api } = await world();
    const env = { KUBECONFIG: api.kubeconfig, PORT: `${PORT + 1}` };
    const [plain, flag] = await Promise.all([
      unidler([], env),
      unidler(['--listen', '127.0.0.1:0'], { ...env, PORT: 'tcp://10.0.0.1:80' }),
    ]);
    expect(plain.line.url).toBe(`http://0.0.0.0:${PORT + 1}`);
    expect(flag.line.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });
});
