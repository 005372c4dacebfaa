import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readRecords } from '../../pipeline/records/mutation/framing.ts';
import type { GithubIssueMutation } from '../../pipeline/records/mutation/types.ts';
import type { ListIssuesRequest } from '../../pipeline/serve/messages.ts';
import type { IssueService } from '../../pipeline/serve/service.ts';
import { pageTokens } from '../../pipeline/serve/token.ts';
import type { AppliedRecord } from '../../pipeline/store/corpus-types.ts';
import { at } from '../support/corpus.ts';
import { tempFolder } from '../support/temp.ts';
import { issue, refused, servedTest, serviceOf } from './serving.ts';

const folder = tempFolder();
const LIST = { parent: 'o/r' };

/** Numbers of all pages; `between` happens after each. */
async function pages(
  service: IssueService,
  request: ListIssuesRequest,
  between: (page: number) => void = () => undefined,
): Promise<number[][]> {
  const found: number[][] = [];
  let pageToken: string | undefined = '';
  while (pageToken !== undefined && found.length < 50) {
    const page = await service.listIssues({ ...LIST, ...request, pageToken });
    found.push(page.issues.map(({ issueId = 0 }) => issueId));
    between(found.length);
    pageToken = page.nextPageToken;
  }
  return found;
}

function withIssues(count: number, said: (number: number) => Partial<GithubIssueMutation> = () => ({})) {
  const made = servedTest(folder);
  made.apply(...Array.from({ length: count }, (_, index) => issue(index + 1, said(index + 1))));
  return { ...made, service: serviceOf(made.served) };
}

describe('GetIssue', () => {
  test('gives all that is known, comments and reviews when they are asked for', async () => {
    const { apply, service } = withIssues(0);
    apply(
      issue(4, {
        pullRequest: true,
        bodyChange: { val: 'a body' },
        addLabels: [
          { id: 2n, name: 'type: bug' },
          { id: 1n, name: 'P1' },
        ],
        assignees: [{ id: 9_007_199_254_740_993n, login: 'lee' }],
        closed: { val: true },
        closedAt: at(3_000),
        comments: [{ id: 11n, user: { id: 7n }, body: 'hm', created: at(5), updated: at(6) }],
        reviews: [{ id: 12n, actorId: 7n, state: 'APPROVED', created: at(8), actorAssociation: 'MEMBER' }],
        events: [{ id: 13n, eventType: 'referenced', created: at(7), commit: { commitId: 'abc' } }],
      }),
    );
    const name = 'o/r/issues/4';
    const { issue: whole } = service.getIssue({ name, comments: true, reviews: true });
    expect(whole).toEqual({
      name,
      title: 'issue 4',
      body: 'a body',
      priority: 2,
      issueType: 1,
      labels: ['P1', 'type: bug'],
      createdAt: { seconds: 1_004 },
      updatedAt: { seconds: 2_004 },
      closedAt: { seconds: 3_000 },
      closed: true,
      isPr: true,
      approved: true,
      commit: 'abc',
      issueId: 4,
      url: 'https://github.com/o/r/issues/4',
      assignees: [{ id: '9007199254740993', login: 'lee' }],
      reporter: { id: '7', login: 'kim' },
      comments: [
        {
          id: '11',
          user: { id: '7', login: 'kim' },
          createdAt: { seconds: 5 },
          updatedAt: { seconds: 6 },
          body: 'hm',
        },
      ],
      reviews: [
        {
          id: '12',
          actor: { id: '7', login: 'kim' },
          actorAssociation: 'MEMBER',
          createdAt: { seconds: 8 },
          state: 'APPROVED',
        },
      ],
      repo: 'o/r',
    });
    const { comments, reviews, ...rest } = whole;
    expect(service.getIssue({ name }).issue).toEqual(rest);
    expect(service.getIssue({ name, fieldMask: { paths: ['title', 'reviews'] } }).issue).toEqual({
      title: 'issue 4',
      reviews,
    });
    expect(comments).toHaveLength(1);
  });

  test('a comment filter says which comments come', () => {
    const { apply, service } = withIssues(0);
    const comment = (id: bigint, login: string) => ({
      id,
      user: { id, login },
      body: `by ${login}`,
      created: at(5),
    });
    apply(issue(1, { comments: [comment(1n, 'a'), comment(2n, 'b')] }));
    const { issue: found } = service.getIssue({
      name: 'o/r/issues/1',
      comments: true,
      commentFilter: "comment.user.login == 'b'",
    });
    expect(found.comments?.map(({ body }) => body)).toEqual(['by b']);
  });

  test.each(['o/r/issues/9', 'o/r/issues/x', 'o/r/issues/2', 'o/r'])('%s is not found', async (name) => {
    const { apply, service } = withIssues(2);
    apply(issue(2, { notExist: true }));
    expect(await refused(() => service.getIssue({ name }))).toBe(`NOT_FOUND: there is no issue ${name}`);
  });

  test('a repository that is not served, or has no name, is refused in the words clients know', async () => {
    const { service } = withIssues(0);
    expect(await refused(() => service.getIssue({ name: 'o/x/issues/1' }))).toBe(
      'NOT_FOUND: repository o/x is not tracking issues',
    );
    expect(await refused(() => service.listIssues({ parent: 'O/r' }))).toBe(
      'NOT_FOUND: repository O/r is not tracking issues',
    );
    expect(await refused(() => service.listIssues({ parent: '/o/r' }))).toBe(
      'FAILED_PRECONDITION: invalid parent: /o/r',
    );
  });

  test('while the log is replayed it is not answered from half of it', async () => {
    const { service, setState } = withIssues(1);
    setState({ ready: false, detail: 'replaying: 3 of 10 MB' });
    const said = 'UNAVAILABLE: repository o/r is not ready: replaying: 3 of 10 MB';
    expect(await refused(() => service.getIssue({ name: 'o/r/issues/1' }))).toBe(said);
    expect(await refused(() => service.listIssues(LIST))).toBe(said);
  });
});

