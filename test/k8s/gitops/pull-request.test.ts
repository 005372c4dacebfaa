import { afterEach, expect, test } from 'vitest';
import { githubPullRequests } from '../../../pipeline/k8s/gitops/pull-request.ts';
import { type FakeGithub, startGithub } from '../../support/github-pulls.ts';
import { tempFolder } from '../../support/temp.ts';
import { botOf, configOf } from './bots.ts';
import { bareRepository } from './repository.ts';

const TOKEN = 'ghp_of-the-bot';
const TIMEOUT = { timeout: 60_000 };
const root = tempFolder();
const { signal } = new AbortController();
const open: FakeGithub[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function world(token = TOKEN) {
  const repository = bareRepository(root, `pulls-${Math.random().toString(36).slice(2)}.git`);
  const github = await startGithub({ repository: 'o/configs', token: TOKEN, folder: repository.folder });
  open.push(github);
  const config = await configOf(
    repository.url,
    `pullRequests: {stages: [prod], by: github, apiUrl: '${github.apiUrl}', repository: o/configs, tokenPath: t, labels: [bot]}\n`,
  );
  if (config.pullRequests === undefined) throw new Error('no pull requests');
  const settings = config.pullRequests;
  const pullRequest = githubPullRequests({ settings, token, signal, log: () => undefined });
  return { repository, github, ...botOf({ config, root, bot: { pullRequest } }) };
}

const BRANCH = 'samovar/api-prod-request-1';

test('a branch of its own and a pull request with labels; other stages are pushed', TIMEOUT, async () => {
  const { repository, github, ask } = await world();
  const reply = await ask('release api image-tag=v9 --yes');
  const url = 'https://github.example/o/configs/pull/7';
  expect(reply).toMatchObject({ state: 'done', url, branch: BRANCH });
  expect(repository.log()).toHaveLength(1);
  expect(repository.log('%s', BRANCH)).toEqual(['release(api/prod): released by +ann', 'the beginning']);
  expect(github.pulls).toEqual([
    expect.objectContaining({
      title: 'release(api/prod): released by +ann',
      body: expect.stringContaining('Requested-by: ann <cli:ann>'),
      ...{ head: BRANCH, base: 'main', labels: ['bot'] },
    }),
  ]);
  await ask('deploy api env=dev image-tag=v9');
  expect(repository.log()).toHaveLength(2);
  expect(github.pulls).toHaveLength(1);
});

test('one that is there already is given', TIMEOUT, async () => {
  const { github, ask } = await world();
  const { url } = await ask('release api image-tag=v9 --yes');
  const settings = { stages: [], by: 'github', apiUrl: github.apiUrl, repository: 'o/configs' } as const;
  const other = githubPullRequests({ settings, token: TOKEN, signal, log: () => undefined });
  expect(await other({ title: 't', body: 'b', head: BRANCH, base: 'main' })).toBe(url);
  await expect(other({ title: 't', body: 'b', head: 'nowhere', base: 'main' })).rejects.toThrow('422');
  expect(github.pulls).toHaveLength(1);
});

test('where none can be opened, the branch is told, and it is noted', TIMEOUT, async () => {
  const { github, ask, audit, repository } = await world();
  github.isReadOnly = true;
  const reply = await ask('release api image-tag=v9 --yes');
  expect(reply.lines.at(-1)).toBe(`as branch ${BRANCH}: merge it`);
  expect(repository.log('%s', BRANCH)).toHaveLength(2);
  expect(audit.find(({ event }) => event === 'failed')?.reason).toContain('403 Resource not accessible');
});

test('a wrong token is told as such, and not shown', TIMEOUT, async () => {
  const { ask, audit } = await world('ghp_wrong');
  await ask('release api image-tag=v9 --yes');
  const reason = audit.find(({ event }) => event === 'failed')?.reason ?? '';
  expect(reason).toContain('401 Bad credentials');
  expect(JSON.stringify(audit)).not.toContain('ghp_');
});

test('an answer that is lost opens no second one', TIMEOUT, async () => {
  const { github, ask } = await world();
  github.losesAnswer = true;
  const reply = await ask('release api image-tag=v9 --yes');
  expect(github.pulls).toHaveLength(1);
  expect(reply.url).toBe(github.pulls[0]?.html_url);
  expect(github.pulls[0]?.labels).toEqual(['bot']);
});

test('push options reach the server', TIMEOUT, async () => {
  const repository = bareRepository(root, 'options.git');
  const config = await configOf(
    repository.url,
    `pullRequests: {stages: ['*'], by: options, options: [merge_request.create, 'merge_request.target={branch}']}\n`,
  );
  const { ask } = botOf({ config, root });
  repository.hook('pre-receive', 'echo "$GIT_PUSH_OPTION_0 $GIT_PUSH_OPTION_1" > got; cat > /dev/null');
  await ask('deploy api env=dev image-tag=v9');
  expect(repository.file('got')).toBe('merge_request.create merge_request.target=main\n');
});
