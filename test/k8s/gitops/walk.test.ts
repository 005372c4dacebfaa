import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { tempFolder } from '../../support/temp.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const root = tempFolder();

test('the walk that is documented works, offline', { timeout: 240_000 }, async () => {
  const [, section = ''] = readFileSync(join(ROOT, 'docs/kubernetes.md'), 'utf8').split(
    '## GitOps by chat\n',
  );
  const walk = /```sh\n(.*?)```/s.exec(section)?.[1] ?? '';
  // Elsewhere than where a person would leave its files.
  const ports = [await freePort(), await freePort()];
  const tidy = "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n";
  const script = `${tidy}${walk}`
    .replaceAll('/tmp/', `${root}/`)
    .replaceAll('config/gitops.example.yaml', join(root, 'gitops.yaml'))
    .replaceAll('8091', String(ports[0]))
    .replaceAll('9091', String(ports[1]))
    .replace('kill %1', 'kill %1; wait %1 || true');
  const example = readFileSync(join(ROOT, 'config/gitops.example.yaml'), 'utf8');
  writeFileSync(join(root, 'gitops.yaml'), example.replaceAll('/tmp/', `${root}/`));
  const bin = join(root, 'bin');
  mkdirSync(bin);
  const entry = `--import ${import.meta.resolve('tsx')} ${ROOT}/pipeline/cli.ts`;
  writeFileSync(join(bin, 'samovar'), `#!/bin/sh\nexec "${process.execPath}" ${entry} "$@"\n`);
  chmodSync(join(bin, 'samovar'), 0o755);
  const env = { PATH: `${bin}:${process.env.PATH}`, HOME: root };
  const child = spawn('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [said, complaints] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  expect(child.exitCode, complaints).toBe(0);
  expect(said).toContain('+  newTag: v2');
  expect(said).toContain('Requested-by: ');
  expect(said).toMatch(/"state":"done".*newTag\) to v3 \(was v2\)/);
  expect(said).toContain('"code":"denied","error":"ci may not release api/prod"');
  expect(said).toContain('samovar_gitops_commands_total{command="deploy",outcome="done"} 1');
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
