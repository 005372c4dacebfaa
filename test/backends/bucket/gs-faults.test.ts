import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Bucket, RequestEvent } from '../../../pipeline/backends/bucket/contract.ts';
import { openBucket } from '../../../pipeline/backends/bucket/index.ts';
import { listAll } from '../../../pipeline/backends/bucket/list-all.ts';
import { describeError, type ErrorCode, SamovarError } from '../../../pipeline/errors.ts';
import { type Fault, type GcsServer, startGcsServer } from '../../support/gcs-server.ts';

const TIMEOUT_MS = 250;
const SOCKETS = 3;
const BODY = 'x'.repeat(10_000);

let server: GcsServer;
let bucket: Bucket;
/** For what must succeed, however busy the machine is. */
let patient: Bucket;
const events: RequestEvent[] = [];
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);

beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled);
  server = await startGcsServer({
    objects: { 'some-bucket/dir/a': BODY, 'some-bucket/dir/b': 'b', 'some-bucket/c': 'c' },
  });
  const onRequest = (event: RequestEvent) => events.push(event);
  const options = { connections: SOCKETS, endpoint: server.endpoint, onRequest };
  bucket = openBucket('gs://some-bucket', { ...options, timeoutMs: TIMEOUT_MS });
  patient = openBucket('gs://some-bucket', { ...options, timeoutMs: 20_000 });
});

afterEach(async () => {
  // Whatever went wrong: all sockets are free again, and no promise was forgotten.
  server.setFaults(undefined);
  const reads = await Promise.all(
    Array.from({ length: 2 * SOCKETS }, () => bucket.read('dir/b', { timeoutMs: 20_000 })),
  );
  expect(reads.every((read) => typeof read === 'object')).toBe(true);
  expect(unhandled).toEqual([]);
});

afterAll(async () => {
  process.off('unhandledRejection', onUnhandled);
  await bucket.close();
  await patient.close();
  await server.close();
});

type Call = 'list' | 'read' | 'stream' | 'write';

const CALLS: Readonly<Record<Call, () => Promise<unknown>>> = {
  list: () => bucket.list(''),
  read: () => bucket.read('dir/a'),
  stream: async () => {
    const stream = await bucket.stream('dir/a');
    for await (const _ of stream?.body ?? []);
  },
  write: () => bucket.write('w', Buffer.from('w')),
};

const STATUSES: readonly [number, ErrorCode][] = [
  [400, 'refused'],
  [401, 'denied'],
  [403, 'denied'],
  [408, 'unavailable'],
  [410, 'missing'],
  [412, 'conflict'],
  [429, 'throttled'],
  [500, 'unavailable'],
  [502, 'unavailable'],
  [503, 'unavailable'],
  [504, 'unavailable'],
];

const ALL: readonly Call[] = ['list', 'read', 'stream', 'write'];
const GETS: readonly Call[] = ['list', 'read', 'stream'];
const CASES: readonly [string, Fault, ErrorCode, readonly Call[]][] = [
  ...STATUSES.map(([status, code]): [string, Fault, ErrorCode, readonly Call[]] => [
    String(status),
    { kind: 'status', status },
    code,
    ALL,
  ]),
  ['a stall before the headers', { kind: 'stall' }, 'timeout', ALL],
  ['a stall in the body', { kind: 'stall-body' }, 'timeout', GETS],
  ['a reset', { kind: 'reset' }, 'network', ALL],
  ['a reset in the body', { kind: 'reset-body' }, 'network', GETS],
  ['a body shorter than its Content-Length', { kind: 'short-body' }, 'network', GETS],
  ['a body cut where there is no Content-Length', { kind: 'cut-body' }, 'network', ['read', 'stream']],
  ['HTML with status 200', { kind: 'html' }, 'unavailable', GETS],
  ['truncated JSON', { kind: 'truncated-json' }, 'unavailable', ['list']],
  ['sizes that are no numbers', { kind: 'lie-sizes', factor: Number.NaN }, 'malformed', ['list']],
];

