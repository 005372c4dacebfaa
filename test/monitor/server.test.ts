import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { SamovarError } from '../../pipeline/errors.ts';
import type { Readiness } from '../../pipeline/monitor/contract.ts';
import { createMetrics } from '../../pipeline/monitor/metrics.ts';
import { type Monitor, type MonitorOptions, startMonitor } from '../../pipeline/monitor/server.ts';
import { parseAddress } from '../../pipeline/net/address.ts';
import { LIMIT_MS, withClocks } from './clocks.ts';
import { parsePage } from './page.ts';

const READY: readonly Readiness[] = [{ name: 'database', ready: true, detail: 'ok' }];
/** Before any server was made. */
const { Request: processRequest, Response: processResponse } = globalThis;
const monitors: Monitor[] = [];
afterEach(async () => {
  for (const monitor of monitors.splice(0)) await monitor.close();
});

async function start(more: Partial<MonitorOptions> = {}) {
  const clocks = withClocks();
  const metrics = createMetrics(clocks.progress);
  const monitor = await startMonitor({
    address: '0',
    progress: clocks.progress,
    metrics,
    ready: async () => READY,
    ...more,
  });
  monitors.push(monitor);
  const get = (path: string, init: RequestInit = {}) => fetch(`${monitor.url}${path}`, init);
  return { ...clocks, metrics, monitor, get, port: Number(new URL(monitor.url).port) };
}

describe('pages', () => {
  test('the index names the pages', async () => {
    const { get } = await start();
    const answer = await get('/');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    const text = await answer.text();
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      expect(text).toContain(path);
      expect((await get(path)).status).toBe(200);
    }
  });

  test('health is ok until a task is stuck, says which one, and is ok when that goes on', async () => {
    const { get, progress, pass } = await start();
    const task = progress.stage('collect').task('gs://a/1');
    progress.stage('table day').task('load', { limitMs: 10 * LIMIT_MS });
    const healthy = await get('/healthz');
    expect([healthy.status, await healthy.text()]).toEqual([200, 'ok\n']);
    pass(LIMIT_MS + 1_000);
    const stuck = await get('/healthz');
    expect([stuck.status, await stuck.text()]).toEqual([503, 'collect: gs://a/1, silent for 61 s\n']);
    task.step();
    expect((await get('/healthz')).status).toBe(200);
  });

  test('ready only when everything is', async () => {
    const states: Readiness[] = [{ name: 'database', ready: true, detail: 'ok' }];
    const { get } = await start({ ready: async () => states });
    const ready = await get('/readyz');
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual(states);
    states.push({ name: 'queue', ready: false, detail: 'not yet following' });
    const answer = await get('/readyz');
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual(states);
  });

  test('readiness that does not answer is told in time, and nobody asks it a second time meanwhile', async () => {
    let asked = 0;
    let answer: (states: readonly Readiness[]) => void = () => undefined;
    const ready = () => {
      asked += 1;
      return new Promise<readonly Readiness[]>((resolve) => {
        answer = resolve;
      });
    };
    const { get } = await start({ ready, limits: { readyMs: 1_000 } });
    const answers = await Promise.all([get('/readyz'), get('/readyz'), get('/readyz')]);
    for (const each of answers) {
      expect(each.status).toBe(503);
      expect(await each.json()).toEqual([
        { name: 'readiness', ready: false, detail: 'no answer within 1000 ms' },
      ]);
    }
    expect(asked).toBe(1);
    answer(READY);
    await new Promise((resolve) => setImmediate(resolve));
    const next = get('/readyz');
    await vi.waitFor(() => expect(asked).toBe(2));
    answer(READY);
    expect((await next).status).toBe(200);
  });

  test('readiness that fails tells our own reason, and keeps what others said for the log', async () => {
    const logged: unknown[] = [];
    let error: Error = new SamovarError('storage', 'cannot write to the database');
    const ready = () => {
      throw error;
    };
    const { get } = await start({ ready, log: (_message, cause) => logged.push(cause) });
    const ours = await get('/readyz');
    expect([ours.status, await ours.json()]).toEqual([
      503,
      [{ name: 'readiness', ready: false, detail: 'cannot write to the database' }],
    ]);
    error = new Error('GET https://host/?token=hunter2');
    const theirs = await get('/readyz');
    expect(theirs.status).toBe(503);
    expect(await theirs.text()).not.toContain('hunter2');
    expect(logged).toHaveLength(2);
    expect(logged[1]).toBe(error);
  });

  test('metrics are what Prometheus reads', async () => {
    const { get, metrics } = await start();
    metrics.acknowledged(3);
    const answer = await get('/metrics');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(parsePage(await answer.text()).value('samovar_acknowledged_total')).toBe(3);
  });

  test('a page that fails is 500 without a reason, which is in the log', async () => {
    const logged: [string, unknown][] = [];
    const { progress } = withClocks();
    const error = new Error('secret');
    const metrics = { ...createMetrics(progress), render: () => Promise.reject(error) };
    const { get } = await start({ metrics, log: (message, cause) => logged.push([message, cause]) });
    const answer = await get('/metrics');
    expect([answer.status, await answer.text()]).toEqual([500, 'this page failed\n']);
    expect(logged).toEqual([['the page /metrics failed', error]]);
    expect((await get('/healthz')).status).toBe(200);
  });

  test.each(['/', '/healthz', '/readyz', '/metrics'])('HEAD %s is its GET without the body', async (path) => {
    const { get } = await start();
    const [whole, head] = [await get(path), await get(path, { method: 'HEAD' })];
    expect(head.status).toBe(whole.status);
    expect(head.headers.get('content-type')).toBe(whole.headers.get('content-type'));
    expect(await head.text()).toBe('');
  });

  test('HEAD tells of a stuck task as GET does', async () => {
    const { get, progress, pass } = await start();
    progress.stage('collect').task('a');
    pass(LIMIT_MS + 1);
    expect((await get('/healthz', { method: 'HEAD' })).status).toBe(503);
  });

  test.each([
    ['GET', '/none', 404],
    ['HEAD', '/none', 404],
    ['POST', '/none', 404],
    ['GET', '/healthz/', 404],
    ['GET', '/.env', 404],
    ['POST', '/healthz', 405],
    ['PUT', '/metrics', 405],
    ['DELETE', '/readyz', 405],
    ['OPTIONS', '/', 405],
  ])('%s %s is %d', async (method, path, status) => {
    const { get } = await start();
    const answer = await get(path, { method });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('allow')).toBe(status === 405 ? 'GET, HEAD' : null);
  });

  test('no page shows the environment', async () => {
    vi.stubEnv('SAMOVAR_TEST_SECRET', 'hunter2-of-the-environment');
    onTestFinished(() => void vi.unstubAllEnvs());
    const { get } = await start();
    for (const path of ['/', '/healthz', '/readyz', '/metrics', '/none'])
      expect(await (await get(path)).text()).not.toContain('hunter2');
  });

  test('the Request and Response of the process are left as they are', async () => {
    const { get } = await start();
    await get('/');
    expect(globalThis.Request).toBe(processRequest);
    expect(globalThis.Response).toBe(processResponse);
  });
});

