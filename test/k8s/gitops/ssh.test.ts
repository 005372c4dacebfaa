import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { GitPlace } from '../../../pipeline/k8s/gitops/config.ts';
import { type GitSshServer, sshdOrSkip, startGitSsh } from '../../support/git-ssh.ts';
import { tempFolder } from '../../support/temp.ts';
import { botOf, configOf } from './bots.ts';
import { bareRepository } from './repository.ts';

const root = tempFolder();
let count = 0;
afterEach(() => {
  vi.unstubAllEnvs();
});

async function botAt(place: Partial<GitPlace> & { readonly url: string }) {
  const config = await configOf(place.url);
  return botOf({ config: { ...config, git: { ...config.git, ...place } }, root });
}

const missing = sshdOrSkip();
describe('over SSH, to a server of OpenSSH', () => {
  let server: GitSshServer;
  beforeAll(async () => {
    if (missing === undefined) server = await startGitSsh(join(root, 'a folder of ssh'));
  });
  afterAll(() => server?.stop());
  beforeEach((context) => {
    if (missing !== undefined) context.skip(missing.skip);
    vi.stubEnv('SSH_AUTH_SOCK', undefined);
  });

  function world() {
    count += 1;
    const repository = bareRepository(root, `ssh-${count}.git`);
    const { keyPath: sshKeyPath, knownHosts: sshKnownhosts, user: sshKeyUser, port } = server;
    const url = `ssh://nobody@127.0.0.1:${port}${repository.folder}`;
    return { repository, place: { url, sshKeyPath, sshKnownhosts, sshKeyUser } };
  }

  test('a deploy is one commit; user, key and hosts are those of the file', { timeout: 60_000 }, async () => {
    const { repository, place } = world();
    const { ask } = await botAt(place);
    const { commit } = await ask('deploy api env=dev image-tag=v2');
    expect(repository.log('%H')).toEqual([commit, expect.any(String)]);
  });

  test('a lost race is won again, and what a hook refuses is not', { timeout: 60_000 }, async () => {
    const { repository, place } = world();
    let races = 2;
    const config = await configOf(place.url);
    const check = async () => {
      if (races-- > 0) repository.pushed();
    };
    const engine = { check };
    const { ask } = botOf({ config: { ...config, git: { ...config.git, ...place } }, root, engine });
    await ask('deploy api env=dev image-tag=v2');
    expect(repository.log()).toHaveLength(4);
    repository.hook('pre-receive', 'echo "main is protected" >&2; exit 1');
    await expect(ask('deploy api env=dev image-tag=v3')).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('main is protected'),
    });
  });

  test('a host that the file does not know gets nothing', { timeout: 60_000 }, async () => {
    const { repository, place } = world();
    const other = join(root, 'other-hosts');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(root, 'another-host')]);
    const [type, key] = readFileSync(join(root, 'another-host.pub'), 'utf8').split(' ');
    for (const hosts of ['', `[127.0.0.1]:${server.port} ${type} ${key}\n`]) {
      writeFileSync(other, hosts);
      const { ask } = await botAt({ ...place, sshKnownhosts: other });
      await expect(ask('deploy api env=dev image-tag=v2')).rejects.toMatchObject({
        code: 'denied',
        message: expect.stringMatching(/host key verification failed/i),
      });
      expect(readFileSync(other, 'utf8')).toBe(hosts);
    }
    expect(repository.log()).toHaveLength(1);
  });

  test('a key that the server does not know is told as such', { timeout: 60_000 }, async () => {
    const { place } = world();
    const stranger = join(root, 'stranger');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', stranger]);
    const { ask } = await botAt({ ...place, sshKeyPath: stranger });
    await expect(ask('deploy api env=dev image-tag=v2')).rejects.toMatchObject({
      code: 'denied',
      message: expect.stringContaining('Permission denied'),
    });
  });
});

test('what ssh is given is what was configured, one argument each', { timeout: 60_000 }, async () => {
  const repository = bareRepository(root, 'stub.git');
  const bin = join(root, 'bin');
  mkdirSync(bin);
  const args = join(root, 'args');
  // Notes what it got, and does what the far end would: the last argument is the command.
  writeFileSync(
    join(bin, 'ssh'),
    `#!/bin/sh\nfor arg in "$@"; do printf '%s\\n' "$arg" >> '${args}'; last=$arg; done\nexec sh -c "$last"\n`,
  );
  chmodSync(join(bin, 'ssh'), 0o755);
  vi.stubEnv('PATH', `${bin}${delimiter}${process.env.PATH}`);
  const hostile = `/k/it's $(touch ${root}/pwned) %d -oProxyCommand=id`;
  const place = { sshKeyPath: hostile, sshKnownhosts: '/k/known hosts', sshKeyUser: 'bot' };
  const { ask } = await botAt({ url: `git@git.example.com:${repository.folder}`, ...place });
  await ask('deploy api env=dev image-tag=v2');
  expect(repository.log()).toHaveLength(2);
  const given = readFileSync(args, 'utf8').split('\n');
  const end = given.indexOf('bot@git.example.com');
  const options = given.slice(0, end).filter((arg) => arg.includes('='));
  expect(options).toEqual([
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'ConnectTimeout=20',
    `IdentityFile="${hostile.replace('%', '%%')}"`,
    'IdentitiesOnly=yes',
    'UserKnownHostsFile="/k/known hosts"',
    'GlobalKnownHostsFile=/dev/null',
    'SendEnv=GIT_PROTOCOL',
  ]);
  expect(existsSync(join(root, 'pwned'))).toBe(false);
});
