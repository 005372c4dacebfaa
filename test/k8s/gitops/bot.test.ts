import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SamovarError } from '../../../pipeline/errors.ts';
import { type AuditEntry, fileAudit } from '../../../pipeline/k8s/gitops/audit.ts';
import { kustomizeCheck } from '../../../pipeline/k8s/gitops/kustomize.ts';
import { fileState, noState } from '../../../pipeline/k8s/gitops/state.ts';
import { tempFolder } from '../../support/temp.ts';
import { ANN, BEN, botOf, CEM, configOf } from './bots.ts';
import { bareRepository, FILES } from './repository.ts';

const root = tempFolder();
let names = 0;
async function world(more = '', bot: Parameters<typeof botOf>[0]['bot'] = {}) {
  names += 1;
  const repository = bareRepository(root, `configs-${names}.git`);
  const config = await configOf(repository.url, more);
  return { repository, config, ...botOf({ config, root, bot }) };
}
const refused = (code: string, message: string | RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe('each command', () => {
  test('release of a project in prod touches its file only, when it is confirmed', async () => {
    const { ask, repository } = await world();
    await ask('release shop project=tv image-tag=20260105 --yes');
    expect(repository.show('shop/overlays/prod/overlays/tv/base/Kustomization')).toContain(
      'newTag: "20260105"\n',
    );
    expect(repository.git('diff', '--stat', 'main~1', 'main')).toContain(
      '1 file changed, 1 insertion(+), 1 deletion(-)',
    );
  });

  test('scale moves bounds, and says where there are none', async () => {
    const { ask, repository } = await world();
    await ask('scale api env=dev maxReplicas=8');
    expect(repository.show('api/overlays/dev/hpa.yaml')).toBe(
      FILES['api/overlays/dev/hpa.yaml']?.replace('5', '8'),
    );
    await ask('scale shop-tv-web env=prod minReplicas=2 --yes');
    expect(repository.show('shop/overlays/prod/overlays/tv/overlays/web/hpa.yaml')).toContain(
      '{minReplicas: 2, max',
    );
    await expect(ask('scale shop-tv-cron env=prod minReplicas=2 --yes')).rejects.toThrow(
      'auto scaling is not support',
    );
  });

  test('list shows what there is, and the latest eleven changes of a file', async () => {
    const { ask, repository } = await world();
    expect((await ask('list')).lines[0]).toContain('api (dev, prod, staging), shop (dev, prod)');
    expect((await ask('list project=tv env=dev')).lines).toEqual(['1. api', '2. shop/cron', '3. shop/web']);
    for (let at = 0; at < 12; at += 1) {
      repository.change({ 'api/overlays/dev/hpa.yaml': `x: ${at}\n` }, `bounds ${at}`);
      repository.pushed();
    }
    const { lines } = await ask('list api env=dev');
    expect(lines).toHaveLength(12);
    expect(lines[1]).toMatch(/^[0-9a-f]{10} \d{4}-\d\d-\d\dT\d\d:\d\dZ Somebody: bounds 11$/);
    expect(lines.at(-1)).toContain('bounds 1');
  });

  test('info tells tag, bounds and replicas', async () => {
    const replicas = async () => ({ wanted: 3, ready: 2 });
    const { ask } = await world('', { replicas });
    expect((await ask('info api env=dev')).lines).toEqual([
      'api/dev',
      '\tImageTag: v1 (example.com/api)',
      '\tAutoScaling: min 2, max 5',
      '\tReplicas: 2 ready of 3 wanted',
    ]);
  });

  test('rollback gives it what it had before, or had at a commit', async () => {
    const { ask, repository } = await world();
    await ask('deploy api env=dev image-tag=v2');
    const { commit = '' } = await ask('deploy api env=dev image-tag=v3');
    await ask('deploy api env=dev image-tag=v4');
    repository.pushed();
    expect((await ask('rollback api env=dev')).lines).toContain(
      'Set image-tag(images.1.newTag) to v3 (was v4)',
    );
    await ask('deploy api env=dev image-tag=v5');
    await ask(`rollback api env=dev to=${commit.slice(0, 10)}`);
    expect(repository.show('api/overlays/dev/kustomization.yaml')).toContain('newTag: v3 ');
    expect(repository.log()[0]).toBe('rollback(api/dev): rolled back by +ann');
    await expect(ask('rollback api env=dev to=0000000')).rejects.toThrow('has no tag');
  });

  test('a dry run shows the diff, and commits nothing', async () => {
    const { ask, repository } = await world();
    const reply = await ask('deploy api env=dev image-tag=v2 --dry-run');
    expect(reply.state).toBe('shown');
    expect(reply.diff).toContain('\n-  newTag: v1    # set by the bot\n+  newTag: v2    # set by the bot');
    expect(repository.log()).toHaveLength(1);
  });

  test('a stage without files is told as such', async () => {
    const { ask } = await world();
    await expect(ask('deploy api env=staging image-tag=v2')).rejects.toThrow(
      'cannot get file(api/overlays/staging/kustomization.yaml)',
    );
  });
});

describe('who may do what', () => {
  const RULES = `
groups: {leads: ['slack:U3']}
permissions:
- {who: [anyone], commands: [list, info]}
- {who: ['slack:U2'], commands: [deploy], stages: [dev], repos: [api]}
- {who: ['group:leads', 'cli:*']}
`;
  test('only what a rule allows, by command, stage and repository', async () => {
    const { ask, audit, repository } = await world(RULES);
    await ask('deploy api env=dev image-tag=v2', BEN);
    await ask('list api env=dev', BEN);
    for (const text of [
      'deploy shop env=dev image-tag=v2',
      'deploy api env=staging image-tag=v2',
      'rollback api env=dev',
      'freeze api env=dev',
      'freeze * env=*',
      'release api image-tag=v2',
    ])
      await expect(ask(text, BEN)).rejects.toThrow(refused('denied', /ben may not/));
    expect((await ask('freeze * env=*', CEM)).state).toBe('answer');
    expect(audit.filter(({ event }) => event === 'denied')).toHaveLength(6);
    expect(repository.log()).toHaveLength(2);
  });

  test('where nothing is said, prod is for the command line', async () => {
    const { ask } = await world();
    await ask('deploy api env=dev image-tag=v2', BEN);
    await expect(ask('release api image-tag=v2', BEN)).rejects.toThrow(
      refused('denied', 'ben may not release api/prod'),
    );
    await expect(ask('freeze api env=*', BEN)).rejects.toThrow(refused('denied', ''));
    expect((await ask('release api image-tag=v2')).state).toBe('waiting');
  });
});

describe('approvals', () => {
  const RULES = `
groups: {leads: ['cli:ann', 'slack:U2', 'slack:U3']}
permissions: [{who: [anyone]}]
approvals: [{stages: [prod], count: 2, from: ['group:leads'], hours: 2}]
`;
  const DAN = { id: 'slack:U4', name: 'dan' };
  const EVE = { id: 'slack:U5', name: 'eve' };

  test('two others of those who may, and it is committed in the name of who asked', async () => {
    const { ask, repository, audit } = await world(RULES);
    const { waiting, diff } = await ask('release api image-tag=v9 --yes', EVE);
    expect(diff).toContain('+  newTag: v9');
    const id = waiting?.id ?? '';
    await expect(ask(`approve ${id}`, EVE)).rejects.toThrow(refused('denied', 'others must approve it'));
    await expect(ask(`confirm ${id}`, EVE)).rejects.toThrow(refused('refused', 'approval of others'));
    await expect(ask(`approve ${id}`, DAN)).rejects.toThrow(refused('denied', 'not among those'));
    expect((await ask(`approve ${id}`, BEN)).state).toBe('waiting');
    await expect(ask(`approve ${id}`, BEN)).rejects.toThrow(refused('refused', 'already'));
    expect((await ask('pending')).lines[0]).toContain('1 of 2 approvals');
    expect(repository.log()).toHaveLength(1);
    expect((await ask(`approve ${id}`, CEM)).state).toBe('done');
    expect(repository.log('%an')[0]).toBe('Samovar(+eve)');
    expect(repository.git('log', '-1', '--format=%(trailers)', 'main').trim().split('\n')).toEqual([
      'Requested-by: eve <slack:U5>',
      'Request-id: request-1',
      'Approved-by: ben <slack:U2>',
      'Approved-by: cem <slack:U3>',
    ]);
    expect(audit.at(-1)).toMatchObject({ event: 'done', approvals: ['slack:U2', 'slack:U3'] });
    await expect(ask(`approve ${id}`, ANN)).rejects.toThrow('nothing waits');
  });

  test('a lead does not approve their own; a rejection and the time end it', async () => {
    const { ask, clock } = await world(RULES);
    const first = (await ask('release api image-tag=v9', BEN)).waiting?.id ?? '';
    await expect(ask(`approve ${first}`, BEN)).rejects.toThrow(refused('denied', 'others'));
    await ask(`reject ${first}`, CEM);
    await expect(ask(`approve ${first}`, CEM)).rejects.toThrow('nothing waits');
    const second = (await ask('release api image-tag=v9', BEN)).waiting?.id ?? '';
    clock.ms += 2 * 3_600_000;
    await expect(ask(`approve ${second}`, CEM)).rejects.toThrow('nothing waits');
  });

  test('what was approved is what is done: a tag that changed meanwhile ends it', async () => {
    const { ask, repository } = await world(RULES);
    const id = (await ask('release api image-tag=v9', EVE)).waiting?.id ?? '';
    const file = 'api/overlays/prod/kustomization.yml';
    repository.change({ [file]: FILES[file]?.replace('v0', 'v7') ?? '' }, 'by hand');
    await ask(`approve ${id}`, BEN);
    await expect(ask(`approve ${id}`, CEM)).rejects.toThrow(refused('conflict', 'not what was shown'));
    expect(repository.log()[0]).toBe('by hand');
  });

  test('without a rule the requester alone confirms', async () => {
    const { ask, repository } = await world('permissions: [{who: [anyone]}]\n');
    const id = (await ask('release api image-tag=v9', BEN)).waiting?.id ?? '';
    await expect(ask(`confirm ${id}`, CEM)).rejects.toThrow(refused('denied', 'only who asked'));
    expect((await ask(`confirm ${id}`, BEN)).state).toBe('done');
    expect(repository.log()).toHaveLength(2);
  });
});

describe('what is kept beside git', () => {
  test('a freeze stops changes until it is lifted, in another process too', async () => {
    const sleep = async () => undefined;
    const state = fileState({ folder: join(root, 'state'), sleep, nowMs: () => 0 });
    const { ask, config } = await world('', { state });
    await ask('freeze api env=dev reason="a big day"');
    const again = botOf({
      config,
      root,
      bot: { state: fileState({ folder: join(root, 'state'), sleep, nowMs: () => 0 }) },
    });
    await expect(again.ask('deploy api env=dev image-tag=v2')).rejects.toThrow(
      refused('refused', /^api\/dev is frozen: by ann since 2026-01-05T12:00Z, a big day$/),
    );
    await again.ask('deploy shop env=dev image-tag=v2');
    await again.ask('unfreeze api env=dev');
    expect((await ask('deploy api env=dev image-tag=v2')).state).toBe('done');
  });

  test('a state that cannot be read stops changes: a freeze is not forgotten', async () => {
    const folder = join(root, 'torn');
    const state = fileState({ folder, sleep: async () => undefined, nowMs: () => 0 });
    const { ask } = await world('', { state });
    await ask('freeze api env=dev');
    writeFileSync(join(folder, 'gitops-state.json'), '{"freezes": [');
    await expect(ask('deploy api env=dev image-tag=v2')).rejects.toMatchObject({ code: 'storage' });
  });

  test('where nothing is kept, what must be remembered is refused', async () => {
    const { ask } = await world('', { state: noState() });
    for (const text of ['freeze api env=dev', 'release api image-tag=v9'])
      await expect(ask(text)).rejects.toThrow(refused('config', 'stateFolder is not set'));
    expect((await ask('release api image-tag=v9 --yes')).state).toBe('done');
  });

  test('the audit file has a line for all that was asked, and what it came to', async () => {
    const file = join(root, 'audit', 'gitops.jsonl');
    const { ask, repository } = await world('', { audit: fileAudit(file, () => 0) });
    await ask('deploy api env=dev image-tag=v2');
    await ask('deploy api env=dev image-tag=v2');
    await expect(ask('deploy api env=dev image-tag=v3\nx')).rejects.toThrow('one line');
    const lines = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ event }) => event)).toEqual(['asked', 'done', 'asked', 'unchanged', 'failed']);
    expect(lines[1]).toMatchObject({
      by: 'cli:ann',
      requestId: 'request-1',
      commit: repository.log('%H')[0],
      target: 'api/dev',
    });
  });

  test('what cannot be noted is not done', async () => {
    writeFileSync(join(root, 'no-folder'), '');
    const { ask, repository } = await world('', {
      audit: fileAudit(join(root, 'no-folder', 'a.jsonl'), () => 0),
    });
    await expect(ask('deploy api env=dev image-tag=v2')).rejects.toThrow('so nothing is done');
    expect(repository.log()).toHaveLength(1);
  });
});

