import { afterAll, describe, expect, test, vi } from 'vitest';
import { SamovarError } from '../../../pipeline/errors.ts';
import type { Bot } from '../../../pipeline/k8s/gitops/bot.ts';
import { gitopsPages } from '../../../pipeline/k8s/gitops/pages.ts';

const TOKEN = 'a-token-of-sixteen-or-more';
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
