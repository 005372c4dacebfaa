import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { coresOf } from '../../../pipeline/k8s/idler/cpu.ts';
import { activeHosts, REQUESTS_QUERY } from '../../../pipeline/k8s/idler/requests.ts';
import { maySleep } from '../../../pipeline/k8s/idler/schedule.ts';

test.each([
  ['250m', 0.25],
  ['1500000n', 0.0015],
  ['12u', 0.000012],
  ['2', 2],
  ['0.5', 0.5],
  [1, 1],
  ['1e-1', 0.1],
  ['', undefined],
  ['12Mi', undefined],
  ['-1', undefined],
  [undefined, undefined],
])('%j is %j cores', (quantity, cores) => {
  const found = coresOf(quantity);
  if (cores === undefined) expect(found).toBe(undefined);
  else expect(found).toBeCloseTo(cores, 9);
});

describe('hours', () => {
  const nights = { sleepAt: '0 20 * * *', wakeAt: '0 7 * * 1-5', timezone: 'Europe/London' };
  test.each([
    ['2026-06-05T18:59:59Z', false, 'a Friday evening in summer, a second before'],
    ['2026-06-05T19:00:00Z', true, 'eight there'],
    ['2026-06-06T12:00:00Z', true, 'Saturday noon'],
    ['2026-06-08T05:59:59Z', true, 'Monday, a second before seven'],
    ['2026-06-08T06:00:00Z', false, 'Monday, seven'],
    ['2026-12-07T06:30:00Z', true, 'in winter it is an hour later'],
  ])('%s: %j, %s', (time, sleeps) => {
    expect(maySleep(nights, Date.parse(time))).toBe(sleeps);
  });

  test.each([[{ sleepAt: 'at night' }], [{ sleepAt: '0 20 * * *', timezone: 'Atlantis/City' }]])(
    '%j are none',
    (hours) => {
      expect(() => maySleep(hours, 0)).toThrow(/is no schedule/);
    },
  );
});

describe('requests that Prometheus counts', () => {
  async function prometheus(status: number, body: string) {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const signal = new AbortController().signal;
    const all = { url, query: REQUESTS_QUERY, quietMs: 900_000, timeoutMs: 20_000, signal };
    return { asked, hosts: () => activeHosts(all) };
  }
  const series = (host: string, value: string) => ({ metric: { host }, value: [1_700_000_000, value] });
  const answer = (...result: object[]) =>
    JSON.stringify({ status: 'success', data: { resultType: 'vector', result } });

  test('are those of hosts with more than none, and what cannot be told counts', async () => {
    const text = answer(
      series('Used.example.org', '3.2'),
      series('quiet.example.org', '0'),
      series('odd', 'NaN'),
    );
    const { asked, hosts } = await prometheus(200, text);
    expect([...(await hosts())]).toEqual(['used.example.org', 'odd']);
    expect(decodeURIComponent(asked[0] ?? '').replaceAll('+', ' ')).toBe(
      '/api/v1/query?query=sum by (host) (increase(nginx_ingress_controller_requests[900s]))',
    );
  });

  test.each([
    ['no series at all', 200, answer(), 'malformed'],
    ['an error', 200, '{"status":"error"}', 'malformed'],
    ['no JSON', 200, '<html>', 'network'],
    ['a refusal', 401, '', 'denied'],
    ['trouble', 503, '', 'unavailable'],
  ])('%s is no silence', async (_, status, body, code) => {
    const { hosts } = await prometheus(status, body);
    await expect(hosts()).rejects.toMatchObject({ code });
  });
});
