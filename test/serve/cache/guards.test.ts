import { describe, expect, test } from 'vitest';
import { clientOf, createRateLimit } from '../../../pipeline/serve/cache/rate.ts';
import { startHttp } from '../../../pipeline/serve/http.ts';
import { apiOf, START_MS } from './serving.ts';

const RATE = { perSecond: 1, burst: 3, clientsMax: 2, proxies: 0 };
const from = (remoteAddress: string) => ({ incoming: { socket: { remoteAddress } } });

describe('the share of one client', () => {
  test('is a burst, then so many a second; others have their own', async () => {
    const { get, clock } = apiOf({ rate: RATE });
    const ask = async (address: string) => (await get('/status', {}, from(address))).status;
    expect([await ask('10.0.0.1'), await ask('10.0.0.1'), await ask('10.0.0.1')]).toEqual([200, 200, 200]);
    const refused = await get('/status', {}, from('10.0.0.1'));
    expect([refused.status, refused.json.status, refused.headers.get('retry-after')]).toEqual([
      429,
      429,
      '1',
    ]);
    expect(await ask('10.0.0.2')).toBe(200);
    clock.ms += 1_000;
    expect([await ask('10.0.0.1'), await ask('10.0.0.1')]).toEqual([200, 429]);
  });

  test('does not count for probes', async () => {
    const { get } = apiOf({ rate: RATE });
    for (let at = 0; at < 20; at += 1) {
      expect((await get('/healthz', {}, from('10.0.0.1'))).status).toBe(200);
      expect((await get('/metrics', {}, from('10.0.0.1'))).status).toBe(200);
    }
  });

  test('is remembered of so many clients only, and a clock that goes back gives nothing', () => {
    const limit = createRateLimit(RATE);
    for (let at = 0; at < 3; at += 1) limit('a', START_MS);
    expect(limit('a', START_MS - 100_000)).toBeGreaterThan(0);
    for (const other of ['b', 'c']) limit(other, START_MS);
    expect(limit('a', START_MS), 'forgotten, so it begins anew').toBe(0);
  });

  test('is of the connection, unless proxies are trusted', async () => {
    const headers = { 'x-forwarded-for': '1.1.1.1, 2.2.2.2' };
    const { get } = apiOf({ rate: { ...RATE, burst: 1 } });
    expect((await get('/status', { headers }, from('10.0.0.1'))).status).toBe(200);
    expect(
      (await get('/status', { headers: { 'x-forwarded-for': '9.9.9.9' } }, from('10.0.0.1'))).status,
    ).toBe(429);
  });

  test.each([
    ['10.0.0.1', '1.1.1.1, 2.2.2.2', 0, '10.0.0.1'],
    ['10.0.0.1', '1.1.1.1, 2.2.2.2', 1, '2.2.2.2'],
    ['10.0.0.1', '1.1.1.1, 2.2.2.2', 2, '1.1.1.1'],
    ['10.0.0.1', '1.1.1.1', 2, '10.0.0.1'],
    ['10.0.0.1', undefined, 1, '10.0.0.1'],
    ['::ffff:10.0.0.1', undefined, 0, '10.0.0.1'],
    ['2001:db8:1:2:3:4:5:6', undefined, 0, '2001:db8:1:2'],
    ['2001:db8:1:2::9', undefined, 0, '2001:db8:1:2'],
    ['::1', undefined, 0, '0:0:0:0'],
    [undefined, undefined, 0, 'unknown'],
  ])('%s forwarded for %s behind %d proxies is %s', (remote, forwarded, proxies, client) => {
    expect(clientOf(remote, forwarded, proxies)).toBe(client);
  });

  test('over a socket the address is seen', async () => {
    const { api } = apiOf({ rate: { ...RATE, burst: 1 } });
    const server = await startHttp({ address: '127.0.0.1:0', fetch: api.fetch });
    try {
      const ask = async () => {
        const answer = await fetch(`${server.url}/status`);
        await answer.arrayBuffer();
        return answer.status;
      };
      expect([await ask(), await ask()]).toEqual([200, 429]);
    } finally {
      await server.close();
    }
  });
});

