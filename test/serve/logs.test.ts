import { createHash } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import type { LogSegment } from '../../pipeline/mutation-log/contract.ts';
import type { ServedLog } from '../../pipeline/serve/served.ts';
import type { ServerOptions } from '../../pipeline/serve/server.ts';
import { tempFolder } from '../support/temp.ts';
import { servedTest, serverOf } from './serving.ts';

const folder = tempFolder();

/** A log of bytes; the last one grows. `frozenUrl`: where the frozen ones are. */
function logOf(parts: Buffer[], frozenUrl?: string): ServedLog {
  const segment = (bytes: Buffer, number: number): LogSegment => {
    const sha224 = createHash('sha224').update(bytes).digest('hex');
    return {
      number,
      size: bytes.length,
      sha224,
      name: `${number}.${sha224}`,
      growing: number === parts.length - 1,
    };
  };
  return {
    segments: async () => parts.map(segment),
    bytes: async ({ number }, { start, end }) => parts[number]?.subarray(start, end) ?? Buffer.alloc(0),
    publicUrl: ({ name }) => (frozenUrl === undefined ? undefined : `${frozenUrl}/${name}`),
  };
}

async function started(parts: Buffer[], more: Partial<ServerOptions> = {}, frozenUrl?: string) {
  const made = servedTest(folder, { log: logOf(parts, frozenUrl) });
  const server = await serverOf(made.served, { logLimits: { waitMs: 300, pollMs: 10 }, ...more });
  const get = (path: string, init: RequestInit = {}) =>
    fetch(`${server.http}${path}`, { redirect: 'manual', ...init });
  return { ...made, server, get };
}

const PARTS = () => [Buffer.alloc(100, 'a'), Buffer.alloc(40, 'b'), Buffer.from('0123456789')];

describe('/logs', () => {
  test('names segments, their sizes, hashes and places', async () => {
    const { get } = await started(PARTS(), {}, 'https://storage.googleapis.com/bucket/o/r');
    const answer = await get('/logs');
    expect(answer.headers.get('x-sum-segment-size')).toBe('150');
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    const text = await answer.text();
    expect(text).toContain('\n\t{\n\t\t"number": 0,\n\t\t"size": 100,');
    expect(JSON.parse(text)).toEqual([
      {
        number: 0,
        size: 100,
        sha224: expect.stringMatching(/^[0-9a-f]{56}$/),
        url: expect.stringMatching(/^https:\/\/storage.googleapis.com\/bucket\/o\/r\/0\./),
      },
      { number: 1, size: 40, sha224: expect.any(String), url: expect.stringMatching(/^https:/) },
      { number: 2, size: 10, sha224: expect.any(String), url: '/logs/2' },
    ]);
  });

  test('begins where it is asked to; beyond the end that is the beginning', async () => {
    const { get } = await started(PARTS());
    const numbers = async (start: number) => {
      const answer = await get(`/logs?startseg=${start}`);
      const all = (await answer.json()) as readonly { readonly number: number }[];
      return [all.map(({ number }) => number), answer.headers.get('x-sum-segment-size')];
    };
    expect(await numbers(1)).toEqual([[1, 2], '50']);
    expect(await numbers(3)).toEqual([[0, 1, 2], '150']);
  });

  test('an empty growing segment is not named', async () => {
    const { get } = await started([Buffer.from('a'), Buffer.alloc(0)]);
    expect(await (await get('/logs')).json()).toMatchObject([{ number: 0 }]);
    const empty = await started([Buffer.alloc(0)]);
    expect(await (await empty.get('/logs')).json()).toEqual([]);
  });

  test.each([
    '/logs?startseg=-1',
    '/logs?startseg=x',
    '/logs?waitsizenot=-2',
    '/logs?waitsizenot=a',
    '/logs/x',
    '/logs/-1',
    '/logs/9',
  ])('%s is 400', async (path) => {
    const { get } = await started(PARTS());
    expect((await get(path)).status).toBe(400);
  });

  test('other methods are 400, HEAD has the headers and no body', async () => {
    const { get } = await started(PARTS());
    expect((await get('/logs', { method: 'POST' })).status).toBe(400);
    const head = await get('/logs', { method: 'HEAD' });
    expect([head.status, head.headers.get('x-sum-segment-size'), await head.text()]).toEqual([
      200,
      '150',
      '',
    ]);
    const bytes = await get('/logs/2', { method: 'HEAD' });
    expect([bytes.status, bytes.headers.get('content-length'), await bytes.text()]).toEqual([200, '10', '']);
  });

  test('waits until the size is another one', async () => {
    const parts = PARTS();
    const { get } = await started(parts, { logLimits: { waitMs: 20_000, pollMs: 10 } });
    expect((await get('/logs?waitsizenot=149')).status).toBe(200);
    const waiting = get('/logs?waitsizenot=150');
    setTimeout(() => parts.splice(2, 1, Buffer.from('0123456789ab')), 50);
    const answer = await waiting;
    expect([answer.status, answer.headers.get('x-sum-segment-size')]).toEqual([200, '152']);
  });

  test('is 304 when nothing came in time, and when the server ends', async () => {
    const { get } = await started(PARTS());
    expect((await get('/logs?waitsizenot=150')).status).toBe(304);
    const long = await started(PARTS(), { logLimits: { waitMs: 60_000, pollMs: 10 } });
    const waiting = long.get('/logs?waitsizenot=150');
    // It waits by now: another request was answered behind it.
    await (await long.get('/logs')).text();
    await long.server.close();
    expect((await waiting).status).toBe(304);
  });
});

