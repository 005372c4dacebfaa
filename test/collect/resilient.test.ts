import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../pipeline/backends/bucket/contract.ts';
import { openBucket } from '../../pipeline/backends/bucket/index.ts';
import { RETRY_DEFAULTS, resilientBucket } from '../../pipeline/collect/resilient.ts';
import { type Fault, type GcsRequest, type GcsServer, startGcsServer } from '../support/gcs-server.ts';

let server: GcsServer;
let bucket: Bucket;
let waits: number[];

beforeEach(async () => {
  server = await startGcsServer({
    objects: { 'some-bucket/a': 'bytes of a', 'some-bucket/b': 'bytes of b' },
  });
  waits = [];
  const driver = openBucket('gs://some-bucket', {
    timeoutMs: 300,
    connections: 2,
    endpoint: server.endpoint,
  });
  bucket = resilientBucket(driver, {
    ...RETRY_DEFAULTS,
    random: () => 0,
    clock: () => 0,
    sleep: async (ms) => {
      waits.push(ms);
    },
  });
});

afterEach(async () => {
  await bucket.close();
  await server.close();
});

function failFirst(times: number, fault: Fault) {
  server.setFaults((_request: GcsRequest, n: number) => (n <= times ? fault : undefined));
}

describe('resilientBucket over a server that recovers', () => {
  it.each<[string, Fault]>([
    ['503', { kind: 'status', status: 503 }],
    ['408', { kind: 'status', status: 408 }],
    ['a reset', { kind: 'reset' }],
    ['a reset in the body', { kind: 'reset-body' }],
    ['a stall', { kind: 'stall' }],
    ['a proxy that answers HTML', { kind: 'html' }],
  ])('lists and reads after %s', async (_name, fault) => {
    failFirst(2, fault);
    expect((await bucket.list('')).objects.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(await bucket.read('a')).toMatchObject({ bytes: Buffer.from('bytes of a') });
    expect(server.requests).toEqual({ list: 3, read: 3, write: 0 });
    expect(waits).toHaveLength(4);
  });

  it('waits as long as a 429 says', async () => {
    failFirst(1, { kind: 'status', status: 429, retryAfter: '7' });
    await bucket.read('a');
    expect(waits).toEqual([7000]);
  });

  it('asks for a stream again until its body begins', async () => {
    failFirst(3, { kind: 'status', status: 500 });
    const stream = await bucket.stream('a');
    const chunks: Uint8Array[] = [];
    for await (const chunk of stream?.body ?? []) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('bytes of a');
    expect(server.requests.read).toBe(4);
  });

  it('hands a body that breaks to the reader, who must begin again', async () => {
    failFirst(1, { kind: 'reset-body' });
    const stream = await bucket.stream('a');
    const read = async () => {
      for await (const _ of stream?.body ?? []);
    };
    await expect(read()).rejects.toMatchObject({ code: 'network' });
    expect(server.requests.read).toBe(1);
  });

  it('takes 404, 403 and unchanged as they come, in one request', async () => {
    expect(await bucket.read('absent')).toBeUndefined();
    const generation = server.get('some-bucket/a')?.generation ?? '';
    expect(await bucket.read('a', { unlessGeneration: generation })).toBe('unchanged');
    server.setFaults(() => ({ kind: 'status', status: 403 }));
    await expect(bucket.read('a')).rejects.toMatchObject({ code: 'denied' });
    expect(server.requests.read).toBe(3);
  });
});

describe('resilientBucket writing', () => {
  it('writes again after a failure, the same bytes', async () => {
    failFirst(2, { kind: 'status', status: 503 });
    await bucket.write('new', Buffer.from('content'));
    expect(server.get('some-bucket/new')?.bytes.toString()).toBe('content');
    expect(server.requests.write).toBe(3);
  });

  it('knows its own object when the answer to a create was lost', async () => {
    // The read that looks whose object it is fails once too.
    failFirst(1, { kind: 'reset' });
    const generation = await bucket.write('new', Buffer.from('content'), { ifGeneration: '0' });
    expect(server.get('some-bucket/new')?.generation).toBe(generation);
    expect(server.requests).toEqual({ list: 0, read: 2, write: 3 });
  });

  it.each(['CONTENT', 'something longer'])(
    'does not take %j of somebody else for its own',
    async (foreign) => {
      server.setFaults((request) => {
        if (request.kind !== 'write') return undefined;
        server.setFaults(undefined);
        server.put('some-bucket/new', foreign);
        return { kind: 'status', status: 503 };
      });
      await expect(bucket.write('new', Buffer.from('content'), { ifGeneration: '0' })).rejects.toMatchObject({
        code: 'conflict',
      });
      expect(server.get('some-bucket/new')?.bytes.toString()).toBe(foreign);
    },
  );

  it('takes a conflict at the first attempt as it is, same bytes or not', async () => {
    await expect(bucket.write('a', Buffer.from('bytes of a'), { ifGeneration: '0' })).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(server.requests).toEqual({ list: 0, read: 0, write: 1 });
  });
});
