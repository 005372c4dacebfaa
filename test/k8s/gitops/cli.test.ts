import { type ChildProcess, execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli } from '../../support/cli.ts';
import { tempFolder } from '../../support/temp.ts';
import { CONFIGS } from './bots.ts';
import { bareRepository } from './repository.ts';

/** A repository, and the file that tells the bot of it. */
function world(more = '') {
  const root = tempFolder();
  const repository = bareRepository(root);
  const file = join(root, 'gitops.yaml');
  writeFileSync(file, `git: {url: '${repository.url}'}\n${CONFIGS}check: off\n${more}`);
  const run = (text: string, env: Readonly<Record<string, string>> = {}) =>
    cli(['k8s', 'gitops', 'run', '-k', file, '--', ...text.split(' ')], { cwd: root, env });
  return { root, repository, file, run };
}

test('words after -- are the bot\u2019s own: one commit, its diff on stdout', {
  timeout: 60_000,
}, async () => {
  const { repository, run } = world();
  const { code, stdout } = await run('deploy api env=dev image-tag=007');
  expect(code).toBe(0);
  expect(stdout).toContain('+  newTag: "007"    # set by the bot');
  expect(repository.log()).toHaveLength(2);
});

describe('killed with SIGKILL, and asked again, it makes exactly one commit', () => {
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();

  test.each([
    ['between commit and push', 'kill -9 $PPID; exit 1', 1],
    ['before the answer to the push', `"${real}" "$@"; kill -9 $PPID; exit 1`, 2],
  ])('%s', { timeout: 120_000 }, async (_, script, commits) => {
    const { root, repository, run } = world();
    const bin = join(root, 'bin');
    mkdirSync(bin);
    const git = join(bin, 'git');
    writeFileSync(
      git,
      `#!/bin/sh\nfor arg in "$@"; do if [ "$arg" = push ]; then ${script}; fi; done\nexec "${real}" "$@"\n`,
    );
    chmodSync(git, 0o755);
    const text = 'deploy api env=dev image-tag=v2';
    const killed = await run(text, { PATH: `${bin}${delimiter}${process.env.PATH}` });
    expect(killed.signal).toBe('SIGKILL');
    expect(repository.log()).toHaveLength(commits);
    const again = await run(text);
    expect(again.code).toBe(0);
    expect(again.stdout).toContain(commits === 1 ? '+  newTag: v2' : 'nothing was committed');
    expect(repository.log()).toEqual([
      `deploy(api/dev): deployed by +${userOf(repository.log('%an')[0])}`,
      'the beginning',
    ]);
  });
});

function userOf(author = ''): string {
  return /\+(.*)\)/.exec(author)?.[1] ?? '';
}

test('serve: CI asks over HTTP, metrics have a listener of their own, SIGTERM ends it', {
  timeout: 120_000,
}, async () => {
  const { root, repository, file } = world();
  const secrets = join(root, 'bot.yaml');
  const token = 'a-token-of-sixteen-or-more';
  writeFileSync(
    secrets,
    `apiTokens: [{name: ci, token: ${token}}]\nslackSigningSecret: '${'a5'.repeat(16)}'\n`,
  );
  const urls: string[] = [];
  let asked: Promise<unknown> | undefined;
  const ask = async (child: ChildProcess) => {
    const [metrics = '', bot = ''] = urls;
    const post = (path: string, headers: Record<string, string>) =>
      fetch(`${bot}${path}`, {
        method: 'POST',
        body: JSON.stringify({ text: 'deploy api env=dev image-tag=v2' }),
        headers,
      });
    try {
      const done = await post('/v1/commands', { authorization: `Bearer ${token}` });
      expect([done.status, await done.json()]).toEqual([200, expect.objectContaining({ state: 'done' })]);
      expect((await post('/v1/commands', { authorization: 'Bearer wrong' })).status).toBe(401);
      expect((await post('/slack/commands', { 'x-slack-signature': 'v0=00' })).status).toBe(401);
      expect((await fetch(`${bot}/metrics`)).status).toBe(404);
      expect(await (await fetch(`${metrics}/healthz`)).text()).toBe('ok');
      const page = await (await fetch(`${metrics}/metrics`)).text();
      expect(page).toContain('samovar_gitops_commands_total{command="deploy",outcome="done"} 1');
      expect(page).toContain('samovar_gitops_requests_refused_total{from="slack",reason="wrong"} 1');
      expect(page).toContain('samovar_gitops_requests_refused_total{from="api",reason="token"} 1');
      expect(page).toContain('samovar_gitops_git_seconds_count{command="push",outcome="done"} 1');
    } finally {
      child.kill('SIGTERM');
    }
  };
  const listen = ['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0'];
  let said = '';
  const served = await cli(['k8s', 'gitops', 'serve', '-k', file, '-c', secrets, ...listen], {
    cwd: root,
    onStderr: (text, child) => {
      said += text;
      urls.splice(0, 2, ...(said.match(/http:\/\/127\.0\.0\.1:\d+/g) ?? []));
      if (urls.length === 2) asked ??= ask(child);
    },
  });
  await asked;
  expect(served, said).toMatchObject({ code: 143 });
  expect(urls).toHaveLength(2);
  expect(repository.log()).toHaveLength(2);
});
