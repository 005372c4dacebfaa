import grpc from '@grpc/grpc-js';
import { describe, expect, test, vi } from 'vitest';
import { serviceName } from '../../../pipeline/k8s/supervisor/names.ts';
import { issue, servedTest, serverOf } from '../../serve/serving.ts';
import { tempFolder } from '../../support/temp.ts';
import { callerOf, listening, rawMethod, refusal, routerOf, same, workerOf } from './routing.ts';

const folder = tempFolder();
const {
  NOT_FOUND,
  UNAVAILABLE,
  DEADLINE_EXCEEDED,
  FAILED_PRECONDITION,
  RESOURCE_EXHAUSTED,
  INVALID_ARGUMENT,
  UNAUTHENTICATED,
  UNIMPLEMENTED,
} = grpc.status;

/** A worker as it is served, with three issues of o/r, and a router in front. */
async function real() {
  const made = servedTest(folder);
  made.apply(
    issue(1),
    issue(2, { comments: [{ id: 2n ** 53n + 1n, user: { id: 7n }, body: 'hm' }] }),
    issue(3),
  );
  const server = await serverOf(made.served);
  return {
    direct: { ...callerOf(server.grpc), http: server.http },
    ...(await routerOf({ 'o/r': server.grpc })),
  };
}

describe('what a worker says', () => {
  test.each([
    ['ListIssues', { parent: 'o/r' }],
    [
      'ListIssues',
      {
        parent: 'owners/o/repositories/r',
        filter: 'issue.issue_id > 1',
        orderBy: 'issue_id desc',
        pageSize: 1,
      },
    ],
    ['GetIssue', { name: 'o/r/issues/2', comments: true }],
    ['GetIssue', { name: 'o/r/issues/99' }],
    ['GetIssue', { name: 'o/r/nothing' }],
    ['ListIssues', { parent: 'o/r', pageToken: 'of nobody' }],
    ['ListIssues', { parent: 'o/r', filter: 'issue.' }],
  ])('comes through %s as it is: %j', async (method, request) => {
    const { direct, call } = await real();
    const straight = await direct.call(method, request);
    expect(Object.keys(straight).length).toBeGreaterThan(0);
    const { nextPageToken: _token, ...answer } = await call(method, request);
    const { nextPageToken: _other, ...expected } = straight;
    expect(answer).toEqual(expected);
  });

  test.each([
    '/api/v1/o/r/issues',
    '/api/v1/owners/o/repositories/r/issues?closed=false&field_mask=title,issueId,reporter',
    '/api/v1/o/r/issues/2?comments=true',
    '/api/v1/o/r/issues/2?comments=perhaps',
    '/api/v1/o/r/issues/77',
    '/api/v1/o/r/issues?page_size=x',
    '/api/v1/o/r/nothing',
    '/api/v1/o/repositories?filter=repository.name%20==%20%27o/r%27',
  ])('has the JSON form that it gives itself: %s', async (path) => {
    const { direct, get } = await real();
    const straight = await fetch(`${direct.http}${path}`);
    const { total: _total, ...expected } = (await straight.json()) as { readonly total?: number };
    const {
      status,
      body: { total: _other, ...body },
    } = await get(path);
    expect([status, body]).toEqual([straight.status, expected]);
  });
});

