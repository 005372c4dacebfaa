import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { kubeApiserverOrSkip, startKubeApiserver } from '../../support/kube-apiserver.ts';
import { tempFolder } from '../../support/temp.ts';

const WALK_MS = 600_000;
const ROOT = resolve(import.meta.dirname, '../../..');
const ENTRY =
  process.env.SAMOVAR_TEST_BUILT === undefined
    ? `--import ${import.meta.resolve('tsx')} ${ROOT}/pipeline/cli.ts`
    : `${ROOT}/dist/cli.js`;
const PORTS = ['6343', '8080', '7001', '7002', '7003', '7004', '7005'];
/** In their order. */
const SAID = [
  'would create deployment mtr-d-9bf4b585',
  'would create service mtr-s-48768dba',
  'create deployment mtr-d-9bf4b585',
  'done: 2 repositories, 0 workers, 4 steps taken',
  'samovar-demo   teapot',
  'image updated',
  'change deployment mtr-d-9bf4b585',
  'registry.example/samovar:1,registry.example/samovar:1',
  'the list has no repository at all: taken for a mistake',
  'mtr-d-48768dbaef420c87c7b324c8e7be73f0e495a7e20b4c74b115465f6c" deleted',
  '{"outcome":"done","repositories":2',
  'mtr-d-48768dba',
  'Time to the first answer',
  '"repo":"samovar-demo/teapot"',
  'repository samovar-demo/samovar is not tracking issues',
  '{"name":"samovar-demo/kettle","issueCount":94,"pullRequestCount":38},{"name":"samovar-demo/teapot"',
  '"statuses":[{"name":"samovar-demo/kettle","code":14,"message":"the worker of samovar-demo/kettle cannot be reached',
  'samovar_router_requests_total{method="ListIssues",status="NOT_FOUND"} 1',
];
const folder = tempFolder();
const found = whatIsThere();

function whatIsThere(): ReturnType<typeof kubeApiserverOrSkip> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const missing = ['bash', 'curl', 'kubectl'].filter(
    (name) => !folders.some((each) => existsSync(resolve(each, name))),
  );
  return missing.length > 0 ? { skip: `needs ${missing.join(', ')}` } : kubeApiserverOrSkip();
}

/** The commands as the documentation has them, on a server and ports of the test's own. */
function ownWalk(): string {
  const [, section = ''] = readFileSync(`${ROOT}/docs/kubernetes.md`, 'utf8').split(
    '## Walk: supervisor and router\n',
  );
  const [, script = ''] = /```sh\n([\s\S]*?)```/.exec(section) ?? [];
  const first = 40_000 + (process.pid % 2_000) * 10;
  const own = script
    .split('\n')
    .filter((line) => !/scripts\/emulators/.test(line))
    .join('\n')
    .replace(/\b(6343|8080|700[1-5])\b/g, (port) => String(first + PORTS.indexOf(port)));
  return `set -m -o pipefail\nsamovar() { node ${ENTRY} "$@"; }\n${own}`;
}

describe.skipIf('skip' in found)(
  `the walk of supervisor and router${'skip' in found ? ` (${found.skip})` : ''}`,
  () => {
    test('does what the documentation says', { timeout: WALK_MS }, async () => {
      if ('skip' in found) return;
      const server = await startKubeApiserver(found);
      try {
        const said = await bash(ownWalk(), server.kubeconfig);
        let from = 0;
        for (const step of SAID) {
          const at = said.indexOf(step, from);
          expect(at, `${step}, after what was found before it, in:\n${said}`).toBeGreaterThanOrEqual(from);
          from = at + step.length;
        }
      } finally {
        await server.stop();
      }
    });
  },
);

async function bash(script: string, kubeconfig: string): Promise<string> {
  const child = spawn('bash', ['-c', script], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', HOME: folder, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const pids: number[] = [];
  // Whatever it left behind, where a command failed.
  onTestFinished(() => {
    for (const pid of [...pids, -(child.pid ?? 0)])
      try {
        if (pid !== 0) process.kill(pid, 'SIGKILL');
      } catch {
        // It is gone.
      }
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await once(child, 'close');
  return said;
}
