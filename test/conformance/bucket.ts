import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bucket } from '../../pipeline/backends/bucket/contract.ts';
import {
  all,
  BUILDS,
  collected,
  expectCode,
  HOSTILE,
  promised,
  readOf,
  streamOf,
  text,
} from '../support/bucket-suite.ts';
import { testListing, testOrder } from './bucket-listing.ts';

export interface BucketUnderTest {
  readonly bucket: Bucket;
  /** One of the same kind that does not exist. */
  readonly absentBucket: Bucket;
  /** Puts objects into the bucket by other means than the driver. */
  seed(objects: Readonly<Record<string, string>>): Promise<void>;
  close(): Promise<void>;
}

/** What a server or file system cannot do, each with its reason. The test concerned must then fail, so that no flag outlives its gap. */
export interface BucketGaps {
  /** A name is both an object and a prefix of others; names end in a slash or hold two. */
  readonly anyName?: string;
  /** Write with ifGeneration. */
  readonly preconditions?: string;
  /** Remove with ifGeneration. */
  readonly removal?: string;
  readonly metadata?: string;
  /** The server sorts in another order than that of UTF-8 bytes outside of ASCII. */
  readonly unicodeOrder?: string;
  readonly missingBucket?: string;
}

/** What every bucket driver promises: each sentence of contract.ts. A new driver is done when this passes for it. */
export function testBucket(
  driver: string,
  open: () => Promise<BucketUnderTest>,
  gaps: BucketGaps = {},
): void {
  describe(`bucket: ${driver}`, () => {
    let under: BucketUnderTest;
    beforeAll(async () => {
      under = await open();
      await under.seed({
        ...BUILDS,
        ...Object.fromEntries(HOSTILE.map((name) => [name, name])),
        'order/a-b': '1',
        'order/a.b': '2',
        'order/a/b': '3',
        'order/a/c/d': '4',
        'order/a0': '5',
        'order/b': '6',
        'empty/none': '',
        'r/text': 'some bytes',
      });
    });
    afterAll(() => under?.close());
    const bucket = () => under.bucket;
    testListing(bucket, () => under.absentBucket, gaps);
    testOrder(bucket, gaps);
    testReading(bucket);
    testWriting(bucket);
    testConditions(bucket, gaps);
  });
}

function testReading(bucket: () => Bucket): void {
  it('reads whole objects, hostile names and empty ones too', async () => {
    for (const name of HOSTILE) expect(text(await readOf(bucket(), name))).toBe(name);
    expect((await readOf(bucket(), 'empty/none')).bytes).toHaveLength(0);
  });

  it('answers undefined for what does not exist, prefixes too', async () => {
    for (const name of ['absent', 'order/a/zzz', 'order/b/under-a-file', 'many/00000']) {
      expect(await bucket().read(name), name).toBeUndefined();
      expect(await bucket().stream(name), name).toBeUndefined();
    }
  });

  it('answers unchanged for the generation it gave, and the bytes for another', async () => {
    const { generation } = await readOf(bucket(), 'r/text');
    expect(await bucket().read('r/text', { unlessGeneration: generation })).toBe('unchanged');
    expect(text(await bucket().read('r/text', { unlessGeneration: '12345' }))).toBe('some bytes');
    expect(await bucket().read('absent', { unlessGeneration: generation })).toBeUndefined();
  });

  it('reads up to bytesMax and refuses one byte more', async () => {
    expect(text(await bucket().read('r/text', { bytesMax: 10 }))).toBe('some bytes');
    await expectCode(bucket().read('r/text', { bytesMax: 9 }), 'too-large');
    expect(text(await bucket().read('empty/none', { bytesMax: 0 }))).toBe('');
  });

  it('streams the same bytes and generation as it reads', async () => {
    const stream = await streamOf(bucket(), 'r/text');
    expect((await collected(stream)).toString()).toBe('some bytes');
    expect(stream.generation).toBe((await readOf(bucket(), 'r/text')).generation);
    expect(await collected(await streamOf(bucket(), 'empty/none'))).toHaveLength(0);
  });

  it('can be left in the middle of a stream, and read again', async () => {
    await bucket().write('s/large', Buffer.alloc(4_000_000, 'x'));
    for (let i = 0; i < 12; i += 1) for await (const _ of (await streamOf(bucket(), 's/large')).body) break;
    expect(await collected(await streamOf(bucket(), 's/large'))).toHaveLength(4_000_000);
  });

  it('ends reads with aborted when their signal has', async () => {
    await expectCode(bucket().read('r/text', { signal: AbortSignal.abort() }), 'aborted');
    await expectCode(bucket().stream('r/text', { signal: AbortSignal.abort() }), 'aborted');
  });

  it('reads in parallel, more at once than it has sockets', async () => {
    const names = Object.keys(BUILDS).slice(0, 200);
    const read = await Promise.all(names.map((name) => bucket().read(name)));
    expect(read.map(text)).toEqual(names.map((name) => BUILDS[name]));
  });
}

