import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { retry } from '../../pipeline/collect/retry.ts';
import { SamovarError } from '../../pipeline/errors.ts';
import { type Follower, openFollower } from '../../pipeline/mutation-log/follow.ts';
import { frameRecord } from '../../pipeline/records/mutation/framing.ts';
import { startLogServer } from '../support/log-server.ts';
import { tempFolder } from '../support/temp.ts';

const base = tempFolder();
const payload = (text: string) => Buffer.from(text.repeat(10));

function segment(...texts: readonly string[]): Buffer {
  return texts.reduce(
    (bytes, text) => Buffer.concat([bytes, frameRecord(bytes.length, payload(text))]),
    Buffer.alloc(0),
  );
}

/** Follows with three attempts per request, which wait for nothing. */
function follow(url: string, folder = mkdtempSync(join(base, 'cache-')), timeoutMs = 20_000) {
  const waits: number[] = [];
  const follower = openFollower({
    url,
    folder,
    timeoutMs,
    retry: (attempt, signal) =>
      retry(
        attempt,
        {
          attemptsMax: 3,
          budgetMs: 60_000,
          baseDelayMs: 1,
          delayMaxMs: 1,
          random: () => 0,
          clock: () => 0,
          sleep: async (ms) => void waits.push(ms),
        },
        signal,
      ),
  });
  return { follower, folder, waits };
}

async function texts(
  follower: Follower,
  from?: { segment: number; offset: number },
): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const record of follower.source.read(from === undefined ? {} : { from }))
    found.push(`${record.segment}:${Buffer.from(record.payload).toString().slice(0, 1)}`);
  return found;
}

async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (error instanceof SamovarError) return `${error.code}: ${error.message}`;
  throw error ?? new Error('nothing was thrown');
}

const once = { wait: false } as const;

describe('following', () => {
  test('an empty log gives nothing, and what is added later arrives', async () => {
    const server = await startLogServer();
    const { follower } = follow(server.url);
    expect(await follower.update(once)).toBe(false);
    expect(await texts(follower)).toEqual([]);
    server.append([payload('a')]);
    expect(await follower.update(once)).toBe(true);
    expect(await texts(follower)).toEqual(['0:a']);
  });

  test('only missing bytes are asked for, through growth, rotation and a restart', async () => {
    const server = await startLogServer();
    const { follower, folder } = follow(server.url);
    server.append([payload('a'), payload('b')]);
    await follower.update(once);
    const known = server.segments()[0]?.length ?? 0;
    server.append([payload('c')]);
    await follower.update(once);
    const frozen = server.segments()[0]?.length ?? 0;
    expect(server.requests.at(-1)).toBe(`GET /logs/0 bytes=${known}-${frozen - 1}`);
    server.rotate();
    server.append([payload('d')]);
    const before = server.requests.length;
    await follower.update(once);
    const end = server.segments()[1]?.length ?? 0;
    // The first segment did not change: it only got its last name.
    expect(server.requests.slice(before)).toEqual(['GET /logs', `GET /logs/1 bytes=0-${end - 1}`]);
    const again = follow(server.url, folder).follower;
    expect(await again.update(once)).toBe(false);
    expect(server.requests.slice(before + 2)).toEqual(['GET /logs']);
    expect(await texts(again)).toEqual(['0:a', '0:b', '0:c', '1:d']);
    expect(readdirSync(folder).toSorted()).toEqual([
      expect.stringMatching(/^0000\.[0-9a-f]{56}\.mutlog$/),
      '0001.growing.mutlog',
    ]);
    expect(readFileSync(join(folder, '0001.growing.mutlog'))).toEqual(server.segments()[1]);
  });

  test('a segment that grew and was rotated between two looks is completed', async () => {
    const server = await startLogServer();
    const { follower, folder } = follow(server.url);
    server.append([payload('a')]);
    await follower.update(once);
    const known = server.segments()[0]?.length ?? 0;
    server.append([payload('b')]);
    server.rotate();
    server.append([payload('c')]);
    await follower.update(once);
    expect(server.requests.find((request) => request.startsWith('GET /frozen/0'))).toContain(
      `bytes=${known}-`,
    );
    expect(await texts(follower)).toEqual(['0:a', '0:b', '1:c']);
    expect(readdirSync(folder)).toHaveLength(2);
  });

  test('a long poll ends when something is new, and says so when nothing is', async () => {
    const server = await startLogServer();
    const { follower } = follow(server.url);
    server.append([payload('a')]);
    await follower.update(once);
    const waiting = follower.update({ wait: true });
    setTimeout(() => server.append([payload('b')]), 50);
    expect(await waiting).toBe(true);
    expect(await follower.update({ wait: true })).toBe(false);
    expect(server.requests.at(-1)).toMatch(/waitsizenot=\d+$/);
    expect(await texts(follower)).toEqual(['0:a', '0:b']);
  });

  test('reading begins at a position, and only at one that is there', async () => {
    const server = await startLogServer();
    const { follower } = follow(server.url);
    server.append([payload('a'), payload('b')]);
    await follower.update(once);
    const offset = segment('a').length;
    expect(await texts(follower, { segment: 0, offset })).toEqual(['0:b']);
    expect(await texts(follower, { segment: 0, offset: segment('a', 'b').length })).toEqual([]);
    expect(await failure(texts(follower, { segment: 0, offset: 10_000 }))).toMatch(
      /^conflict: history-split/,
    );
    expect(await failure(texts(follower, { segment: 1, offset: 0 }))).toMatch(/^conflict: history-split/);
    expect(await failure(texts(follower, { segment: 0, offset: offset - 1 }))).toMatch(
      /^conflict: history-split/,
    );
  });

  test('a server without ranges is followed too', async () => {
    const server = await startLogServer();
    server.ranges = false;
    const { follower } = follow(server.url);
    server.append([payload('a')]);
    await follower.update(once);
    server.append([payload('b')]);
    await follower.update(once);
    expect(await texts(follower)).toEqual(['0:a', '0:b']);
  });
});

