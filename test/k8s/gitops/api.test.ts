import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { SamovarError } from '../../../pipeline/errors.ts';
import type { Bot } from '../../../pipeline/k8s/gitops/bot.ts';
import { gitopsPages } from '../../../pipeline/k8s/gitops/pages.ts';
import { githubPullRequests } from '../../../pipeline/k8s/gitops/pull-request.ts';
import { tempFolder } from '../../support/temp.ts';
import { botOf, configOf } from './bots.ts';
import { bareRepository } from './repository.ts';

const TOKEN = 'a-token-of-sixteen-or-more';
const root = tempFolder();
const stop = new AbortController();
afterAll(() => stop.abort());

function pagesOf(handle: Bot['handle'], waitMs = 10_000) {
  let id = 0;
  const app = gitopsPages({
    bot: { handle },
    secrets: {
      apiTokens: [
        { name: 'ci', token: TOKEN },
        { name: 'other', token: `${TOKEN}-2` },
      ],
    },
    newId: () => `id-${++id}`,
    onWork: () => undefined,
    signal: stop.signal,
    nowMs: () => 0,
    log: () => undefined,
    waitMs,
  });
  const ask = (body: string | object, headers: Record<string, string> = {}) =>
    app.request('/v1/commands', {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
    });
  return { app, ask };
}

const DONE = { state: 'done', lines: ['deployed'], commit: 'abc' } as const;

describe('the HTTP API', () => {
  test('runs a command as whom the token is', async () => {
    const handle = vi.fn<Bot['handle']>(async () => DONE);
    const { ask } = pagesOf(handle);
    const response = await ask({ text: 'deploy api env=dev image-tag=v2' });
    expect([response.status, await response.json()]).toEqual([200, { id: 'id-1', ...DONE }]);
    expect(handle.mock.calls[0]?.[0].person).toEqual({ id: 'token:ci', name: 'ci' });
  });

  test.each([
    [{}, 401],
    [{ authorization: 'Bearer ' }, 401],
    [{ authorization: `Bearer ${TOKEN}x` }, 401],
    [{ authorization: `Basic ${TOKEN}` }, 401],
  ])('without a token of ours nothing is run: %j', async (headers, status) => {
    const handle = vi.fn<Bot['handle']>();
    const { ask } = pagesOf(handle);
    expect((await ask({ text: 'list' }, { authorization: '', ...headers })).status).toBe(status);
    expect(handle).not.toHaveBeenCalled();
  });

  test.each(['', 'null', '[]', '{"text": 1}', '{"command": "x"}', 'text=list'])(
    '400 for %j',
    async (body) => {
      expect((await pagesOf(vi.fn()).ask(body)).status).toBe(400);
    },
  );

  test('a body beyond any command is refused', async () => {
    expect((await pagesOf(vi.fn()).ask({ text: 'x'.repeat(20_000) })).status).toBe(413);
  });

  test.each([
    ['refused', 422],
    ['denied', 403],
    ['conflict', 409],
    ['throttled', 429],
    ['storage', 500],
  ] as const)('what is %s has status %d and the reason', async (code, status) => {
    const { ask } = pagesOf(async () => {
      throw new SamovarError(code, 'why', { remedy: 'do this', cause: new Error('below') });
    });
    const response = await ask({ text: 'list' });
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ id: 'id-1', code, error: 'why', remedy: 'do this' });
  });

  test('what takes long is asked about by its id, by who asked only', async () => {
    let finish: () => void = () => undefined;
    const { app, ask } = pagesOf(
      () =>
        new Promise((resolve) => {
          finish = () => resolve(DONE);
        }),
      1,
    );
    const first = await ask({ text: 'list' });
    expect([first.status, first.headers.get('location')]).toEqual([202, '/v1/requests/id-1']);
    const look = (token: string) =>
      app.request('/v1/requests/id-1', { headers: { authorization: `Bearer ${token}` } });
    expect((await look(TOKEN)).status).toBe(202);
    expect((await look(`${TOKEN}-2`)).status).toBe(404);
    finish();
    await vi.waitFor(async () => expect((await look(TOKEN)).status).toBe(200));
  });

  test('asking again with a key asks for nothing new', async () => {
    const handle = vi.fn<Bot['handle']>(async () => DONE);
    const { ask } = pagesOf(handle);
    const key = { 'idempotency-key': 'build-1234' };
    const answers = await Promise.all([ask({ text: 'list' }, key), ask({ text: 'list' }, key)]);
    expect(await Promise.all(answers.map((one) => one.json()))).toEqual([
      { id: 'id-1', ...DONE },
      { id: 'id-1', ...DONE },
    ]);
    expect(handle).toHaveBeenCalledTimes(1);
    expect((await ask({ text: 'other' }, key)).status).toBe(422);
    expect((await ask({ text: 'list' }, { ...key, authorization: `Bearer ${TOKEN}-2` })).status).toBe(200);
    expect(handle).toHaveBeenCalledTimes(2);
  });

  test('health needs no token', async () => {
    expect((await pagesOf(vi.fn()).app.request('/healthz')).status).toBe(200);
  });
});

