import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { kubeApiserverOrSkip, startKubeApiserver } from '../../support/kube-apiserver.ts';

const WALK_MS = 600_000;
const ROOT = resolve(import.meta.dirname, '../../..');
const ENTRY = process.env.SAMOVAR_TEST_BUILT === undefined ? '--import tsx pipeline/cli.ts' : 'dist/cli.js';
const found = whatIsThere();

function whatIsThere(): ReturnType<typeof kubeApiserverOrSkip> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const missing = ['bash', 'curl', 'kubectl'].filter(
    (name) => !folders.some((folder) => existsSync(resolve(folder, name))),
  );
  return missing.length > 0 ? { skip: `needs ${missing.join(', ')}` } : kubeApiserverOrSkip();
}

/** The commands of the walk as the documentation has them. */
function documented(): string {
  const [, section = ''] = readFileSync(`${ROOT}/docs/kubernetes.md`, 'utf8').split(
    '## Walk: idler and unidler\n',
  );
  const [, script = ''] = /```sh\n([\s\S]*?)```/.exec(section) ?? [];
  return script;
}

/** The same on a server and ports of the test's own. */
function ownWalk(script: string): string {
  const port = 30_000 + (process.pid % 10_000);
  const lines = script
    .split('\n')
    .filter((line) => !/scripts\/emulators/.test(line))
    .map((line) => line.replaceAll('8080/', `${port}/`).replaceAll(':8080 ', `:${port} `));
  const own = lines.join('\n').replaceAll('9090', `${port + 1}`);
  return `set -m -o pipefail\nsamovar() { node ${ENTRY} "$@"; }\n${own}`;
}

describe.skipIf('skip' in found)(
  `the walk in the documentation${'skip' in found ? ` (${found.skip})` : ''}`,
  () => {
    test('its commands do what it says', { timeout: WALK_MS }, async () => {
      if ('skip' in found) return;
      const server = await startKubeApiserver(found);
      try {
        const script = documented();
        expect(script.match(/scripts\/emulators/g)).toHaveLength(3);
        const { said, logged } = await bash(ownWalk(script), server.kubeconfig);
        const steps = [
          'would idle default/web: its hours to sleep',
          'idled default/web: its hours to sleep',
          'deployment.apps/web   0/0',
          'ExternalName',
          'HTTP/1.1 503',
          'retry-after: 10',
          '"state":"idle"',
          'It is being woken.',
          'endpointslice.discovery.k8s.io/web-1 created',
          'event: success\ndata: Ready',
          'deployment.apps/web   2/2',
          'ClusterIP',
          'Unidled',
          'samovar_unidler_wakes_total{outcome="ready"} 1',
        ];
        const places = steps.map((step) => said.indexOf(step));
        expect(places, said + logged).not.toContain(-1);
        expect(
          [...places].sort((a, b) => a - b),
          said,
        ).toEqual(places);
      } finally {
        await server.stop();
      }
    });
  },
);

async function bash(
  script: string,
  kubeconfig: string,
): Promise<{ readonly said: string; readonly logged: string }> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn('bash', ['-c', script], {
    cwd: ROOT,
    env: { PATH, HOME, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  // Whatever it left behind, where a command failed.
  onTestFinished(() => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // Nothing.
    }
  });
  let said = '';
  let logged = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    logged += text;
  });
  await once(child, 'close');
  return { said, logged };
}