test('a log that maintner wrote is served', async () => {
  const { store, service } = withIssues(0);
  const golden = join(import.meta.dirname, '../golden/mutation-log');
  const [name = ''] = readdirSync(golden).filter((file) => file.endsWith('.mutlog'));
  const records: AppliedRecord[] = [];
  for await (const record of readRecords([readFileSync(join(golden, name))], { name }))
    records.push({ segment: 0, ...record });
  store.transaction(() => store.corpus.repo('o', 'r').apply(records));
  const { issues, total } = await service.listIssues({ ...LIST, comments: true, reviews: true });
  expect(total).toBe(1);
  expect(issues).toMatchObject([
    {
      issueId: 1,
      title: 'some title',
      // Its label and its text were taken away again.
      labels: [],
      priorityUnknown: true,
      isPr: true,
      approved: true,
      commit: '0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33',
      reporter: { id: '100', login: 'gopherbot' },
      comments: [{ id: '3000000000', user: { id: '101', login: 'k' }, body: 'h\u00e9llo = REC@' }],
      reviews: [{ id: '123456', actor: { id: '2621' }, state: 'APPROVED', actorAssociation: 'CONTRIBUTOR' }],
    },
  ]);
  expect(issues[0]).not.toHaveProperty('body');
  expect(await refused(() => service.getIssue({ name: 'o/r/issues/2' }))).toMatch(/^NOT_FOUND/);
});