test('whoever waits and goes away is forgotten', async () => {
  const { get } = await started(PARTS(), { logLimits: { waitMs: 600_000, pollMs: 10 } });
  const open = async () => {
    const text = await (await get('/metrics')).text();
    return Number(/^samovar_serve_requests_open (\d+)$/m.exec(text)?.[1]);
  };
  const leave = new AbortController();
  const waiting = get('/logs?waitsizenot=150', { signal: leave.signal }).catch(() => 'gone');
  // This page's own request is one of them.
  await vi.waitFor(async () => expect(await open()).toBe(2), 10_000);
  leave.abort();
  expect(await waiting).toBe('gone');
  await vi.waitFor(async () => expect(await open()).toBe(1), 10_000);
});

describe('/logs/N', () => {
  test('of a frozen segment is where its object is', async () => {
    const { get } = await started(PARTS(), {}, 'https://storage.googleapis.com/bucket/o/r');
    const answer = await get('/logs/1');
    expect([answer.status, answer.headers.get('location')]).toEqual([
      302,
      expect.stringMatching(/^https:\/\/storage.googleapis.com\/bucket\/o\/r\/1\./),
    ]);
  });

  test('of a bucket that is a folder gives the bytes', async () => {
    const { get } = await started(PARTS());
    const answer = await get('/o/r/logs/1');
    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([
      200,
      '40',
      'b'.repeat(40),
    ]);
  });

  test.each([
    ['bytes=0-', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=4-6', 206, '456', 'bytes 4-6/10'],
    ['bytes=8-99', 206, '89', 'bytes 8-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=-99', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=-0', 416, '', 'bytes */10'],
    ['bytes=1-2,4-5', 200, '0123456789', null],
    ['bytes=6-4', 200, '0123456789', null],
    ['lines=1-2', 200, '0123456789', null],
  ])('%s is %d', async (range, status, text, contentRange) => {
    const { get } = await started(PARTS());
    const answer = await get('/logs/2', { headers: { range } });
    expect([answer.status, await answer.text(), answer.headers.get('content-range')]).toEqual([
      status,
      text,
      contentRange,
    ]);
  });

  test('larger than memory is given as it is taken', async () => {
    const bytes = Buffer.alloc(3_000_000, 'xyz');
    const { get } = await started([bytes]);
    expect(Buffer.from(await (await get('/logs/0')).arrayBuffer()).equals(bytes)).toBe(true);
  });
});

test('of several logs each has its own address', async () => {
  const made = servedTest(folder, { log: logOf(PARTS()) });
  const [one] = made.served.repos();
  const server = await serverOf({ ...made.served, repos: () => (one ? [one, one] : []) });
  const get = (path: string) => fetch(`${server.http}${path}`);
  expect((await get('/logs')).status).toBe(404);
  expect(await (await get('/o/r/logs')).json()).toMatchObject([{}, {}, { url: '/o/r/logs/2' }]);
  expect((await get('/o/x/logs')).status).toBe(404);
});