describe('a repository', () => {
  test('that is not tracked is NOT_FOUND in the words of the original, and no host is asked for', async () => {
    const { call, get, asked } = await routerOf({ 'o/r': '127.0.0.1:1' });
    expect(await call('ListIssues', { parent: 'o/x' })).toEqual({
      code: NOT_FOUND,
      details: 'repository o/x is not tracking issues',
    });
    expect(await call('GetIssue', { name: 'O/r/issues/1' })).toEqual({
      code: NOT_FOUND,
      details: 'repository O/r is not tracking issues',
    });
    expect(await get('/api/v1/o/x/issues')).toEqual({
      status: 404,
      body: { code: 5, status: 'NOT_FOUND', message: 'repository o/x is not tracking issues' },
    });
    expect(asked).toEqual([]);
  });

  test.each(['', '/o/r', 'o', 'o/', '../r', 'o/\u0000r', 'o r/x', '@evil.test/r'])(
    'named %j leads to no host',
    async (parent) => {
      const { call, asked } = await routerOf({ 'o/r': '127.0.0.1:1' });
      const { code, details } = await call('ListIssues', { parent });
      expect([FAILED_PRECONDITION, NOT_FOUND]).toContain(code);
      if (code === FAILED_PRECONDITION) expect(details).toBe(`invalid parent: ${parent}`);
      expect(asked).toEqual([]);
    },
  );

  test('as a host would be called is only ever a hash', async () => {
    const { call, asked } = await routerOf({ 'evil.test:80/x': await workerOf({ GetIssue: () => ({}) }) });
    await call('GetIssue', { name: 'evil.test:80/x/issues/1' });
    expect(asked).toEqual([serviceName('evil.test:80/x')]);
  });

  test('that the list gets is found after an update, and one that it loses is not', async () => {
    const updateFleet = vi.fn(async () => undefined);
    const { get, list, call } = await routerOf({ 'o/r': await workerOf({}) }, { updateFleet });
    list.repos = [{ owner: 'o', name: 'new' }];
    expect(await call('ListIssues', { parent: 'o/new' })).toMatchObject({ code: NOT_FOUND });
    expect(await get('/api/v1/update', { method: 'POST' })).toEqual({ status: 200, body: {} });
    expect(updateFleet).toHaveBeenCalledTimes(1);
    expect(await call('ListIssues', { parent: 'o/r' })).toMatchObject({ code: NOT_FOUND });
    expect((await call('ListIssues', { parent: 'o/new' })).code).toBe(UNAVAILABLE);
  });

  test('bytes that are no message are refused', async () => {
    const { client } = await routerOf({ 'o/r': '127.0.0.1:1' });
    const { code } = await new Promise<{ readonly code: number }>((resolve) => {
      client.makeUnaryRequest(
        '/drghs.v1.IssueService/ListIssues',
        same,
        same,
        Buffer.from([0x0a, 0x7f, 1]),
        (error) => resolve(error as never),
      );
    });
    expect(code).toBe(INVALID_ARGUMENT);
  });
});