describe('ListIssues', () => {
  test('pages are by number, all of them once, with the total', async () => {
    const { service, apply } = withIssues(23);
    apply(issue(5, { notExist: true }));
    const all = Array.from({ length: 23 }, (_, index) => index + 1).filter((number) => number !== 5);
    expect(await pages(service, { pageSize: 10 })).toEqual([
      all.slice(0, 10),
      all.slice(10, 20),
      all.slice(20),
    ]);
    const first = await service.listIssues({ ...LIST, pageSize: 10 });
    expect(first.total).toBe(22);
    const second = await service.listIssues({ ...LIST, pageSize: 12, pageToken: first.nextPageToken ?? '' });
    expect([second.issues.length, second.total, second.nextPageToken]).toEqual([12, 22, undefined]);
    for (const pageSize of [0, -1, 501, 2 ** 31 - 1])
      expect((await service.listIssues({ ...LIST, pageSize })).issues).toHaveLength(22);
  });

  test('closed and pull_request each ask for one kind, or for either', async () => {
    const { service } = withIssues(8, (number) => ({
      closed: { val: number % 2 === 0 },
      pullRequest: number > 4,
    }));
    expect(await pages(service, { closed: false })).toEqual([[1, 3, 5, 7]]);
    expect(await pages(service, { closed: true, pullRequest: true })).toEqual([[6, 8]]);
    expect(await pages(service, { pullRequest: false, pageSize: 3 })).toEqual([[1, 2, 3], [4]]);
    expect((await service.listIssues({ ...LIST, closed: true, pageSize: 1 })).total).toBe(4);
  });

  test.each([
    ['issue_id desc', [7, 6, 5, 4, 3, 2, 1]],
    ['created_at', [7, 6, 5, 4, 3, 2, 1]],
    ['updated_at', [3, 6, 1, 4, 7, 2, 5]],
    ['updated_at desc', [5, 2, 7, 4, 1, 6, 3]],
    ['closed_at', [1, 2, 3, 4, 5, 6, 7]],
    ['closed_at desc', [7, 6, 5, 4, 3, 2, 1]],
  ])('%s is kept over pages, equal times by number', async (orderBy, expected) => {
    const { service } = withIssues(7, (number) => ({ created: at(100 - number), updated: at(number % 3) }));
    expect((await pages(service, { orderBy, pageSize: 2 })).flat()).toEqual(expected);
  });

  test('a filter is counted over all pages, and gives each match once', async () => {
    const { service } = withIssues(450, (number) =>
      number % 10 === 0 ? { addLabels: [{ id: 1n, name: 'P1' }] } : {},
    );
    const request = { filter: "issue.priority == 'P1'", pageSize: 20 };
    const found = await pages(service, request);
    expect(found.map(({ length }) => length)).toEqual([20, 20, 5]);
    expect(found.flat()).toEqual(Array.from({ length: 45 }, (_, index) => (index + 1) * 10));
    expect((await service.listIssues({ ...LIST, ...request })).total).toBe(45);
    expect(await service.listIssues({ ...LIST, filter: "issue.title == 'no such'" })).toEqual({ issues: [] });
  });

  test('an issue that does not change meanwhile comes once, whatever else does', async () => {
    const { service, apply } = withIssues(30);
    const found = await pages(service, { orderBy: 'updated_at', pageSize: 7 }, (page) =>
      apply(issue(page, { updated: at(9_000 + page) }), issue(100 + page), issue(29, { notExist: true })),
    );
    const numbers = found.flat();
    for (let number = 10; number <= 28; number += 1)
      expect(
        numbers.filter((one) => one === number),
        `issue ${number}`,
      ).toHaveLength(1);
    expect(numbers).not.toContain(29);
    const byNumber = (
      await pages(service, { pageSize: 7 }, (page) => apply(issue(10, { updated: at(page) })))
    ).flat();
    expect(new Set(byNumber).size).toBe(byNumber.length);
  });

  test('a token is of its list: of another filter, order or repository it is refused', async () => {
    const { service } = withIssues(5);
    const { nextPageToken: pageToken = '' } = await service.listIssues({ ...LIST, pageSize: 2 });
    expect((await service.listIssues({ ...LIST, pageToken, comments: true })).issues).toHaveLength(3);
    for (const other of [
      { filter: 'true' },
      { orderBy: 'updated_at' },
      { closed: false },
      { pullRequest: false },
    ])
      expect(await refused(() => service.listIssues({ ...LIST, ...other, pageToken }))).toMatch(
        /^INVALID_ARGUMENT: page_token/,
      );
  });

  test('a token of a log that was replaced is refused', async () => {
    const { service, store } = withIssues(5);
    const { nextPageToken: pageToken = '' } = await service.listIssues({ ...LIST, pageSize: 2 });
    store.transaction(() => store.corpus.repo('o', 'r').clear());
    expect(await refused(() => service.listIssues({ ...LIST, pageToken }))).toMatch(
      /INVALID_ARGUMENT: .* was replaced/,
    );
  });

  test('a page whose time is over ends early, and the next ones bring the rest', async () => {
    const { served } = withIssues(1_000, (number) => ({ pullRequest: number % 250 === 0 }));
    let nowMs = 0;
    const service = serviceOf(served, {
      // Every look at the clock is 10 ms later: a page may have two slices.
      monotonicMs: () => (nowMs += 10),
      limits: { pageMs: 15, countMs: 0 },
    });
    const found = await pages(service, { filter: 'issue.is_pr', pageSize: 2 });
    expect(found.flat()).toEqual([250, 500, 750, 1_000]);
    expect(found.length).toBeGreaterThan(2);
  });

  test('a page holds no more text than a client takes at once', async () => {
    const { service } = withIssues(8, () => ({ bodyChange: { val: 'x'.repeat(2 ** 20) } }));
    expect(await pages(service, {})).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
    ]);
  });

  test('numbers far apart are found, downward too', async () => {
    const { service, apply } = withIssues(2);
    apply(issue(5_000), issue(1_000_000), issue(2_000_000_000));
    const numbers = [1, 2, 5_000, 1_000_000, 2_000_000_000];
    for (const pageSize of [1, 2, 500]) {
      expect((await pages(service, { orderBy: 'issue_id', pageSize })).flat()).toEqual(numbers);
      expect((await pages(service, { orderBy: 'issue_id desc', pageSize })).flat()).toEqual(
        numbers.toReversed(),
      );
    }
  });
});