/** GitHub, as far as pull requests go. */
const calls: {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly body: unknown;
}[] = [];
let github: (url: string, method: string) => readonly [number, unknown] = () => [500, {}];
const server = createServer(async (request, response) => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  calls.push({ method: request.method, url: request.url, body: text === '' ? undefined : JSON.parse(text) });
  const [status, value] = github(request.url ?? '', request.method ?? '');
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  calls.length = 0;
});

describe('instead of a push to the branch', () => {
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const RULES = `
pullRequests: {stages: [prod], by: github, apiUrl: '${apiUrl}', repository: o/configs, tokenPath: t, labels: [bot]}
`;
  const pull = { number: 7, html_url: 'https://github.example/o/configs/pull/7' };

  async function world(rules = RULES) {
    const repository = bareRepository(root, `pulls-${Math.random().toString(36).slice(2)}.git`);
    const config = await configOf(repository.url, rules);
    const settings = config.pullRequests;
    if (settings === undefined) throw new Error('no pull requests');
    const pullRequest = githubPullRequests({
      settings,
      token: 'x',
      signal: stop.signal,
      log: () => undefined,
    });
    const bot = settings.by === 'github' ? { pullRequest } : {};
    return { repository, ...botOf({ config, root, bot }) };
  }

  test('a branch of its own and a pull request with labels', async () => {
    github = (url) => (url.endsWith('/labels') ? [200, []] : [201, pull]);
    const { repository, ask } = await world();
    const reply = await ask('release api image-tag=v9 --yes');
    expect(reply).toMatchObject({ state: 'done', url: pull.html_url, branch: 'samovar/api-prod-request-1' });
    expect(repository.log()).toHaveLength(1);
    expect(repository.log('%s', 'samovar/api-prod-request-1')[0]).toBe('release(api/prod): released by +ann');
    expect(calls[0]?.body).toMatchObject({
      title: 'release(api/prod): released by +ann',
      head: 'samovar/api-prod-request-1',
      base: 'main',
      body: expect.stringContaining('Requested-by: ann <cli:ann>'),
    });
    expect(calls[1]).toMatchObject({ url: '/repos/o/configs/issues/7/labels', body: { labels: ['bot'] } });
    await ask('deploy api env=dev image-tag=v9');
    expect(repository.log()).toHaveLength(2);
  });

  test('one that is there already is given', async () => {
    github = (url, method) => {
      if (url.endsWith('/labels')) return [200, []];
      return method === 'POST' ? [422, { message: 'Validation Failed' }] : [200, [pull]];
    };
    const { ask } = await world();
    expect((await ask('release api image-tag=v9 --yes')).url).toBe(pull.html_url);
    expect(calls[1]?.url).toContain('head=o%3Asamovar%2Fapi-prod-request-1');
  });

  test('where none can be opened, the branch is told, and it is noted', async () => {
    github = () => [403, { message: 'Resource not accessible' }];
    const { ask, audit } = await world();
    const reply = await ask('release api image-tag=v9 --yes');
    expect(reply.lines.at(-1)).toBe('as branch samovar/api-prod-request-1: merge it');
    expect(audit.find(({ event }) => event === 'failed')?.reason).toContain('403 Resource not accessible');
  });

  test('push options reach the server', async () => {
    const { ask, repository } = await world(
      `pullRequests: {stages: ['*'], by: options, options: [merge_request.create, 'merge_request.target={branch}']}\n`,
    );
    repository.hook('pre-receive', 'echo "$GIT_PUSH_OPTION_0 $GIT_PUSH_OPTION_1" > got; cat > /dev/null');
    await ask('deploy api env=dev image-tag=v9');
    expect(repository.file('got')).toBe('merge_request.create merge_request.target=main\n');
  });
});