describe('a worker', () => {
  test.each([
    ['NOT_FOUND', NOT_FOUND, 1],
    ['RESOURCE_EXHAUSTED', RESOURCE_EXHAUSTED, 1],
    ['UNAVAILABLE', UNAVAILABLE, 5],
  ])('that says %s is asked so often: %d %d', async (_, code, calls) => {
    const GetIssue = vi.fn(() => {
      throw refusal(code, 'in its own words');
    });
    const { call } = await routerOf({ 'o/r': await workerOf({ GetIssue }) });
    expect(await call('GetIssue', { name: 'o/r/issues/1' })).toEqual({ code, details: 'in its own words' });
    expect(GetIssue).toHaveBeenCalledTimes(calls);
  });

  test('that is away for a moment is asked until it is there', async () => {
    let failures = 3;
    const GetIssue = () => {
      failures -= 1;
      if (failures >= 0) throw refusal(UNAVAILABLE, 'starting');
      return { issue: { title: 'there' } };
    };
    const { call } = await routerOf({ 'o/r': await workerOf({ GetIssue }) });
    expect(await call('GetIssue', { name: 'o/r/issues/1' })).toMatchObject({ issue: { title: 'there' } });
  });

  test('that does not listen is UNAVAILABLE, and its address is not told', async () => {
    const { call, get } = await routerOf({ 'o/r': '127.0.0.1:1' });
    const answer = await call('GetIssue', { name: 'o/r/issues/1' });
    expect(answer).toEqual({
      code: UNAVAILABLE,
      details: 'the worker of o/r cannot be reached: try again',
    });
    expect((await get('/api/v1/o/r/issues')).status).toBe(503);
  });

  test('that hangs ends with the deadline of the client, and with that of the router', async () => {
    const worker = await workerOf({ GetIssue: () => new Promise(() => undefined) });
    const { call } = await routerOf({ 'o/r': worker });
    expect((await call('GetIssue', { name: 'o/r/issues/1' }, { deadline: Date.now() + 200 })).code).toBe(
      DEADLINE_EXCEEDED,
    );
    const impatient = await routerOf({ 'o/r': worker }, { callMs: 200 });
    const message = 'the worker of o/r did not answer in time';
    expect(await impatient.call('GetIssue', { name: 'o/r/issues/1' })).toEqual({
      code: DEADLINE_EXCEEDED,
      details: message,
    });
    expect(await impatient.get('/api/v1/o/r/issues/1')).toMatchObject({ status: 504, body: { message } });
  });

  test('that hangs takes no more calls than it may, and others go on', async () => {
    const hangs = await workerOf({ GetIssue: () => new Promise(() => undefined) });
    const fine = await workerOf({ GetIssue: () => ({ issue: { title: 'fine' } }) });
    const { call } = await routerOf(
      { 'o/hangs': hangs, 'o/fine': fine },
      { limits: { callsMax: 3 }, callMs: 3_000 },
    );
    const open = Array.from({ length: 3 }, () => call('GetIssue', { name: 'o/hangs/issues/1' }));
    await vi.waitFor(async () =>
      expect(
        (await call('GetIssue', { name: 'o/hangs/issues/1' }, { deadline: Date.now() + 100 })).code,
      ).toBe(RESOURCE_EXHAUSTED),
    );
    expect(await call('GetIssue', { name: 'o/fine/issues/1' })).toMatchObject({ issue: { title: 'fine' } });
    expect((await Promise.all(open)).map(({ code }) => code)).toEqual([4, 4, 4]);
  });

  test('that answers with more than may be is refused, and the router lives', async () => {
    const worker = await workerOf({ GetIssue: () => ({ issue: { body: 'x'.repeat(2_000_000) } }) });
    const { call } = await routerOf({ 'o/r': worker }, { limits: { answerBytesMax: 1_000_000 } });
    expect((await call('GetIssue', { name: 'o/r/issues/1' })).code).toBe(RESOURCE_EXHAUSTED);
    expect((await call('GetIssue', { name: 'o/r/issues/1' })).code).toBe(RESOURCE_EXHAUSTED);
  });

  test('that answers with no message gives an INTERNAL in the JSON form', async () => {
    const server = new grpc.Server();
    const lie = rawMethod('/drghs.v1.IssueService/GetIssue');
    server.addService(
      { lie },
      {
        lie: (_: unknown, callback: grpc.sendUnaryData<Buffer>) =>
          callback(null, Buffer.from([0x0a, 0x7f, 1])),
      },
    );
    const { get } = await routerOf({ 'o/r': await listening(server) });
    expect(await get('/api/v1/o/r/issues/1')).toMatchObject({
      status: 500,
      body: { message: 'the worker answered with what is no message' },
    });
  });

  test('is told the key, the trace and the deadline of the client, and nothing else of it', async () => {
    let seen: object = {};
    const GetIssue = (_: never, metadata: grpc.Metadata) => {
      seen = metadata.getMap();
      return {};
    };
    const { get } = await routerOf({ 'o/r': await workerOf({ GetIssue }) });
    const trace = 'a'.repeat(32);
    const headers = { traceparent: `00-${trace}-${'b'.repeat(16)}-01`, cookie: 'secret', 'x-api-key': 'k' };
    await get('/api/v1/o/r/issues/1', { headers });
    expect(seen).toMatchObject({
      'x-api-key': 'k',
      traceparent: expect.stringMatching(`^00-${trace}-(?!b{16})[0-9a-f]{16}-01$`),
    });
    expect(seen).not.toHaveProperty('cookie');
  });
});