describe('every answer', () => {
  test.each(['/', '/status', '/api/v2/packager_dashboard?users=x', '/nothing', '/dashboard'])(
    '%s forbids a browser whatever it does not need',
    async (path) => {
      const { get } = apiOf();
      const { headers } = await get(path);
      expect(headers.get('content-security-policy')).toMatch(/default-src 'none'/);
      expect(headers.get('content-security-policy')).not.toMatch(/unsafe/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('x-frame-options')).toBe('DENY');
      const referrer = path.startsWith('/dashboard') ? 'same-origin' : 'no-referrer';
      expect(headers.get('referrer-policy')).toBe(referrer);
    },
  );

  test.each([
    ['POST', '/api/v2/packager_dashboard?users=x', 'GET, HEAD'],
    ['PUT', '/healthz', 'GET, HEAD'],
    ['PATCH', '/api/v1/motd/service_messages', 'DELETE, GET, HEAD, POST, PUT'],
    ['DELETE', '/api/v1/packager_dashboard/kim', 'GET, HEAD'],
  ])('%s %s is no method of it', async (method, path, allowed) => {
    const { get } = apiOf();
    const answer = await get(path, { method });
    expect(answer.status).toBe(405);
    expect((answer.headers.get('allow') ?? '').split(', ').sort().join(', ')).toBe(allowed);
  });

  test('HEAD is GET without the body', async () => {
    const { get } = apiOf();
    const { status, text, headers } = await get('/status', { method: 'HEAD' });
    expect([status, text, headers.get('content-type')]).toEqual([200, '', 'application/json']);
  });

  test('a failure of ours says nothing of it but that it is', async () => {
    const made = apiOf();
    made.cache.providerStates = () => {
      throw new Error('SQLITE_BUSY at /var/lib/secret');
    };
    const { status, text } = await made.get('/status');
    expect([status, text.includes('secret')]).toEqual([503, false]);
    expect(made.logged.join()).toMatch(/SQLITE_BUSY/);
  });
});

describe('other sites', () => {
  const page = { origin: 'https://dashboard.example' };

  test('may not read, unless they are named', async () => {
    const { get } = apiOf();
    const { headers } = await get('/api/v1/deployment_env', { headers: page });
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  test('that are named read the API, without cookies, and write nothing', async () => {
    const { get } = apiOf({ corsOrigins: ['https://dashboard.example'] });
    const { headers } = await get('/api/v1/deployment_env', { headers: page });
    expect(headers.get('access-control-allow-origin')).toBe('https://dashboard.example');
    expect(headers.get('access-control-allow-credentials')).toBeNull();
    expect(headers.get('access-control-expose-headers')).toMatch(/ETag/);
    expect(headers.get('vary')).toMatch(/Origin/);
    const other = await get('/api/v1/deployment_env', { headers: { origin: 'https://evil.example' } });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
    const asked = { ...page, 'access-control-request-method': 'PUT' };
    const preflight = await get('/api/v1/motd/service_messages', { method: 'OPTIONS', headers: asked });
    expect(preflight.headers.get('access-control-allow-methods')).toBe('GET,HEAD');
    expect((await get('/status', { headers: page })).headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('pages for operators', () => {
  const scheduler = { role: 'scheduler', name: 'one', since: START_MS, lastSignMs: START_MS } as const;

  test('ready is who has a store that answers and a scheduler that is alive', async () => {
    const { get, cache, clock } = apiOf();
    expect((await get('/readyz')).status).toBe(503);
    cache.shown.processes = [{ ...scheduler, leaseUntilMs: START_MS + 30_000 }];
    expect((await get('/readyz')).status).toBe(200);
    clock.ms += 31_000;
    const late = await get('/readyz');
    expect([late.status, late.json[1].detail]).toEqual([503, 'the last sign is 31 seconds old']);
    expect((await get('/healthz')).status).toBe(200);
    cache.seq = () => {
      throw new Error('disk full');
    };
    expect((await get('/readyz')).status).toBe(503);
  });

  test('metrics have the monitor, what was asked, and every provider', async () => {
    const { get, cache } = apiOf();
    cache.shown.states = [
      {
        ...{
          provider: 'schedule',
          generation: 1,
          paused: true,
          retired: false,
          bytes: 5,
          oldestAgeMs: 1_500,
        },
        ...{ entries: { fresh: 1, stale: 0, error: 0, missing: 0 }, waiting: 2, running: 0, failed: 0 },
        ...{ lastOkAtMs: undefined, lastError: undefined, durationMs: undefined, nextAtMs: undefined },
      },
    ];
    await get('/api/v2/packager_dashboard?users=kim');
    const { text } = await get('/metrics');
    expect(text).toContain('# the monitor');
    expect(text).toContain('samovar_cache_requests_total{what="v2",status="202"} 1');
    expect(text).toContain('samovar_cache_oldest_seconds{provider="schedule"} 1.5');
    expect(text).toContain('samovar_cache_jobs{provider="schedule",state="waiting"} 2');
    expect(text).toContain('samovar_cache_paused{provider="schedule"} 1');
  });

  test('status has the age of each provider beside what it should be', async () => {
    const { get, cache } = apiOf();
    cache.shown.states = [
      {
        ...{
          provider: 'schedule',
          generation: 1,
          paused: false,
          retired: false,
          bytes: 5,
          oldestAgeMs: 8_000_000,
        },
        ...{ entries: { fresh: 0, stale: 0, error: 1, missing: 0 }, waiting: 0, running: 0, failed: 1 },
        ...{ lastOkAtMs: START_MS - 8_000_000, durationMs: undefined, nextAtMs: undefined },
        lastError: { code: 'timeout', message: 'token=secret', atMs: START_MS },
      },
    ];
    const { json, text } = await get('/status');
    const one = json.providers.find(({ provider }: { provider: string }) => provider === 'schedule');
    expect(one).toMatchObject({ ttl_s: 3_600, oldest_age_s: 8_000, is_late: true, last_error: 'timeout' });
    expect(text).not.toContain('token=');
  });
});