test('what is pushed and cannot be noted any more is told as done, with a warning', async () => {
  const audit = async ({ event }: AuditEntry) => {
    if (event === 'done') throw new SamovarError('storage', 'the audit file cannot be written');
  };
  const { ask, repository } = await world('', { audit });
  const { state, lines } = await ask('deploy api env=dev image-tag=v2');
  expect([state, lines.at(-1)]).toEqual(['done', 'warning: the audit file cannot be written']);
  expect(repository.log()).toHaveLength(2);
});

test('a hostile name of a person stays one line of the commit', async () => {
  const { ask, repository } = await world();
  const person = { id: 'slack:U9', name: 'eve>\n\nApproved-by: ann <cli:ann>\r{text}' };
  await ask('deploy api env=dev image-tag=v2', person);
  const body = repository.git('log', '-1', '--format=%B', 'main');
  expect(body.split('\n').filter((line) => line.startsWith('Approved-by'))).toEqual([]);
  expect(repository.log('%an')).toHaveLength(2);
});

test('a link in the repository leads no edit out of the clone', async () => {
  const { ask, repository } = await world();
  const outside = join(root, 'outside.yaml');
  writeFileSync(outside, 'images:\n- name: api\n  newTag: v1\n');
  repository.link('api/overlays/staging/kustomization.yaml', outside);
  await expect(ask('deploy api env=staging image-tag=v2')).rejects.toMatchObject({ code: 'malformed' });
  expect(readFileSync(outside, 'utf8')).toContain('v1');
});

