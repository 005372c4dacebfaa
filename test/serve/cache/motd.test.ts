import { describe, expect, test } from 'vitest';
import { openStore } from '../../../pipeline/store/open.ts';
import { apiOf, NO_AUTH, START_MS } from './serving.ts';

const PATH = '/api/v1/motd/service_messages';
const JSON_TYPE = { 'content-type': 'application/json' };
const SECRET = { ...JSON_TYPE, authorization: 'Bearer hush' };

function started() {
  const store = openStore(':memory:', { nowMs: () => START_MS });
  return apiOf({ messages: store.cacheMessages, auth: { ...NO_AUTH, motdSecret: 'hush' } });
}

describe('the message of the day', () => {
  test('is read by everybody and written by who has the secret', async () => {
    const { get } = started();
    expect((await get(PATH)).json).toEqual([]);
    const body = JSON.stringify({ text: 'Bodhi is down <b>today</b>', severity: 'warning' });
    const added = await get(PATH, { method: 'POST', headers: SECRET, body });
    expect([added.status, added.json]).toEqual([
      201,
      { id: 1, text: 'Bodhi is down <b>today</b>', severity: 'warning' },
    ]);
    expect((await get(PATH)).json).toEqual([added.json]);
    expect((await get(`${PATH}/1`, { method: 'DELETE', headers: SECRET })).status).toBe(204);
    expect((await get(`${PATH}/1`, { method: 'DELETE', headers: SECRET })).status).toBe(404);
    expect((await get(PATH)).json).toEqual([]);
  });

  test('an id is never given twice: a browser remembers what was put away', async () => {
    const { get } = started();
    const put = (texts: readonly string[]) =>
      get(PATH, { method: 'PUT', headers: SECRET, body: JSON.stringify(texts.map((text) => ({ text }))) });
    expect((await put(['one', 'two'])).json.map(({ id }: { id: number }) => id)).toEqual([1, 2]);
    expect((await put(['three'])).json).toEqual([{ id: 3, text: 'three', severity: 'info' }]);
    expect((await get(PATH, { method: 'DELETE', headers: SECRET })).status).toBe(204);
    expect((await put(['four'])).json[0].id).toBe(4);
  });

  test('polling it is free', async () => {
    const { get } = started();
    const etag = (await get(PATH)).headers.get('etag') ?? '';
    expect((await get(PATH, { headers: { 'if-none-match': etag } })).status).toBe(304);
    await get(PATH, { method: 'POST', headers: SECRET, body: '{"text":"x"}' });
    expect((await get(PATH, { headers: { 'if-none-match': etag } })).status).toBe(200);
  });

  test.each([
    ['no secret', {}],
    ['a wrong one', { authorization: 'Bearer hus' }],
    ['a longer one', { authorization: 'Bearer hushh' }],
    ['another scheme', { authorization: 'Basic hush' }],
    ['an empty one', { authorization: 'Bearer ' }],
  ])('%s changes nothing, by no method', async (_, headers) => {
    const { get } = started();
    for (const method of ['PUT', 'POST', 'DELETE']) {
      const body = method === 'DELETE' ? undefined : '{"text":"evil"}';
      const answer = await get(PATH, {
        method,
        headers: { ...JSON_TYPE, ...headers },
        ...(body && { body }),
      });
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    }
    expect((await get(PATH)).json).toEqual([]);
  });

  test('without a secret of ours nobody can write', async () => {
    const { get } = apiOf();
    expect((await get(PATH, { method: 'POST', headers: SECRET, body: '{"text":"x"}' })).status).toBe(404);
    expect((await get(PATH)).json).toEqual([]);
  });

  test.each([
    ['{"text":""}', 400],
    ['{"text":"  "}', 400],
    [`{"text":"${'x'.repeat(2_001)}"}`, 400],
    ['{"text":1}', 400],
    ['{"text":"x","severity":"<b>"}', 400],
    ['null', 400],
    ['{', 400],
    [`{"text":"${'x'.repeat(70_000)}"}`, 413],
  ])('%.40s is refused', async (body, status) => {
    const { get } = started();
    const answer = await get(PATH, { method: 'POST', headers: SECRET, body });
    expect([answer.status, answer.json.error.length > 0]).toEqual([status, true]);
  });

  test('there is room for twenty', async () => {
    const { get } = started();
    const body = JSON.stringify(Array.from({ length: 21 }, () => ({ text: 'x' })));
    expect((await get(PATH, { method: 'PUT', headers: SECRET, body })).status).toBe(409);
    for (let at = 0; at < 20; at += 1)
      await get(PATH, { method: 'POST', headers: SECRET, body: '{"text":"x"}' });
    expect((await get(PATH, { method: 'POST', headers: SECRET, body: '{"text":"x"}' })).status).toBe(409);
  });

  test('another type of content is refused: a form of another site is one', async () => {
    const { get } = started();
    const headers = { authorization: 'Bearer hush', 'content-type': 'text/plain' };
    expect((await get(PATH, { method: 'POST', headers, body: '{"text":"x"}' })).status).toBe(415);
  });
});