describe('gs: each fault has its code, within the deadline', () => {
  for (const [name, fault, code, calls] of CASES) {
    it.each(calls)(`${name}: %s ends as ${code}`, async (call) => {
      server.setFaults(() => fault);
      const error = await failureOf(CALLS[call]());
      expect(describeError(error)).toContain('gs://some-bucket/');
      expect(error.code).toBe(code);
    });
  }

  it('many stalled at once cost one deadline together, not one each', async () => {
    server.setFaults(() => ({ kind: 'stall' }));
    const started = performance.now();
    const errors = await Promise.all(Array.from({ length: 40 }, () => failureOf(bucket.read('dir/a'))));
    expect(errors.every(({ code }) => code === 'timeout')).toBe(true);
    // One each would be 13 deadlines.
    expect(performance.now() - started).toBeLessThan(6 * TIMEOUT_MS);
  });

  it('a slow body that keeps coming is no timeout', async () => {
    server.setFaults(() => ({ kind: 'trickle', everyMs: 60 }));
    server.put('some-bucket/slow', 'slow bytes');
    const started = performance.now();
    expect(await bucket.read('slow')).toMatchObject({ bytes: Buffer.from('slow bytes') });
    expect(performance.now() - started).toBeGreaterThan(1.5 * TIMEOUT_MS);
  });

  it('an unknown host and a closed port are network errors', async () => {
    const closed = openBucket('gs://some-bucket', {
      timeoutMs: 2000,
      connections: 1,
      endpoint: 'http://127.0.0.1:9',
    });
    expect((await failureOf(closed.read('a'))).code).toBe('network');
    expect((await failureOf(closed.list(''))).code).toBe('network');
    expect((await failureOf(closed.write('a', Buffer.from('x')))).code).toBe('network');
    await closed.close();
  });
});

describe('gs: aborting', () => {
  it.each(ALL)('%s ends at once and not at the deadline', async (call) => {
    server.setFaults(() => ({ kind: 'stall' }));
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('SIGTERM')), 30);
    const options = { signal: stop.signal, timeoutMs: 20_000 };
    const calls = {
      list: () => bucket.list('', options),
      read: () => bucket.read('dir/a', options),
      stream: () => bucket.stream('dir/a', options),
      write: () => bucket.write('w', Buffer.from('w'), options),
    };
    expect((await failureOf(calls[call](), 5000)).code).toBe('aborted');
  });

  it('ends a body that is being streamed', async () => {
    server.setFaults(() => ({ kind: 'endless-body' }));
    const stop = new AbortController();
    const stream = await bucket.stream('dir/a', { signal: stop.signal, timeoutMs: 20_000 });
    const read = async () => {
      for await (const _ of stream?.body ?? []) stop.abort();
    };
    expect((await failureOf(read())).code).toBe('aborted');
  });
});

describe('gs: limits', () => {
  it('stops an endless body at bytesMax', async () => {
    server.setFaults(() => ({ kind: 'endless-body' }));
    const error = await failureOf(patient.read('dir/a', { bytesMax: 100_000 }));
    expect(error.code).toBe('too-large');
  });

  it('stops an endless error page', async () => {
    server.setFaults(() => undefined);
    server.put('some-bucket/late', 'x');
    server.setFaults(() => ({ kind: 'status', status: 500, body: 'x'.repeat(1_000_000) }));
    const error = await failureOf(patient.read('late'));
    expect(error.code).toBe('unavailable');
    expect(error.message.length).toBeLessThan(500);
  });

  it('refuses a gzip bomb without unpacking it', async () => {
    server.put('some-bucket/bomb', gzipSync(Buffer.alloc(50_000_000)), { contentEncoding: 'gzip' });
    const before = process.memoryUsage().arrayBuffers;
    expect((await failureOf(patient.read('bomb', { bytesMax: 1_000_000 }))).code).toBe('too-large');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
  });

  it('refuses more calls than can ever wait, instead of queueing without end', async () => {
    server.setFaults(() => ({ kind: 'stall' }));
    const errors = await Promise.all(
      Array.from({ length: SOCKETS * 257 + 1 }, () => failureOf(bucket.read('dir/a'))),
    );
    expect(errors.filter(({ code }) => code === 'internal')).toHaveLength(1);
  });

  it('keeps to its sockets, and uses them all', async () => {
    const other = await startGcsServer({ objects: { 'some-bucket/a': 'a' }, latencyMs: 20 });
    const options = { timeoutMs: 10_000, connections: SOCKETS, endpoint: other.endpoint };
    const limited = openBucket('gs://some-bucket', options);
    await Promise.all(Array.from({ length: 30 }, () => limited.read('a')));
    expect(other.connections()).toBe(SOCKETS);
    await limited.close();
    await other.close();
  });
});