test('a call that the client breaks off ends at the worker', async () => {
  const [began, gone] = [vi.fn(), vi.fn()];
  const server = new grpc.Server();
  const hang = rawMethod('/drghs.v1.IssueService/GetIssue');
  server.addService(
    { hang },
    {
      hang: (call: grpc.ServerUnaryCall<Buffer, Buffer>) => {
        began();
        call.on('cancelled', gone);
      },
    },
  );
  const { client } = await routerOf({ 'o/r': await listening(server) });
  const request = Buffer.from([0x0a, 3, ...Buffer.from('o/r')]);
  const call = client.makeUnaryRequest(hang.path, same, same, request, () => undefined);
  await vi.waitFor(() => expect(began).toHaveBeenCalled());
  call.cancel();
  await vi.waitFor(() => expect(gone).toHaveBeenCalled());
});

test('a key is asked for, of every call but health', async () => {
  const { call, get, router } = await routerOf({ 'o/r': await workerOf({}) }, { apiKey: 'right' });
  expect((await call('ListIssues', { parent: 'o/r' })).code).toBe(UNAUTHENTICATED);
  expect((await call('ListIssues', { parent: 'o/r' }, { key: 'wrong' })).code).toBe(UNAUTHENTICATED);
  expect((await call('ListIssues', { parent: 'o/r' }, { key: 'right' })).code).toBeUndefined();
  expect([
    (await get('/api/v1/o/r/issues')).status,
    (await get('/api/v1/o/r/issues?key=right')).status,
  ]).toEqual([401, 200]);
  expect((await get('/api/v1/update', { method: 'POST' })).status).toBe(401);
  expect((await fetch(`${router.http}/healthz`)).status).toBe(200);
});

test('streams go both ways, each message when it comes, and end with the words of the worker', async () => {
  const path = '/test.Echo/Talk';
  const talk = rawMethod(path, true);
  const server = new grpc.Server();
  server.addService(
    { talk },
    {
      talk: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
        call.on('data', (message: Buffer) => call.write(message));
        call.on('end', () => call.emit('error', refusal(FAILED_PRECONDITION, 'enough')));
      },
    },
  );
  const { client } = await routerOf({ 'o/r': await listening(server) }, { streams: { [path]: 1 } });
  const open = (parent: string) => {
    const call = client.makeBidiStreamRequest(path, same, same);
    const said: number[] = [];
    const ended = new Promise<grpc.ServiceError>((resolve) => call.on('error', resolve));
    call.on('data', (message: Buffer) => said.push(message.length));
    call.write(Buffer.from([0x0a, parent.length, ...Buffer.from(parent)]));
    return { call, said, ended };
  };
  const { call, said, ended } = open('o/r');
  await vi.waitFor(() => expect(said).toEqual([5]));
  call.write(Buffer.alloc(7));
  await vi.waitFor(() => expect(said).toEqual([5, 7]));
  call.end();
  expect(await ended).toMatchObject({ code: FAILED_PRECONDITION, details: 'enough' });
  expect(await open('o/x').ended).toMatchObject({
    code: NOT_FOUND,
    details: 'repository o/x is not tracking issues',
  });
});

test('what is no method of the service is UNIMPLEMENTED: TombstoneIssues is not for everyone', async () => {
  const { client } = await routerOf({ 'o/r': await workerOf({}) });
  const { code } = await new Promise<{ readonly code: number }>((resolve) => {
    client.makeUnaryRequest(
      '/maintner.internal.InternalIssueService/TombstoneIssues',
      same,
      same,
      Buffer.alloc(0),
      (error) => resolve(error as never),
    );
  });
  expect(code).toBe(UNIMPLEMENTED);
});

test('metrics count requests by method and status, never by repository', async () => {
  const { call, router } = await routerOf({ 'o/r': await workerOf({}) });
  await call('ListIssues', { parent: 'o/r' });
  await call('ListIssues', { parent: 'o/x' });
  const text = await (await fetch(`${router.http}/metrics`)).text();
  expect(text).toContain(
    'samovar_router_requests_total{method="/drghs.v1.IssueService/ListIssues",status="NOT_FOUND"} 1',
  );
  expect(text).toContain('samovar_router_repositories 1');
  expect(text).not.toContain('o/x');
});