describe('what goes wrong on the way', () => {
  test('a body that is cut is gone on with where it ended', async () => {
    const server = await startLogServer();
    const { follower, waits } = follow(server.url);
    server.append([payload('a'), payload('b')]);
    const size = server.segments()[0]?.length ?? 0;
    server.fault(/^\/logs\/0$/, { cut: 7 });
    expect(await follower.update(once)).toBe(true);
    expect(server.requests).toEqual([
      'GET /logs',
      `GET /logs/0 bytes=0-${size - 1}`,
      `GET /logs/0 bytes=7-${size - 1}`,
    ]);
    expect(waits).toHaveLength(1);
    expect(await texts(follower)).toEqual(['0:a', '0:b']);
  });

  test('a cut list, a server that is busy and one that says when are asked again', async () => {
    const server = await startLogServer();
    const { follower, waits } = follow(server.url);
    server.append([payload('a')]);
    server.fault(/^\/logs$/, { cut: 5 });
    server.fault(/^\/logs$/, { status: 503, retryAfter: 7 });
    server.fault(/^\/logs\/0$/, { status: 500 });
    expect(await follower.update(once)).toBe(true);
    expect(waits).toEqual([0, 7_000, 0]);
  });

  test('after the last attempt it ends, and the next look goes on with what came', async () => {
    const server = await startLogServer();
    const { follower, folder } = follow(server.url);
    server.append([payload('a')]);
    server.rotate();
    server.append([payload('b')]);
    for (let fault = 0; fault < 3; fault += 1) server.fault(/^\/logs\/1$/, { cut: 3 });
    expect(await failure(follower.update(once))).toMatch(/^network: /);
    expect(readdirSync(folder).filter((name) => name.endsWith('.mutlog'))).toHaveLength(1);
    const before = server.requests.length;
    // As after a kill: a new one has only the folder.
    const next = follow(server.url, folder).follower;
    expect(await next.update(once)).toBe(true);
    const size = server.segments()[1]?.length ?? 0;
    // Three bytes of each attempt, but for one whose connection broke before they were read.
    expect(server.requests.slice(before)).toEqual([
      'GET /logs',
      expect.stringMatching(new RegExp(`^GET /logs/1 bytes=[369]-${size - 1}$`)),
    ]);
    expect(await texts(next)).toEqual(['0:a', '1:b']);
  });

  test('a silent server is a timeout', async () => {
    const server = await startLogServer();
    server.append([payload('a')]);
    const { follower, folder } = follow(server.url);
    await follower.update(once);
    const { follower: hasty } = follow(
      `${server.url}?waitsizenot=${server.segments()[0]?.length}`,
      folder,
      100,
    );
    expect(await failure(hasty.update(once))).toMatch(/^timeout: .* silent for 0.1 s/);
  });

  test('a refusal and a page that is no log are not asked again', async () => {
    const server = await startLogServer();
    server.fault(/^\/logs$/, { status: 403 });
    expect(await failure(follow(server.url).follower.update(once))).toMatch(/^denied: .* status 403/);
    expect(server.requests).toHaveLength(1);
    const nobody = follow('http://127.0.0.1:1/logs').follower;
    expect(await failure(nobody.update(once))).toMatch(/^network: cannot read http:/);
  });

  test('an end by signal is no failure of the server', async () => {
    const server = await startLogServer();
    server.append([payload('a')]);
    const { follower } = follow(server.url);
    await follower.update(once);
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    expect(await failure(follower.update({ wait: true, signal: stop.signal }))).toMatch(/^aborted: /);
  });

  test('local bytes that are wrong are fetched anew', async () => {
    const server = await startLogServer();
    const { follower, folder } = follow(server.url);
    server.append([payload('a')]);
    server.rotate();
    server.append([payload('b')]);
    await follower.update(once);
    const frozen = readdirSync(folder).find((name) => /^0000\.[0-9a-f]/.test(name)) ?? '';
    const bytes = readFileSync(join(folder, frozen));
    writeFileSync(join(folder, frozen), Buffer.alloc(bytes.length));
    const again = follow(server.url, folder).follower;
    expect(await failure(texts(again))).toMatch(/^malformed: .* does not have its hash any more/);
    const third = follow(server.url, folder).follower;
    await third.update(once);
    expect(await texts(third)).toEqual(['0:a', '1:b']);
  });
});