describe('ListRepositories', () => {
  test('counts what is there, by filter, owner and order', async () => {
    const { apply, service } = withIssues(3);
    apply(issue(3, { notExist: true }), issue(4, { pullRequest: true }));
    const repositories = [{ name: 'o/r', issueCount: 2, pullRequestCount: 1 }];
    for (const request of [
      {},
      { parent: 'owners/o' },
      { filter: "repository.name == 'o/r'" },
      { orderBy: 'name desc' },
    ])
      expect(service.listRepositories(request)).toEqual({ repositories, total: 1 });
    for (const request of [{ parent: 'owners/x' }, { filter: 'repository.issue_count > 2' }])
      expect(service.listRepositories(request)).toEqual({ repositories: [] });
    expect(await refused(() => service.listRepositories({ orderBy: 'stars' }))).toMatch(
      /^INVALID_ARGUMENT: order_by/,
    );
  });

  test('comes in pages', () => {
    const { served, store } = withIssues(0);
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) => ({
      repo: store.corpus.repo('o', name),
      state: () => ({ ready: true, detail: '' }),
    }));
    const service = serviceOf({ ...served, repos: () => all }, { tokens: pageTokens(Buffer.from('x')) });
    const first = service.listRepositories({ pageSize: 3 });
    const second = service.listRepositories({ pageSize: 3, pageToken: first.nextPageToken ?? '' });
    const names = [...first.repositories, ...second.repositories].map(({ name }) => name);
    expect([names, second.nextPageToken]).toEqual([all.map(({ repo }) => `o/${repo.name}`), undefined]);
  });
});
