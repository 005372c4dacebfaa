import { expect, it } from 'vitest';
import type { Bucket, ListOptions } from '../../pipeline/backends/bucket/contract.ts';
import { all, BUILDS, byBytes, expectCode, HOSTILE, promised, readOf } from '../support/bucket-suite.ts';
import type { BucketGaps } from './bucket.ts';

/** Pages, offsets and what an item tells. */
export function testListing(bucket: () => Bucket, absentBucket: () => Bucket, gaps: BucketGaps): void {
  const names = async (prefix: string, options?: ListOptions) => (await all(bucket(), prefix, options)).names;

  it('lists 2,500 objects over several pages, each once and in byte order', async () => {
    const listed = await all(bucket(), 'many/', { pageSize: 700 });
    expect(listed.names).toEqual(Object.keys(BUILDS));
    expect(listed.pages).toBeGreaterThan(3);
    expect(await names('many/')).toEqual(Object.keys(BUILDS));
  });

  it('folds 2,500 builds into prefixes over several pages', async () => {
    const listed = await all(bucket(), 'many/', { delimited: true, pageSize: 700 });
    expect(listed.prefixes).toEqual(Object.keys(BUILDS).map((name) => name.replace('finished.json', '')));
    expect(listed.names).toEqual([]);
  });

  it('begins at startOffset, inclusive, with objects and with prefixes', async () => {
    expect(await names('many/', { startOffset: 'many/02498/finished.json' })).toEqual([
      'many/02498/finished.json',
      'many/02499/finished.json',
    ]);
    const { prefixes } = await all(bucket(), 'many/', { delimited: true, startOffset: 'many/02498/' });
    expect(prefixes).toEqual(['many/02498/', 'many/02499/']);
    expect((await all(bucket(), 'many/', { delimited: true, startOffset: 'many/02498/x' })).prefixes).toEqual(
      ['many/02499/'],
    );
    expect(await names('many/', { startOffset: 'many/9' })).toEqual([]);
  });

  it('ends before endOffset', async () => {
    expect(await names('many/', { endOffset: 'many/00001/finished.json' })).toEqual([
      'many/00000/finished.json',
    ]);
    const { prefixes } = await all(bucket(), 'many/', {
      delimited: true,
      startOffset: 'many/00007/',
      endOffset: 'many/00009/',
    });
    expect(prefixes).toEqual(['many/00007/', 'many/00008/']);
  });

  promised(gaps.missingBucket)('says so when the bucket itself does not exist', async () => {
    await expectCode(absentBucket().list(''), 'missing');
    expect(await absentBucket().read('r/text')).toBeUndefined();
  });

  it('answers an absent prefix with an empty page', async () => {
    expect(await bucket().list('absent/')).toEqual({ objects: [], prefixes: [] });
  });

  it('tells size, generation and time of each object', async () => {
    const [object] = (await bucket().list('r/text')).objects;
    const read = await readOf(bucket(), 'r/text');
    expect(object).toMatchObject({ name: 'r/text', size: 10, generation: read.generation });
    expect(object?.metadata).toBeUndefined();
    expect(object?.updatedMs).toBeTypeOf('number');
  });

  it('ends a list with aborted when its signal has', async () => {
    await expectCode(bucket().list('many/', { signal: AbortSignal.abort() }), 'aborted');
  });
}

/** Order, prefixes and names. */
export function testOrder(bucket: () => Bucket, gaps: BucketGaps): void {
  const names = async (prefix: string, options?: ListOptions) => (await all(bucket(), prefix, options)).names;

  it('sorts by bytes, where a dash stands before a slash', async () => {
    expect(await names('order/')).toEqual([
      'order/a-b',
      'order/a.b',
      'order/a/b',
      'order/a/c/d',
      'order/a0',
      'order/b',
    ]);
    const page = await bucket().list('order/', { delimited: true });
    expect(page.objects.map(({ name }) => name)).toEqual(['order/a-b', 'order/a.b', 'order/a0', 'order/b']);
    expect(page.prefixes).toEqual(['order/a/']);
  });

  it('takes a prefix that ends inside a name', async () => {
    expect(await names('order/a')).toEqual([
      'order/a-b',
      'order/a.b',
      'order/a/b',
      'order/a/c/d',
      'order/a0',
    ]);
    expect(await names('many/0249')).toHaveLength(10);
    const page = await bucket().list('order', { delimited: true });
    expect([page.objects, page.prefixes]).toEqual([[], ['order/']]);
  });

  it('lists hostile names as they are', async () => {
    expect((await names('h/')).toSorted()).toEqual(HOSTILE.toSorted());
  });

  promised(gaps.unicodeOrder)('sorts hostile names by their UTF-8 bytes', async () => {
    expect(await names('h/')).toEqual(byBytes(HOSTILE));
  });

  it('goes on from a page token of one name a page', async () => {
    const listed = await all(bucket(), 'order/', { delimited: true, pageSize: 1 });
    expect(listed.names).toEqual(['order/a-b', 'order/a.b', 'order/a0', 'order/b']);
    expect(listed.prefixes).toEqual(['order/a/']);
  });

  it('filters by matchGlob at most: what matches is there', async () => {
    const listed = await names('order/', { matchGlob: 'order/a/**' });
    expect(listed).toEqual(expect.arrayContaining(['order/a/b', 'order/a/c/d']));
  });
}