describe('a history that split', () => {
  const cases: readonly (readonly [string, readonly Buffer[], readonly Buffer[]])[] = [
    ['the last segment is other bytes of the same size', [segment('a')], [segment('x')]],
    ['the last segment is shorter', [segment('a', 'b')], [segment('a')]],
    ['the last segment is longer and began otherwise', [segment('a')], [segment('x', 'b')]],
    ['an earlier segment is another', [segment('a'), segment('b')], [segment('x'), segment('b', 'c')]],
    ['an earlier segment is longer', [segment('a'), segment('b')], [segment('a', 'c'), segment('b')]],
    ['a segment is gone', [segment('a'), segment('b')], [segment('a')]],
    ['all are gone', [segment('a')], []],
  ];

  test.each(cases)('%s', async (_, before, after) => {
    const server = await startLogServer();
    server.replace(before);
    const { follower, folder } = follow(server.url);
    await follower.update(once);
    const known = await texts(follower);
    server.replace(after);
    expect(await failure(follower.update(once))).toMatch(/^conflict: history-split: /);
    expect(await texts(follower)).toEqual(known);
    // Another process, which has only the folder, sees it too.
    const again = follow(server.url, folder).follower;
    expect(await failure(again.update(once))).toMatch(/^conflict: history-split: /);
    await again.clear();
    expect(readdirSync(folder)).toEqual([]);
    await again.update(once);
    expect(await texts(again)).toHaveLength(after.join('').split('REC@').length - 1);
  });
});

describe('a list that cannot be believed', () => {
  test.each([
    ['no JSON', '<html>'],
    ['no array', '{}'],
    ['no segment', '[1]'],
    ['no hash', '[{"number":0,"size":1,"sha224":"x","url":"/logs/0"}]'],
    ['a file', `[{"number":0,"size":1,"sha224":"${'0'.repeat(56)}","url":"file:///etc/passwd"}]`],
    ['a negative size', `[{"number":0,"size":-1,"sha224":"${'0'.repeat(56)}","url":"/logs/0"}]`],
    [
      'a gap',
      `[${[0, 2].map((number) => `{"number":${number},"size":1,"sha224":"${'0'.repeat(56)}","url":"/logs/${number}"}`)}]`,
    ],
  ])('%s', async (_, body) => {
    const { createServer } = await import('node:http');
    const server = createServer((_request, response) => void response.end(body));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    try {
      const { follower } = follow(`http://127.0.0.1:${port}/logs`);
      expect(await failure(follower.update(once))).toMatch(/^malformed: .* does not answer as the server/);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
