import { createServer, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer as createTcp, type Server } from 'node:net';
import grpc from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { routerOf, workerOf } from './routing.ts';

const { DEADLINE_EXCEEDED, INTERNAL, RESOURCE_EXHAUSTED, UNAVAILABLE, UNIMPLEMENTED, UNKNOWN } = grpc.status;
const OK = { ':status': 200, 'content-type': 'application/grpc' } as const;

/** A message of so many bytes, as gRPC frames it. */
function message(length: number, said = length): Buffer {
  const bytes = Buffer.alloc(5 + length);
  bytes.writeUInt32BE(said, 1);
  return bytes;
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function liar(answer: (stream: ServerHttp2Stream) => void): Promise<string> {
  const server = createServer();
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    stream.resume();
    answer(stream);
  });
  server.on('session', (session) => onTestFinished(() => session.destroy()));
  return listen(server);
}

function withTrailers(stream: ServerHttp2Stream, body: Buffer, trailers: Record<string, string>): void {
  stream.respond(OK, { waitForTrailers: true });
  stream.once('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(body);
}

const fine = { 'grpc-status': '0' };
const LIES: Readonly<Record<string, readonly [(stream: ServerHttp2Stream) => void, number, RegExp]>> = {
  'with no message at all': [(one) => withTrailers(one, Buffer.alloc(0), fine), UNKNOWN, /gave no answer/],
  'with half a message': [(one) => withTrailers(one, message(3, 9), fine), INTERNAL, /is no message/],
  'with two messages': [
    (one) => withTrailers(one, Buffer.concat([message(3), message(3)]), fine),
    INTERNAL,
    /is no message/,
  ],
  'with bytes that are nothing': [
    (one) => withTrailers(one, Buffer.from('<html>'), fine),
    INTERNAL,
    /is no message/,
  ],
  'without a status': [(one) => withTrailers(one, message(3), { x: 'y' }), INTERNAL, /is no gRPC/],
  'with a status that is no number': [
    (one) => withTrailers(one, message(3), { 'grpc-status': 'fine' }),
    INTERNAL,
    /is no gRPC/,
  ],
  'with a page of HTTP': [
    (one) => {
      one.respond({ ':status': 404, 'content-type': 'text/html' });
      one.end('<html>');
    },
    UNIMPLEMENTED,
    /HTTP status 404/,
  ],
  'and breaks off': [
    (one) => {
      one.respond(OK);
      one.write(message(3, 9));
      setImmediate(() => one.close(2));
    },
    INTERNAL,
    /broke off/,
  ],
};

test.each(Object.entries(LIES))(
  'a worker that answers %s is found out, and its repository is named',
  async (_, [lie, code, words]) => {
    const good = await workerOf({ GetIssue: () => ({ issue: { title: 'fine' } }) });
    const { call } = await routerOf({ 'o/lies': await liar(lie), 'o/fine': good });
    const answer = await call('GetIssue', { name: 'o/lies/issues/1' });
    expect(answer.code).toBe(code);
    expect(answer.details).toMatch(words);
    expect(answer.details).toContain('o/lies');
    expect(await call('GetIssue', { name: 'o/fine/issues/1' })).toMatchObject({ issue: { title: 'fine' } });
  },
);

test('a worker that never ends its answer is cut off where the limit is', async () => {
  let sent = 0;
  const worker = await liar((stream) => {
    stream.respond(OK);
    const more = () => {
      while (!stream.destroyed && stream.write(Buffer.alloc(16_384))) sent += 16_384;
    };
    stream.on('drain', more);
    more();
  });
  const { call } = await routerOf({ 'o/r': worker }, { limits: { answerBytesMax: 1_000_000 } });
  expect(await call('GetIssue', { name: 'o/r/issues/1' })).toMatchObject({ code: RESOURCE_EXHAUSTED });
  // What stands in windows and sockets may be more than the limit, and not much more.
  expect(sent).toBeLessThan(20_000_000);
});

test('a worker that sends a byte now and then ends with the deadline', async () => {
  const worker = await liar((stream) => {
    stream.respond(OK);
    const timer = setInterval(() => stream.destroyed || stream.write(Buffer.alloc(1)), 10);
    stream.once('close', () => clearInterval(timer));
  });
  const { call } = await routerOf({ 'o/r': worker }, { callMs: 200 });
  expect(await call('GetIssue', { name: 'o/r/issues/1' })).toEqual({
    code: DEADLINE_EXCEEDED,
    details: 'the worker of o/r did not answer in time',
  });
});

test('what is no HTTP/2 at all is no worker', async () => {
  const server = createTcp((socket) => {
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  });
  const { call } = await routerOf({ 'o/r': await listen(server) });
  expect(await call('GetIssue', { name: 'o/r/issues/1' })).toEqual({
    code: UNAVAILABLE,
    details: 'the worker of o/r cannot be reached: try again',
  });
});
