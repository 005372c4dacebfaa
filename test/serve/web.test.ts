import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { ServerOptions } from '../../pipeline/serve/server.ts';
import { at } from '../support/corpus.ts';
import { tempFolder } from '../support/temp.ts';
import { issue, READY, servedTest, serverOf } from './serving.ts';

const folder = tempFolder();

async function started(more: Partial<ServerOptions> = {}) {
  const made = servedTest(folder);
  made.apply(
    issue(1, {
      addLabels: [{ id: 1n, name: 'P2' }],
      assignees: [{ id: 5n, login: 'lee' }],
      comments: [
        {
          id: 2n ** 53n + 1n,
          user: { id: 7n },
          body: 'hm',
          created: at(5),
          updated: { seconds: 6, nanos: 7_000_000 },
        },
      ],
    }),
    issue(2, { pullRequest: true, closed: { val: true }, closedAt: at(3_000) }),
  );
  const server = await serverOf(made.served, more);
  const get = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(`${server.http}${path}`, init);
    const text = await answer.text();
    const json = answer.headers.get('content-type')?.includes('json')
      ? (JSON.parse(text) as unknown)
      : undefined;
    return { status: answer.status, headers: answer.headers, text, json };
  };
  return { ...made, server, get };
}

const FIRST = {
  name: 'o/r/issues/1',
  title: 'issue 1',
  priority: 'P2',
  labels: ['P2'],
  createdAt: '1970-01-01T00:16:41Z',
  updatedAt: '1970-01-01T00:33:21Z',
  issueId: 1,
  url: 'https://github.com/o/r/issues/1',
  assignees: [{ id: '5', login: 'lee' }],
  reporter: { id: '7', login: 'kim' },
  repo: 'o/r',
};
const SECOND = {
  name: 'o/r/issues/2',
  title: 'issue 2',
  priorityUnknown: true,
  createdAt: '1970-01-01T00:16:42Z',
  updatedAt: '1970-01-01T00:33:22Z',
  closedAt: '1970-01-01T00:50:00Z',
  closed: true,
  isPr: true,
  issueId: 2,
  url: 'https://github.com/o/r/issues/2',
  reporter: { id: '7', login: 'kim' },
  repo: 'o/r',
};