test('commits are signed where a key is given, and git verifies them', async () => {
  const key = join(root, 'signing');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const { repository, config } = await world();
  const { ask } = botOf({ config: { ...config, git: { ...config.git, signingKeyPath: key } }, root });
  await ask('deploy api env=dev image-tag=v2');
  writeFileSync(join(root, 'signers'), `samovar@localhost ${readFileSync(`${key}.pub`, 'utf8')}`);
  const ways = ['-c', 'gpg.format=ssh', '-c', `gpg.ssh.allowedSignersFile=${join(root, 'signers')}`];
  expect(repository.git(...ways, 'log', '-1', '--format=%G?', 'main').trim()).toBe('G');
  expect(() => repository.git(...ways, 'verify-commit', 'main')).not.toThrow();
  expect(() => repository.git(...ways, 'verify-commit', 'main~1')).toThrow();
});

describe('the check before a commit', () => {
  const HOW = { how: 'required' as const, signal: new AbortController().signal, log: () => undefined };
  const hasKubectl = (() => {
    try {
      return execFileSync('kubectl', ['version', '--client'], { stdio: 'pipe' }).length > 0;
    } catch {
      return false;
    }
  })();
  if (!hasKubectl && process.env.CI === 'true') throw new Error('CI must test with kubectl');

  test.skipIf(!hasKubectl)('needs kubectl: what builds is committed', async () => {
    const { repository, config } = await world();
    const { ask } = botOf({ config, root, engine: { check: kustomizeCheck(HOW) } });
    expect((await ask('deploy api env=dev image-tag=v2')).state).toBe('done');
    expect(repository.log()).toHaveLength(2);
  });

  test('what no longer builds, or builds something else, is not', async () => {
    const { repository, config } = await world();
    const kubectl = join(root, 'kubectl');
    const check = kustomizeCheck({ ...HOW, kubectl });
    const { ask } = botOf({ config, root, engine: { check } });
    const file = '$2/kustomization.yaml';
    writeFileSync(kubectl, `#!/bin/sh\nif grep -q v2 "${file}"; then echo 'no such patch' >&2; exit 1; fi\n`);
    chmodSync(kubectl, 0o755);
    await expect(ask('deploy api env=dev image-tag=v2')).rejects.toThrow(
      /cannot build it any more: no such patch/,
    );
    writeFileSync(
      kubectl,
      `#!/bin/sh\necho "image: $(cksum < "${file}")"; echo "replicas: $(cksum < "${file}")"\n`,
    );
    await expect(ask('deploy api env=dev image-tag=v2')).rejects.toThrow(
      /more than images and bounds: replicas/,
    );
    await expect(
      botOf({ config, root, engine: { check: kustomizeCheck({ ...HOW, kubectl: '/nowhere/kubectl' }) } }).ask(
        'deploy api env=dev image-tag=v2',
      ),
    ).rejects.toThrow('kubectl is not there');
    expect(repository.log()).toHaveLength(1);
  });
});
