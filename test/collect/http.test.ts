import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { shownUrl } from '../../pipeline/collect/sources/http/urls.ts';
import { json, openPlace, startServer } from './http-place.ts';

const server = await startServer((response) => json(response, 1));
const other = await startServer((response, { headers }) => json(response, headers));

test('an answer comes with its ETag and date, asked for by a name with a contact', async () => {
  const { http, events } = openPlace();
  server.answer = (response) =>
    json(response, { a: [1, 'caf\u00e9'] }, { etag: '"v1"', 'last-modified': 'yesterday' });
  const answer = await http.getJson(`${server.url}/x?api_key=s3cret&page=2`, {
    headers: { 'x-private': 'p' },
  });
  expect(answer).toEqual({
    ...{ kind: 'value', value: { a: [1, 'caf\u00e9'] }, bytes: 17 },
    ...{ etag: '"v1"', lastModified: 'yesterday' },
  });
  const asked = server.asked.at(-1);
  expect(asked?.headers).toMatchObject({
    'user-agent': 'samovar-test (admin@example.org)',
    'x-private': 'p',
    'accept-encoding': 'gzip',
  });
  expect(asked?.path).toBe('/x?api_key=s3cret&page=2');
  expect(events).toMatchObject([
    { host: server.host, status: 200, url: `${server.url}/x?api_key=...&page=2` },
  ]);
});

test('a condition is sent, and 304, 404 and 410 are answers', async () => {
  const { http } = openPlace();
  server.answer = (response, { headers }) =>
    response.writeHead(headers['if-none-match'] === '"v1"' ? 304 : 404).end();
  const url = `${server.url}/x`;
  expect(await http.getJson(url, { etag: '"v1"', lastModified: 'then' })).toEqual({ kind: 'unchanged' });
  expect(server.asked.at(-1)?.headers['if-modified-since']).toBe('then');
  expect(await http.getJson(url)).toMatchObject({ kind: 'absent', reason: `${url}: HTTP 404` });
  server.answer = (response) => response.writeHead(410).end();
  expect(await http.getText(url)).toMatchObject({ kind: 'absent' });
});

test.each([
  [400, 'refused', 1],
  [401, 'denied', 1],
  [403, 'denied', 1],
  [408, 'unavailable', 3],
  [429, 'throttled', 3],
  [500, 'unavailable', 3],
  [204, 'refused', 1],
])('%d is %s, and asked for %d times', async (status, code, times) => {
  const { http } = openPlace();
  const before = server.asked.length;
  server.answer = (response) => response.writeHead(status).end(status === 204 ? undefined : 'because');
  await expect(http.getJson(`${server.url}/x`)).rejects.toMatchObject({ code, status });
  expect(server.asked.length - before).toBe(times);
});

test('what passes is tried again', async () => {
  const { http } = openPlace();
  let calls = 0;
  server.answer = (response) => {
    calls += 1;
    if (calls === 1) response.destroy();
    else if (calls === 2) response.writeHead(502).end();
    else json(response, 'well');
  };
  expect(await http.getJson(`${server.url}/x`)).toMatchObject({ value: 'well' });
});

test('a packed answer is unpacked; a bomb is not', async () => {
  const { http } = openPlace();
  const pack = { 'content-encoding': 'gzip' };
  server.answer = (response) => response.writeHead(200, pack).end(gzipSync('["a"]'));
  expect(await http.getJson(`${server.url}/x`)).toMatchObject({ value: ['a'], bytes: 5 });
  const bomb = gzipSync(Buffer.alloc(20_000_000, 0x20));
  expect(bomb.length).toBeLessThan(100_000);
  server.answer = (response) => response.writeHead(200, pack).end(bomb);
  await expect(http.getJson(`${server.url}/x`, { bytesMax: 1_000_000 })).rejects.toMatchObject({
    code: 'too-large',
  });
  server.answer = (response) => response.writeHead(200, pack).end('no gzip');
  await expect(http.getJson(`${server.url}/x`)).rejects.toMatchObject({ code: 'malformed' });
});

test.each(['with its length', 'without'])(
  'a body over the limit is not read to its end (%s)',
  async (way) => {
    const { http } = openPlace();
    let sent = 0;
    server.answer = (response) => {
      if (way === 'with its length') response.setHeader('content-length', 1e9);
      const more = () => {
        sent += 1;
        if (!response.destroyed && sent < 10_000)
          response.write(Buffer.alloc(10_000), () => setImmediate(more));
      };
      more();
    };
    await expect(http.getText(`${server.url}/x`, { bytesMax: 50_000 })).rejects.toMatchObject({
      code: 'too-large',
    });
    expect(sent).toBeLessThan(10_000);
  },
);

test.each([
  ['an error page', Buffer.from('<html>'), 'it begins "<html>"'],
  ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'not UTF-8'],
  ['too deep', Buffer.from('['.repeat(201) + ']'.repeat(201)), 'nested deeper'],
  ['nothing', Buffer.alloc(0), 'no JSON'],
])('an answer that is %s is malformed', async (_, body, text) => {
  const { http } = openPlace();
  server.answer = (response) => response.writeHead(200).end(body);
  await expect(http.getJson(`${server.url}/x`)).rejects.toMatchObject({
    code: 'malformed',
    message: expect.stringContaining(text),
  });
});

test('brackets in texts are not depth', async () => {
  const { http } = openPlace();
  const value = ['['.repeat(500), '\\"[', { '{': '\\' }];
  server.answer = (response) => json(response, value);
  expect(await http.getJson(`${server.url}/x`)).toMatchObject({ value });
});

test('a redirect is followed, and what is private goes to no other server', async () => {
  const { http } = openPlace();
  const request = { headers: { 'x-api-key': 's3cret' } };
  server.answer = (response, { path }) =>
    path === '/a' ? response.writeHead(302, { location: '/b' }).end() : json(response, path);
  expect(await http.getJson(`${server.url}/a`, request)).toMatchObject({ value: '/b' });
  expect(server.asked.at(-1)?.headers['x-api-key']).toBe('s3cret');
  server.answer = (response) => response.writeHead(307, { location: `${other.url}/c` }).end();
  const answer = await http.getJson(`${server.url}/a`, request);
  expect(answer).toMatchObject({ value: { host: other.host } });
  expect(JSON.stringify(answer)).not.toContain('s3cret');
});

test.each([
  ['a loop', '/a', 'more than 5 redirects'],
  ['a file', 'file:///etc/passwd', 'only http and https'],
  ['nowhere', '', 'without a place'],
])('a redirect to %s is refused', async (_, location, text) => {
  const { http } = openPlace();
  server.answer = (response) => response.writeHead(302, { location }).end();
  await expect(http.getJson(`${server.url}/a`)).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining(text),
  });
});

test('an answer that stops in its middle is a timeout; a stop of the run ends it', async () => {
  const stop = new AbortController();
  const { http } = openPlace({ timeoutMs: 30, attemptsMax: 1 });
  server.answer = (response) => response.writeHead(200).write('[1,');
  await expect(http.getJson(`${server.url}/x`)).rejects.toMatchObject({ code: 'timeout' });
  const stopped = openPlace({ signal: stop.signal });
  server.answer = () => stop.abort();
  await expect(stopped.http.getJson(`${server.url}/x`)).rejects.toMatchObject({ code: 'aborted' });
});

test('a URL is shown without what may be secret', () => {
  expect(shownUrl('https://me:pw@example.org/a?token=t&x=1&Api_Key=k#frag')).toBe(
    'https://example.org/a?token=...&x=1&Api_Key=...',
  );
  expect(shownUrl('no url')).not.toContain('no url');
});
