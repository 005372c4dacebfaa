import { expect, test } from 'vitest';
import { type Github, openGithub } from '../../pipeline/collect/sources/github/client.ts';
import { syncRepo } from '../../pipeline/jobs/mutation-sync.ts';
import type { SyncContext } from '../../pipeline/jobs/mutation-sync-state.ts';
import { decodeMutation, encodeMutation } from '../../pipeline/records/mutation/codec.ts';
import { diffIssue } from '../../pipeline/records/mutation/diff.ts';
import type { GithubIssue } from '../../pipeline/records/mutation/github-json.ts';
import { mergeIssue } from '../../pipeline/records/mutation/merge.ts';
import type { GithubIssueMutation } from '../../pipeline/records/mutation/types.ts';
import { FIXTURES_TOKEN, startFixtures } from '../support/github-fixtures.ts';
import { openWriter } from '../support/github-sync.ts';
import { testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

// GitHub's own answers, as they were recorded by octokit's authors: what the fake one may have got wrong.
const folder = tempFolder();
const endpointOf = await startFixtures();
const nowMs = () => Date.parse('2017-10-10T16:00:00Z');

function clientOf(endpoint: string): Promise<Github> {
  const around = { nowMs, sleep: async () => undefined, retryBaseMs: 1 };
  return openGithub({ ...around, endpoint, tokens: [FIXTURES_TOKEN], timeoutMs: 20_000 });
}

test('every recorded page of issues is read, and what is written of each is all there is to write', async () => {
  const github = await clientOf(await endpointOf('paginate-issues'));
  const call = { account: 'octokit-fixture-org' };
  const paths = ['/repos/octokit-fixture-org/paginate-issues/issues?per_page=3'];
  for (let page = 2; page <= 5; page += 1) paths.push(`/repositories/1000/issues?per_page=3&page=${page}`);
  const numbers: number[] = [];
  for (const path of paths) {
    const answer = await github.get(path, call);
    expect(answer).toMatchObject({ status: 200, etag: expect.stringContaining('000000000') as unknown });
    for (const issue of answer.data as readonly GithubIssue[]) {
      numbers.push(issue.number);
      const name = { owner: 'octokit-fixture-org', repo: 'paginate-issues' };
      const mutation = diffIssue(name, undefined, issue) as GithubIssueMutation;
      const { githubIssue } = decodeMutation(encodeMutation({ githubIssue: mutation }));
      const known = mergeIssue(undefined, githubIssue as GithubIssueMutation);
      expect(known).toMatchObject({
        number: issue.number,
        title: issue.title,
        closed: false,
        notExist: false,
      });
      expect(diffIssue(name, known, issue)).toBeUndefined();
    }
  }
  expect(numbers).toEqual(Array.from({ length: 13 }, (_, at) => 13 - at));
  expect(github.quotas()).toMatchObject([{ resource: 'core', remaining: 4999, limit: 5000 }]);
});

function contextOf(
  home: string,
  github: Github,
): { context: SyncContext; store: ReturnType<typeof testStore> } {
  const store = testStore(folder, nowMs);
  const openLog = () => openWriter(home, nowMs);
  const times = { overlapMs: 0, flushMs: 0, deletionGraceMs: 0, reconcileMs: 0 };
  return { store, context: { ...times, store, github, nowMs, openWriter: openLog } };
}

test('a recorded repository is there; what was not recorded of it is an error that says which request', async () => {
  const github = await clientOf(await endpointOf('get-repository'));
  const { store, context } = contextOf(`${folder}/there`, github);
  const turn = syncRepo(context, { owner: 'octokit-fixture-org', name: 'hello-world' });
  await expect(turn).rejects.toThrow('/repos/octokit-fixture-org/hello-world/labels');
  expect(store.corpus.find('octokit-fixture-org', 'hello-world')?.condition()).toEqual({ state: 'ok' });
});

test('a recorded renaming is followed and written down', async () => {
  const endpoint = await endpointOf('rename-repository');
  const renamed = await fetch(`${endpoint}/repos/octokit-fixture-org/rename-repository`, {
    method: 'PATCH',
    headers: {
      accept: 'application/vnd.github.v3+json',
      authorization: `token ${FIXTURES_TOKEN}`,
      'content-type': 'application/json; charset=utf-8',
    },
    body: JSON.stringify({ name: 'rename-repository-newname' }),
  });
  expect(renamed.status).toBe(200);
  const { store, context } = contextOf(`${folder}/renamed`, await clientOf(endpoint));
  const turn = syncRepo(context, { owner: 'octokit-fixture-org', name: 'rename-repository' });
  await expect(turn).rejects.toThrow('/repos/octokit-fixture-org/rename-repository-newname/labels');
  expect(store.corpus.find('octokit-fixture-org', 'rename-repository')?.condition()).toEqual({
    state: 'renamed',
    renamedTo: 'octokit-fixture-org/rename-repository-newname',
  });
});