function testWriting(bucket: () => Bucket): void {
  it('creates and replaces, with a new generation each time', async () => {
    const generations = [];
    for (const content of ['one', 'two', 'six'])
      generations.push(await bucket().write('w/object', Buffer.from(content)));
    expect(new Set(generations).size).toBe(3);
    const read = await readOf(bucket(), 'w/object');
    expect([text(read), read.generation]).toEqual(['six', generations[2]]);
    expect((await bucket().list('w/object')).objects.map(({ generation }) => generation)).toEqual([
      generations[2],
    ]);
  });

  it('writes hostile names, empty objects and 20 MB as they are', async () => {
    for (const name of HOSTILE) await bucket().write(`w/${name}`, Buffer.from(name));
    for (const name of HOSTILE) expect(text(await bucket().read(`w/${name}`))).toBe(name);
    await bucket().write('w/empty', Buffer.alloc(0));
    expect((await readOf(bucket(), 'w/empty')).bytes).toHaveLength(0);
    const large = Buffer.alloc(20_000_000, 'sixteen bytes...');
    await bucket().write('w/large', large);
    expect(Buffer.compare((await readOf(bucket(), 'w/large')).bytes, large)).toBe(0);
  });

  it('writes nothing when its signal has aborted', async () => {
    await expectCode(
      bucket().write('w/aborted', Buffer.from('x'), { signal: AbortSignal.abort() }),
      'aborted',
    );
    expect(await bucket().read('w/aborted')).toBeUndefined();
  });
}

function testConditions(bucket: () => Bucket, gaps: BucketGaps): void {
  it('removes an object, and one that is not there is no error', async () => {
    await bucket().write('w/gone', Buffer.from('1'));
    await bucket().remove('w/gone');
    expect(await bucket().read('w/gone')).toBeUndefined();
    expect((await bucket().list('w/gone')).objects).toEqual([]);
    await bucket().remove('w/gone');
    await bucket().remove('w/never/was', { ifGeneration: '1' });
  });

  promised(gaps.removal)('removes only the generation that was named', async () => {
    const first = await bucket().write('w/kept', Buffer.from('1'));
    const second = await bucket().write('w/kept', Buffer.from('2'));
    await expectCode(bucket().remove('w/kept', { ifGeneration: first }), 'conflict');
    expect(await bucket().read('w/kept')).toMatchObject({ generation: second });
    await bucket().remove('w/kept', { ifGeneration: second });
    expect(await bucket().read('w/kept')).toBeUndefined();
  });

  promised(gaps.preconditions)('creates once with ifGeneration 0, even when ten try', async () => {
    const tries = Array.from({ length: 10 }, (_, i) =>
      bucket().write('w/once', Buffer.from(`try ${i}`), { ifGeneration: '0' }),
    );
    const settled = await Promise.allSettled(tries);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of settled)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'conflict' });
    const winner = settled.findIndex(({ status }) => status === 'fulfilled');
    expect(text(await bucket().read('w/once'))).toBe(`try ${winner}`);
  });

  promised(gaps.preconditions)('replaces only the generation it was told', async () => {
    const first = await bucket().write('w/guarded', Buffer.from('1'));
    const second = await bucket().write('w/guarded', Buffer.from('2'), { ifGeneration: first });
    await expectCode(bucket().write('w/guarded', Buffer.from('3'), { ifGeneration: first }), 'conflict');
    await expectCode(bucket().write('w/not-there', Buffer.from('3'), { ifGeneration: first }), 'conflict');
    expect(await readOf(bucket(), 'w/guarded')).toMatchObject({ generation: second });
  });

  promised(gaps.metadata)('keeps custom metadata and lists it when asked', async () => {
    await bucket().write('w/meta/1.txt', Buffer.from('x'), { metadata: { link: ' gs://b/pr/1' } });
    await bucket().write('w/meta/2.txt', Buffer.from('x'));
    const [linked, plain] = (await bucket().list('w/meta/', { metadata: true })).objects;
    expect(linked?.metadata).toMatchObject({ link: ' gs://b/pr/1' });
    expect(plain?.metadata?.link).toBeUndefined();
    expect((await bucket().list('w/meta/')).objects[0]?.metadata).toBeUndefined();
  });

  promised(gaps.anyName)('keeps a name that is also a prefix, and names with empty parts', async () => {
    for (const name of ['any/x', 'any/x/y', 'any/x//z', 'any/dir/'])
      await bucket().write(name, Buffer.from(name));
    expect((await all(bucket(), 'any/', { pageSize: 1 })).names).toEqual([
      'any/dir/',
      'any/x',
      'any/x//z',
      'any/x/y',
    ]);
    expect((await all(bucket(), 'any/', { delimited: true })).prefixes).toEqual(['any/dir/', 'any/x/']);
    expect(text(await bucket().read('any/dir/'))).toBe('any/dir/');
  });
}