describe('the JSON form', () => {
  test('lists issues as proto3 writes them', async () => {
    const { get } = await started();
    const { status, headers, json } = await get('/api/v1/o/r/issues');
    expect([status, json]).toEqual([200, { issues: [FIRST, SECOND], total: 2 }]);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect((await get('/api/v1/owners/o/repositories/r/issues')).json).toEqual(json);
  });

  test('has the names of its parameters in either spelling', async () => {
    const { get } = await started();
    for (const query of [
      'closed=false',
      'pull_request=false',
      'pullRequest=false&filter=true',
      'filter=!issue.closed',
    ])
      expect((await get(`/api/v1/o/r/issues?${query}`)).json).toEqual({ issues: [FIRST], total: 1 });
    for (const query of [
      'field_mask=issue_id,isPr',
      'fieldMask=issueId,is_pr',
      'field_mask.paths=issue_id&field_mask.paths=isPr',
    ])
      expect((await get(`/api/v1/o/r/issues?${query}`)).json).toEqual({
        issues: [{ issueId: 1 }, { issueId: 2, isPr: true }],
        total: 2,
      });
    const filter = encodeURIComponent("issue.reporter.login == 'nobody'");
    expect((await get(`/api/v1/o/r/issues?filter=${filter}`)).json).toEqual({});
  });

  test('comes in pages, in an order', async () => {
    const { get } = await started();
    const path = '/api/v1/o/r/issues?order_by=issue_id%20desc&pageSize=1&field_mask=issue_id';
    const first = (await get(path)).json as { readonly nextPageToken: string };
    expect(first).toEqual({ issues: [{ issueId: 2 }], nextPageToken: expect.any(String), total: 2 });
    const second = (await get(`${path}&page_token=${first.nextPageToken}`)).json;
    expect(second).toEqual({ issues: [{ issueId: 1 }], total: 2 });
  });

  test('gives an issue with its comments: 64-bit ids are texts', async () => {
    const { get } = await started();
    const { json } = await get('/api/v1/o/r/issues/1?comments=true');
    const comments = [
      {
        id: '9007199254740993',
        user: { id: '7', login: 'kim' },
        createdAt: '1970-01-01T00:00:05Z',
        updatedAt: '1970-01-01T00:00:06.007Z',
        body: 'hm',
      },
    ];
    expect(json).toEqual({ issue: { ...FIRST, comments } });
  });

  test('names repositories', async () => {
    const { get } = await started();
    const all = { repositories: [{ name: 'o/r', issueCount: 1, pullRequestCount: 1 }], total: 1 };
    expect((await get('/api/v1/o/repositories')).json).toEqual(all);
    expect((await get('/api/v1/owners/o/repositories')).json).toEqual(all);
    expect((await get('/api/v1/owners/x/repositories')).json).toEqual({});
  });

  test.each([
    ['/api/v1/o/x/issues', 404, 5, 'NOT_FOUND', 'repository o/x is not tracking issues'],
    ['/api/v1/o/r/issues/9', 404, 5, 'NOT_FOUND', 'there is no issue o/r/issues/9'],
    ['/api/v1/o%20/r/issues', 400, 9, 'FAILED_PRECONDITION', 'invalid parent: o /r'],
    [
      '/api/v1/o/r/issues?filter=1',
      400,
      3,
      'INVALID_ARGUMENT',
      'filter: it gives int, and must give bool (true: the item is listed)',
    ],
    ['/api/v1/o/r/issues?closed=maybe', 400, 3, 'INVALID_ARGUMENT', 'closed: give true or false'],
    ['/api/v1/o/r/issues?page_size=x', 400, 3, 'INVALID_ARGUMENT', 'page_size: give a number'],
    ['/api/v2/o/r/issues', 404, 5, 'NOT_FOUND', 'there is no such method'],
  ])('%s is %d', async (path, status, code, name, message) => {
    const { get } = await started();
    expect(await get(path)).toMatchObject({ status, json: { code, message, status: name } });
  });

  test('a key is asked for, in the query or in a header; by health it is not', async () => {
    const { get } = await started({ apiKey: 'secret' });
    for (const path of ['/api/v1/o/repositories', '/logs', '/o/r/logs', '/o/r/logs/0'])
      expect(await get(path), path).toMatchObject({
        status: 401,
        json: { code: 16, status: 'UNAUTHENTICATED' },
      });
    expect((await get('/api/v1/o/repositories?key=secret')).status).toBe(200);
    expect((await get('/api/v1/o/repositories', { headers: { 'x-api-key': 'secret' } })).status).toBe(200);
    expect((await get('/api/v1/o/repositories?key=secreT')).status).toBe(401);
    expect([(await get('/healthz')).status, (await get('/readyz')).status]).toEqual([200, 200]);
  });

  test('a body or a head that is too large is refused', async () => {
    const { get, server } = await started();
    const status = await new Promise((resolve, reject) => {
      const asked = request(
        `${server.http}/api/v1/o/repositories`,
        { headers: { 'content-length': '100000' } },
        (answer) => {
          resolve(answer.statusCode);
          asked.destroy();
        },
      );
      asked.on('error', reject);
      asked.flushHeaders();
    });
    expect(status).toBe(400);
    expect((await get('/api/v1/o/repositories', { headers: { 'x-long': 'x'.repeat(20_000) } })).status).toBe(
      431,
    );
    expect((await get('/api/v1/o/repositories', { method: 'DELETE' })).status).toBe(501);
  });
});

describe('pages for those who run it', () => {
  test('is not ready while a log is replayed, says how far it is, and lives', async () => {
    const { get, setState } = await started();
    expect(await get('/readyz')).toMatchObject({ status: 200, json: [{ name: 'o/r', ...READY }] });
    setState({ ready: false, detail: 'replaying: 3 of 10 MB' });
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      json: [{ name: 'o/r', ready: false, detail: 'replaying: 3 of 10 MB' }],
    });
    expect(await get('/api/v1/o/r/issues')).toMatchObject({
      status: 503,
      json: { code: 14, status: 'UNAVAILABLE' },
    });
    expect((await get('/healthz')).status).toBe(200);
  });

  test('metrics tell of requests, their time and of repositories', async () => {
    const { get } = await started();
    await get('/api/v1/o/r/issues');
    await get('/api/v1/o/r/issues/9');
    const { text } = await get('/metrics');
    for (const line of [
      'samovar_serve_requests_total{what="issues",status="200"} 1',
      'samovar_serve_requests_total{what="issues",status="404"} 1',
      'samovar_serve_request_seconds_count{what="issues"} 2',
      'samovar_serve_requests_open 1',
      'samovar_serve_ready{repository="o/r"} 1',
      'samovar_serve_issues{repository="o/r"} 2',
    ])
      expect(text.split('\n')).toContain(line);
  });

  test('the start page shows what is served, and no name can write into it', async () => {
    const made = servedTest(folder);
    const bad = made.store.corpus.repo('o', '<script>');
    const all = [
      ...made.served.repos(),
      { repo: bad, state: () => ({ ready: false, detail: '<b>replaying</b>' }) },
    ];
    const server = await serverOf({ ...made.served, repos: () => all });
    const answer = await fetch(server.http);
    const text = await answer.text();
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(text).toContain('/api/v1/o/r/issues');
    expect(text).toContain('&lt;script&gt;');
    expect(text).not.toMatch(/<script>|<b>/);
  });
});