describe('gs: what a server says and means', () => {
  it('undoes Content-Encoding gzip, whole and streamed', async () => {
    const plain = 'line\n'.repeat(100_000);
    server.put('some-bucket/gz', gzipSync(plain), { contentEncoding: 'gzip' });
    const read = await patient.read('gz', { bytesMax: plain.length });
    expect(typeof read === 'object' && Buffer.from(read.bytes).toString() === plain).toBe(true);
    const chunks: Uint8Array[] = [];
    for await (const chunk of (await patient.stream('gz'))?.body ?? []) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString() === plain).toBe(true);
    expect((await patient.list('gz')).objects[0]?.size).toBe(gzipSync(plain).length);
  });

  it.each<[string, Buffer]>([
    ['that is none', Buffer.from('plain text')],
    ['that is cut off', gzipSync('x'.repeat(100_000)).subarray(0, 80)],
  ])('tells a gzip object %s as malformed', async (_name, bytes) => {
    server.put('some-bucket/not-gz', bytes, { contentEncoding: 'gzip' });
    expect((await failureOf(patient.read('not-gz'))).code).toBe('malformed');
    const read = async () => {
      for await (const _ of (await patient.stream('not-gz'))?.body ?? []);
    };
    expect((await failureOf(read())).code).toBe('malformed');
  });

  it('reads the object as it is when the list lied about its size', async () => {
    server.setFaults((request) =>
      request.kind === 'list' ? { kind: 'lie-sizes', factor: 1000 } : undefined,
    );
    expect((await patient.list('c')).objects[0]?.size).toBe(1000);
    expect(await patient.read('c', { bytesMax: 1 })).toMatchObject({ bytes: Buffer.from('c') });
  });

  it('does not list for ever when the page token repeats', async () => {
    server.setFaults(() => ({ kind: 'repeat-token', token: 'AAAA' }));
    const pages = async () => {
      for await (const _ of listAll(patient, ''));
    };
    expect((await failureOf(pages())).code).toBe('malformed');
  });

  it('gives Retry-After in seconds and as a date, against the server clock', async () => {
    server.setFaults(() => ({ kind: 'status', status: 429, retryAfter: '7' }));
    expect((await failureOf(patient.read('c'))).retryAfterMs).toBe(7000);
    server.setFaults(() => ({
      kind: 'status',
      status: 503,
      retryAfter: new Date(1_700_000_009_000).toUTCString(),
    }));
    expect((await failureOf(patient.list(''))).retryAfterMs).toBe(9000);
    server.setFaults(() => ({ kind: 'status', status: 503, retryAfter: '99999999' }));
    expect((await failureOf(patient.list(''))).retryAfterMs).toBe(600_000);
    server.setFaults(() => ({ kind: 'status', status: 503, retryAfter: 'soon' }));
    expect((await failureOf(patient.list(''))).retryAfterMs).toBeUndefined();
  });

  it('quotes the words of the server, on one line, and says what to do about a refusal', async () => {
    const body = JSON.stringify({ error: { code: 403, message: 'no access\nto\u001b[31m this' } });
    server.setFaults(() => ({ kind: 'status', status: 403, body }));
    const error = await failureOf(patient.read('dir/a'));
    expect(error).toMatchObject({ subject: 'gs://some-bucket/dir/a', status: 403 });
    expect(error.message).toBe('gs://some-bucket/dir/a: the server answered 403 (no access to [31m this)');
    expect(error.remedy).toContain('GOOGLE_APPLICATION_CREDENTIALS');
  });

  it('tells each request once, with its kind, status and bytes', async () => {
    events.length = 0;
    await patient.list('');
    await patient.read('dir/a');
    await patient.read('absent');
    for await (const _ of (await patient.stream('dir/a'))?.body ?? []);
    await patient.write('w', Buffer.from('four'));
    server.setFaults(() => ({ kind: 'reset' }));
    await failureOf(patient.read('dir/a'));
    expect(events.map(({ kind, status }) => [kind, status])).toEqual([
      ['list', 200],
      ['read', 200],
      ['read', 404],
      ['read', 200],
      ['write', 200],
      ['read', 0],
    ]);
    expect(events.map(({ bytes }) => bytes).slice(1)).toEqual([10_000, expect.any(Number), 10_000, 4, 0]);
    expect(events.every(({ durationMs }) => durationMs >= 0 && durationMs < 5000)).toBe(true);
  });
});

/** The SamovarError a call ends with, within a few deadlines. */
async function failureOf(call: Promise<unknown>, withinMs = 5000): Promise<SamovarError> {
  const started = performance.now();
  const error = await call.then(
    (value) => new Error(`succeeded: ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  expect(performance.now() - started).toBeLessThan(withinMs);
  if (!(error instanceof SamovarError)) throw error;
  return error;
}
