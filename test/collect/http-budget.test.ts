import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tempFolder } from '../support/temp.ts';
import { json, openPlace, startServer } from './http-place.ts';

const server = await startServer((response) => json(response, 1));
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('a host is asked by no more at once than its budget, over two processes', async () => {
  const file = join(tempFolder(), 'cache.db');
  const clock = { nowMs: 1e12 };
  const options = { file, clock, budget: { concurrency: 2 } };
  const places = [openPlace(options), openPlace(options)];
  server.most = 0;
  server.answer = (response) => setTimeout(() => json(response, 1), 5);
  const answers = places.flatMap(({ http }) =>
    Array.from({ length: 8 }, () => http.getJson(`${server.url}/x`)),
  );
  expect(await Promise.all(answers)).toHaveLength(16);
  expect(server.most).toBe(2);
});

test('between the beginnings of two requests lies the gap, whoever makes them', async () => {
  const file = join(tempFolder(), 'cache.db');
  const clock = { nowMs: 1e12 };
  const start = clock.nowMs;
  const limits = { concurrency: 9, gapMs: 500, failuresMax: 1, openMs: 1 };
  const places = [openPlace({ file, clock, budget: limits }), openPlace({ file, clock, budget: limits })];
  const begins = [0, 1, 2, 3].map((at) => places[at % 2]?.store.cache.hosts.take('h', limits, start, 9000));
  expect(begins).toMatchObject([0, 500, 1000, 1500].map((ms) => ({ beginAtMs: start + ms })));
  server.answer = (response) => json(response, 1);
  await Promise.all([0, 1, 2, 3, 4].map((at) => places[at % 2]?.http.getJson(`${server.url}/x`)));
  expect(clock.nowMs - start).toBeGreaterThanOrEqual(4 * 500);
});

test('a slot whose process died is free again when its lease is over', () => {
  const { store } = openPlace();
  const { hosts } = store.cache;
  const limits = { concurrency: 1, gapMs: 0, failuresMax: 1, openMs: 1 };
  expect(hosts.take('h', limits, 1000, 100)).toMatchObject({ kind: 'go' });
  expect(hosts.take('h', limits, 1099, 100).kind).toBe('wait');
  expect(hosts.take('h', limits, 1100, 100).kind).toBe('go');
});

test.each([
  ['seconds', '7', 7000],
  ['a date', new Date(Date.UTC(2030, 0, 1, 0, 0, 9)).toUTCString(), 9000],
])('a Retry-After in %s holds for the whole host', async (_, retryAfter, waitMs) => {
  const { http, clock } = openPlace();
  const start = clock.nowMs;
  server.nowMs = () => clock.nowMs;
  let calls = 0;
  server.answer = (response) => {
    calls += 1;
    if (calls === 1) response.writeHead(429, { 'retry-after': retryAfter }).end();
    else json(response, 1);
  };
  server.asked.length = 0;
  const first = http.getJson(`${server.url}/x`);
  while (calls === 0) await later(1);
  await later(5);
  await Promise.all([first, http.getJson(`${server.url}/y`)]);
  const others = server.asked.slice(1).map(({ atMs }) => atMs - start);
  expect(others).toHaveLength(2);
  expect(Math.min(...others)).toBeGreaterThanOrEqual(waitMs);
});

test('after failures in a row nobody asks for a while; then one tries, and if it is well all do', async () => {
  const file = join(tempFolder(), 'cache.db');
  const clock = { nowMs: 1e12 };
  const options = { file, clock, budget: { failuresMax: 4, openMs: 100_000 }, attemptsMax: 2 };
  const [one, two] = [openPlace(options), openPlace(options)];
  server.answer = (response) => response.writeHead(500).end();
  server.asked.length = 0;
  const ask = (place: typeof one) => place.http.getJson(`${server.url}/x`);
  await expect(ask(one)).rejects.toMatchObject({ code: 'unavailable', status: 500 });
  await expect(ask(two)).rejects.toMatchObject({ code: 'unavailable', status: 500 });
  expect(server.asked).toHaveLength(4);
  await expect(ask(one)).rejects.toMatchObject({ code: 'unavailable', status: undefined });
  await expect(ask(two)).rejects.toThrow('left alone');
  expect(server.asked).toHaveLength(4);
  expect(one.store.cache.hosts.all(clock.nowMs)).toMatchObject([{ failures: 4, lastError: 'HTTP 500' }]);
  // Half open: one tries and fails.
  clock.nowMs += 100_001;
  await expect(ask(one)).rejects.toThrow();
  expect(server.asked).toHaveLength(5);
  await expect(ask(two)).rejects.toThrow('left alone');
  // One tries, the others do not wait for it.
  clock.nowMs += 100_001;
  let answer: (() => void) | undefined;
  server.answer = (response) => {
    answer = () => json(response, 1);
  };
  const probe = ask(one);
  while (answer === undefined) await later(1);
  await expect(ask(two)).rejects.toThrow('left alone');
  answer();
  expect(await probe).toMatchObject({ kind: 'value' });
  server.answer = (response) => json(response, 2);
  expect(await ask(two)).toMatchObject({ value: 2 });
});

test('six hours of errors cost a host one call for each time its breaker is open', async () => {
  const { http, clock } = openPlace({ budget: { failuresMax: 5, openMs: 300_000 } });
  server.answer = (response) => response.writeHead(500).end();
  server.asked.length = 0;
  const end = clock.nowMs + 6 * 3_600_000;
  while (clock.nowMs < end) {
    await http.getJson(`${server.url}/x`).catch(() => undefined);
    clock.nowMs += 30_000;
  }
  expect(server.asked.length).toBeGreaterThan(5);
  expect(server.asked.length).toBeLessThanOrEqual(5 + (6 * 3600) / 300);
});

test('what a host refuses does not open its breaker', async () => {
  const { http, store, clock } = openPlace({ budget: { failuresMax: 1 } });
  for (const status of [400, 403, 404, 429]) {
    server.answer = (response) => response.writeHead(status, { 'retry-after': '0' }).end();
    await http.getJson(`${server.url}/x`).catch(() => undefined);
    expect(store.cache.hosts.openUntil(server.host, clock.nowMs)).toBeUndefined();
  }
});
