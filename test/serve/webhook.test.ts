import { sign } from '@octokit/webhooks-methods';
import { describe, expect, onTestFinished, test } from 'vitest';
import { syncAll } from '../../pipeline/jobs/mutation-sync-loop.ts';
import { startHttp } from '../../pipeline/serve/http.ts';
import { webhookPages } from '../../pipeline/serve/webhook.ts';
import { acceptDelivery, type Delivery, deliveryOf } from '../../pipeline/serve/webhook-delivery.ts';
import { NOW_MS, testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();
const SECRET = "It's a Secret to Everybody";

const payloadOf = (more: object = {}) =>
  JSON.stringify({ action: 'opened', repository: { full_name: 'o/r' }, ...more });

async function listening(over: Partial<Parameters<typeof webhookPages>[0]> = {}) {
  const accepted: Delivery[] = [];
  const app = webhookPages({
    secrets: [SECRET],
    accept: (delivery) => {
      accepted.push(delivery);
      return 'accepted';
    },
    log: () => undefined,
    ...over,
  });
  const server = await startHttp({ address: '0', fetch: app.fetch });
  onTestFinished(() => server.close());
  const send = async (body: string, headers: Readonly<Record<string, string | undefined>> = {}) => {
    const all = {
      'content-type': 'application/json',
      'x-github-event': 'issues',
      'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      'x-hub-signature-256': await sign(SECRET, body || ' '),
      ...headers,
    };
    const given = Object.entries(all).filter((one): one is [string, string] => one[1] !== undefined);
    const answer = await fetch(server.url, { method: 'POST', body, headers: Object.fromEntries(given) });
    return { status: answer.status, text: (await answer.text()).trim() };
  };
  return { accepted, send, url: server.url };
}

test("GitHub's own example of a signature is right", async () => {
  const { accepted, send } = await listening();
  // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries: text and secret are signed to this.
  const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
  expect(await send('Hello, World!', { 'x-hub-signature-256': signature })).toEqual({
    status: 202,
    text: 'not about a repository',
  });
  expect(accepted).toEqual([]);
});

test('a signed delivery is accepted, also by a second secret and with letters of many bytes', async () => {
  const { accepted, send } = await listening({ secrets: ['new', SECRET] });
  const body = payloadOf({ issue: { number: 7, title: 'caf\u00e9 \u{1f600}' } });
  expect(await send(body)).toEqual({ status: 202, text: 'accepted' });
  expect(await send(body, { 'x-hub-signature-256': await sign('new', body) })).toMatchObject({ status: 202 });
  expect(accepted).toEqual([
    expect.objectContaining({ event: 'issues', owner: 'o', repo: 'r' }),
    expect.objectContaining({ event: 'issues', owner: 'o', repo: 'r' }),
  ]);
});

describe('refused, and not looked at', () => {
  const good = payloadOf();
  test.each([
    ['no signature', good, { 'x-hub-signature-256': undefined }, 401],
    ['a signature with another secret', good, { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }, 401],
    ['a short signature', good, { 'x-hub-signature-256': 'sha256=00' }, 401],
    [
      'the old kind of signature',
      good,
      { 'x-hub-signature-256': undefined, 'x-hub-signature': 'sha1=00' },
      401,
    ],
    ['no delivery id', good, { 'x-github-delivery': undefined }, 400],
    ['an id that is none', good, { 'x-github-delivery': "'; DROP TABLE --" }, 400],
    ['no event', good, { 'x-github-event': undefined }, 400],
    ['a form', good, { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    ['nothing', '', {}, 401],
  ])('%s', async (_name, body, headers, status) => {
    const { accepted, send } = await listening();
    expect(await send(body, headers)).toMatchObject({ status });
    expect(accepted).toEqual([]);
  });

  test('a body beyond the limit, whether it says its length or not', async () => {
    const { accepted, send, url } = await listening({ bodyBytesMax: 1000 });
    const large = payloadOf({ text: 'x'.repeat(2000) });
    expect(await send(large)).toMatchObject({ status: 413 });
    const stream = new ReadableStream({
      start: (controller) => {
        controller.enqueue(Buffer.from(large));
        controller.close();
      },
    });
    const init = {
      method: 'POST',
      body: stream,
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
    };
    expect((await fetch(url, init as RequestInit)).status).toBe(413);
    expect(await send(payloadOf())).toMatchObject({ status: 202 });
    expect(accepted).toHaveLength(1);
  });

  test('a GET', async () => {
    const { url } = await listening();
    const answer = await fetch(url);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

test('a ping is answered and wakes nobody', async () => {
  const { accepted, send } = await listening();
  expect(await send(payloadOf(), { 'x-github-event': 'ping' })).toEqual({ status: 200, text: 'pong' });
  expect(accepted).toEqual([]);
});

test('what could not be noted is to be sent again, and says nothing of the reason', async () => {
  const reasons: unknown[] = [];
  const { send } = await listening({
    accept: () => {
      throw new Error('/secret/place is full');
    },
    log: (_message, error) => reasons.push(error),
  });
  const answer = await send(payloadOf());
  expect(answer.status).toBe(503);
  expect(answer.text).not.toContain('secret');
  expect(reasons).toHaveLength(1);
});

test.each([
  ['issues', { action: 'deleted', issue: { number: 7 } }, { kind: 'issue', id: 7n, issue: 7 }],
  ['issues', { action: 'transferred', issue: { number: 7 } }, { kind: 'issue', id: 7n, issue: 7 }],
  ['issues', { action: 'closed', issue: { number: 7 } }, undefined],
  [
    'issue_comment',
    { action: 'deleted', issue: { number: 7 }, comment: { id: 3_000_000_001 } },
    { kind: 'comment', id: 3_000_000_001n, issue: 7 },
  ],
  [
    'pull_request_review_comment',
    { action: 'deleted', pull_request: { number: 8 }, comment: { id: 5 } },
    { kind: 'review_comment', id: 5n, issue: 8 },
  ],
  ['issue_comment', { action: 'deleted', issue: { number: -1 }, comment: { id: 5 } }, undefined],
])('%s %j', (event, payload, missing) => {
  expect(deliveryOf({ id: '1', event }, payloadOf(payload))?.missing).toEqual(missing);
});

test.each([
  '{',
  'null',
  '[]',
  '{"repository": {"full_name": "../.."}}x',
  '{"repository": {"full_name": "a b/c"}}',
])('no delivery: %s', (body) => {
  expect(deliveryOf({ id: '1', event: 'issues' }, body)).toBeUndefined();
});

describe('in the database', () => {
  const delivery = (over: Partial<Delivery> = {}): Delivery => ({
    ...{ id: 'a', event: 'issues', owner: 'o', repo: 'r' },
    ...over,
  });

  function storeWith(...names: readonly string[]) {
    const store = testStore(folder);
    const ids = names.map((name) => {
      const [owner = '', repo = ''] = name.split('/');
      return store.transaction(() => store.corpus.repo(owner, repo).id);
    });
    return { store, ids };
  }

  test('a delivery wakes its repository once, however often it is sent', () => {
    const { store, ids } = storeWith('o/other', 'o/r');
    expect(acceptDelivery(store, delivery())).toBe('accepted');
    expect(acceptDelivery(store, delivery())).toBe('seen');
    expect(acceptDelivery(store, delivery({ id: 'b' }))).toBe('accepted');
    expect(store.github.takeWakes()).toEqual([ids[1]]);
    expect(store.github.takeWakes()).toEqual([]);
    expect(acceptDelivery(store, delivery())).toBe('seen');
    expect(store.github.takeWakes()).toEqual([]);
  });

  test('a repository that nobody follows wakes nobody, one in other letters does', () => {
    const { store, ids } = storeWith('o/r');
    expect(acceptDelivery(store, delivery({ repo: 'stranger' }))).toBe('unknown');
    expect(acceptDelivery(store, delivery({ owner: 'O', repo: 'R' }))).toBe('accepted');
    expect(store.github.takeWakes()).toEqual(ids);
  });

  test('what it says is gone is only looked for: GitHub is asked before anything is written', () => {
    const { store, ids } = storeWith('o/r');
    const missing = { kind: 'comment', id: 5n, issue: 3 } as const;
    acceptDelivery(store, delivery({ missing }));
    expect(store.github.missing(ids[0] as number)).toEqual([{ ...missing, firstAt: NOW_MS }]);
  });
});

test('a repository that is woken has its turn long before it is due, and not more often than the gap allows', async () => {
  let nowMs = NOW_MS;
  const store = testStore(folder, () => nowMs);
  const repo = store.transaction(() => store.corpus.repo('o', 'r'));
  // A turn that ends at once: it is only counted here.
  store.transaction(() => store.github.setPaused(repo.id, 'for a test'));
  const turns: number[] = [];
  const stopping = new AbortController();
  const sleep = async (ms: number) => {
    nowMs += ms;
    // Something happens all the time.
    store.transaction(() => store.github.wake(repo.id));
    if (nowMs - NOW_MS > 250_000) stopping.abort();
  };
  const context = { store, nowMs: () => nowMs } as unknown as Parameters<typeof syncAll>[0];
  await syncAll(context, [{ owner: 'o', name: 'r' }], {
    ...{ threads: 1, everyMs: 100_000, sleep, stopping: stopping.signal },
    onResult: () => turns.push((nowMs - NOW_MS) / 1000),
  });
  expect(turns).toEqual([0, 30, 60, 90, 100, 130, 160, 190, 200, 230]);
});
