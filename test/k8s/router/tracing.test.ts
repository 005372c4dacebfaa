import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type grpc from '@grpc/grpc-js';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startTracing } from '../../../pipeline/k8s/router/tracing.ts';
import { receiver } from './receiver.ts';
import { refusal, routerOf, workerOf } from './routing.ts';

const TRACE = 'a'.repeat(32);
const CLIENT = 'b'.repeat(16);

function tracingTo(url: string, more: { readonly spansMax?: number; readonly timeoutMs?: number } = {}) {
  const onFailure = vi.fn();
  const tracing = startTracing({
    ...{ url, serviceName: 'router-test', timeoutMs: 5_000, spansMax: 1_000, onFailure },
    ...more,
  });
  return { tracing, onFailure };
}

async function traced(flags: string) {
  const { url, spans } = await receiver();
  const { tracing } = tracingTo(url);
  const seen: string[] = [];
  let failures = 1;
  const GetIssue = (_: never, metadata: grpc.Metadata) => {
    seen.push(String(metadata.get('traceparent')[0]));
    failures -= 1;
    if (failures >= 0) throw refusal(14, 'starting');
    return {};
  };
  const worker = await workerOf({ GetIssue });
  const { get } = await routerOf({ 'o/r': worker }, { tracing, apiKey: 'hushhush' });
  const headers = { traceparent: `00-${TRACE}-${CLIENT}-${flags}`, 'x-api-key': 'hushhush' };
  expect((await get('/api/v1/o/r/issues/1', { headers })).status).toBe(200);
  await tracing.close();
  return { seen, worker, spans };
}

test('a call is a span of its client, and each attempt to ask the worker one of the call', async () => {
  const { seen, worker, spans } = await traced('01');
  const server = spans.find(({ kind }) => kind === 2);
  const attempts = spans.filter(({ kind }) => kind === 3);
  expect(server).toMatchObject({
    ...{ service: 'router-test', name: 'GetIssue', traceId: TRACE, parentSpanId: CLIENT },
    attributes: { 'samovar.repository': 'o/r', 'samovar.way': 'json', 'rpc.grpc.status_code': 0 },
  });
  const [host, port] = worker.split(':');
  expect(attempts).toMatchObject(
    [14, 0].map((status, at) => ({
      name: 'drghs.v1.IssueService/GetIssue',
      ...{ traceId: TRACE, parentSpanId: server?.spanId },
      attributes: {
        ...{ 'rpc.service': 'drghs.v1.IssueService', 'rpc.method': 'GetIssue' },
        ...{ 'samovar.repository': 'o/r', 'samovar.attempt': at + 1, 'rpc.grpc.status_code': status },
        ...{ 'server.address': host, 'server.port': Number(port) },
      },
    })),
  );
  expect(seen).toEqual(attempts.map(({ spanId }) => `00-${TRACE}-${spanId}-01`));
  expect(JSON.stringify(spans)).not.toContain('hushhush');
});

test('of a trace that its client does not keep nothing is sent, and it goes on to the worker', async () => {
  const { seen, spans } = await traced('00');
  expect(spans).toEqual([]);
  expect(seen).toEqual([1, 2].map(() => expect.stringMatching(`^00-${TRACE}-(?!${CLIENT})[0-9a-f]{16}-00$`)));
});

test('a receiver that is away costs no call, and the router ends all the same', async () => {
  const { tracing, onFailure } = tracingTo('http://127.0.0.1:1/v1/traces', { timeoutMs: 500 });
  const { call } = await routerOf({ 'o/r': await workerOf({}) }, { tracing });
  expect((await call('ListIssues', { parent: 'o/r' })).code).toBeUndefined();
  await tracing.close();
  expect(onFailure).toHaveBeenCalled();
  expect((await call('ListIssues', { parent: 'o/r' })).code).toBeUndefined();
});

test('a receiver that hangs has no more spans wait than may', async () => {
  const hung = createServer(() => undefined).listen(0, '127.0.0.1');
  onTestFinished(() => {
    hung.closeAllConnections();
    hung.close();
  });
  await once(hung, 'listening');
  const bodies = vi.fn();
  hung.on('request', bodies);
  const { port } = hung.address() as AddressInfo;
  const { tracing } = tracingTo(`http://127.0.0.1:${port}/v1/traces`, { spansMax: 20, timeoutMs: 300 });
  for (let at = 0; at < 10_000; at += 1) tracing.begin('/a/B', 'grpc', () => undefined).end('OK');
  await tracing.close();
  // One batch under way, and as many spans again as may wait.
  expect(bodies.mock.calls.length).toBeGreaterThan(0);
  expect(bodies.mock.calls.length).toBeLessThanOrEqual(2);
});