/** What comes back on a plain connection until the server ends it. */
async function untilClosed(socket: Socket): Promise<string> {
  let said = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  socket.on('error', () => undefined);
  if (!socket.closed) await once(socket, 'close');
  return said;
}

function plain(port: number): Socket {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  return socket;
}

describe('bad clients', () => {
  test('a head that never ends is cut off, while others are served', async () => {
    const { port, get } = await start({ limits: { requestMs: 500 } });
    const socket = plain(port);
    socket.write('GET /healthz HTTP/1.1\r\nHost: a\r\n');
    const drip = setInterval(() => socket.write('X-Slow: 1\r\n'), 100);
    onTestFinished(() => clearInterval(drip));
    const closed = untilClosed(socket);
    expect((await get('/healthz')).status).toBe(200);
    expect(await closed).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('a body that never ends is cut off', async () => {
    const { port } = await start({ limits: { requestMs: 500 } });
    const socket = plain(port);
    socket.write('POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nx');
    const drip = setInterval(() => socket.write('x'), 100);
    onTestFinished(() => clearInterval(drip));
    expect(await untilClosed(socket)).toMatch(/^HTTP\/1\.1 (405|408) /);
  });

  test('a connection on which nothing moves is cut off', async () => {
    const hangs = () => new Promise<never>(() => undefined);
    const { port } = await start({ ready: hangs, limits: { silenceMs: 300, readyMs: 25_000 } });
    const socket = plain(port);
    socket.write('GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await untilClosed(socket)).toBe('');
  });

  test('a head that is too long is refused', async () => {
    const { port, get } = await start();
    const socket = plain(port);
    socket.write(`GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(10_000)}\r\n\r\n`);
    expect(await untilClosed(socket)).toMatch(/^HTTP\/1\.1 431 /);
    expect((await get('/healthz')).status).toBe(200);
  });

  test.each([
    'nonsense\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    'GET /healthz HTTP/1.1\r\nHost: a b/c\r\nConnection: close\r\n\r\n',
  ])('what is no request is refused: %j', async (text) => {
    const { port, get } = await start();
    const socket = plain(port);
    socket.write(text);
    expect(await untilClosed(socket)).toMatch(/^HTTP\/1\.1 400 /);
    expect((await get('/healthz')).status).toBe(200);
  });

  test('so many connections are open at once and no more; when they go others come in', async () => {
    const { port, get } = await start();
    const held = Array.from({ length: 64 }, () => plain(port));
    await Promise.all(held.map((socket) => once(socket, 'connect')));
    // Its answer shows that all before it were taken in.
    held[63]?.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(held[63] as Socket, 'data');
    expect(await untilClosed(plain(port))).toBe('');
    for (const socket of held) socket.destroy();
    await vi.waitFor(async () => expect((await get('/healthz')).status).toBe(200), { timeout: 10_000 });
  });
});

describe('its life', () => {
  test('it listens on this machine only, unless told otherwise', async () => {
    const { monitor } = await start();
    expect(monitor.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  test('a port that is taken is told, with what to do', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    await expect(start({ address: `127.0.0.1:${port}` })).rejects.toMatchObject({
      code: 'config',
      message: `cannot listen on 127.0.0.1:${port}: another process listens there`,
      subject: `127.0.0.1:${port}`,
      remedy: expect.stringContaining('--monitor'),
    });
  });

  test('an address that is not of this machine is told', async () => {
    await expect(start({ address: '192.0.2.1:9109' })).rejects.toMatchObject({
      code: 'config',
      message: 'cannot listen on 192.0.2.1:9109: this machine does not have that address',
    });
  });

  test('closing ends at once with connections kept alive, half a request and an open answer', async () => {
    const { monitor, port } = await start({ ready: () => new Promise(() => undefined) });
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const [answer] = await once(request(`${monitor.url}/healthz`, { agent }).end(), 'response');
    answer.resume();
    await once(answer, 'end');
    const half = plain(port);
    half.write('GET /healthz HTTP/1.1\r\n');
    const waiting = fetch(`${monitor.url}/readyz`).then(
      () => 'answered',
      () => 'cut off',
    );
    await once(half, 'connect');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const began = performance.now();
    await monitor.close();
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(await waiting).toBe('cut off');
    await untilClosed(half);
    await expect(fetch(`${monitor.url}/healthz`)).rejects.toThrow();
    await monitor.close();
  });

  test('its port is free again after it was closed', async () => {
    const { monitor, port } = await start();
    await monitor.close();
    const again = await start({ address: `127.0.0.1:${port}` });
    expect((await again.get('/healthz')).status).toBe(200);
  });
});

describe('addresses', () => {
  test.each([
    ['9109', '127.0.0.1', 9109],
    ['0', '127.0.0.1', 0],
    ['0.0.0.0:9109', '0.0.0.0', 9109],
    ['localhost:80', 'localhost', 80],
    ['my-host.example:65535', 'my-host.example', 65_535],
    ['[::1]:9109', '::1', 9109],
    ['[::ffff:127.0.0.1]:9109', '::ffff:127.0.0.1', 9109],
  ])('%s', (text, host, port) => expect(parseAddress(text)).toEqual({ host, port }));

  test.each([
    '',
    'host',
    ':9109',
    'host:',
    '65536',
    'host:99999',
    '-1',
    '1.5',
    'http://host:80',
    '::1:9109',
    '[host]:80',
    'a b:80',
    '80 ',
    '[::1]',
  ])('%j is none', (text) => {
    const parse = () => parseAddress(text);
    expect(parse).toThrow(SamovarError);
    expect(parse).toThrow(
      expect.objectContaining({ code: 'config', remedy: expect.stringContaining('PORT') }),
    );
  });
});
