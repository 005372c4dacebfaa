import { describe, expect, it } from 'vitest';
import type { Bucket, ListPage } from '../../../pipeline/backends/bucket/contract.ts';
import { listAll } from '../../../pipeline/backends/bucket/list-all.ts';
import { compareNames } from '../../../pipeline/backends/bucket/order.ts';

/** A bucket whose list answers by a function of the token and the count of calls. */
function bucketOf(answer: (token: string | undefined, calls: number) => ListPage): {
  bucket: Bucket;
  calls: () => number;
} {
  let calls = 0;
  const unused = () => Promise.reject(new Error('not for this test'));
  const list: Bucket['list'] = async (_prefix, options = {}) => {
    calls += 1;
    if (calls > 10_000) throw new Error('listing for ever');
    return answer(options.pageToken, calls);
  };
  return {
    bucket: {
      url: 'gs://b',
      list,
      read: unused,
      stream: unused,
      write: unused,
      remove: async () => undefined,
      close: unused,
    },
    calls: () => calls,
  };
}

function page(names: readonly string[], nextPageToken?: string): ListPage {
  const objects = names.map((name) => ({ name, size: 0, generation: '1' }));
  return { objects, prefixes: [], ...(nextPageToken === undefined ? {} : { nextPageToken }) };
}

async function namesOf(bucket: Bucket): Promise<string[]> {
  const names: string[] = [];
  for await (const { objects } of listAll(bucket, 'p/')) names.push(...objects.map(({ name }) => name));
  return names;
}

describe('listAll', () => {
  it('goes on over empty pages that have a next one', async () => {
    const pages: Readonly<Record<string, ListPage>> = {
      '': page(['a'], '1'),
      1: page([], '2'),
      2: page([], '3'),
      3: page(['b']),
    };
    const { bucket } = bucketOf((token = '') => pages[token] ?? page([]));
    expect(await namesOf(bucket)).toEqual(['a', 'b']);
  });

  it.each([1, 2, 3, 7, 100])(
    'ends as malformed when %i page tokens of empty pages go round',
    async (length) => {
      const { bucket, calls } = bucketOf((token) => page([], String((Number(token ?? -1) + 1) % length)));
      await expect(namesOf(bucket)).rejects.toMatchObject({ code: 'malformed', subject: 'gs://b/p/' });
      expect(calls()).toBeLessThanOrEqual(3 * length + 3);
    },
  );

  it('ends as malformed when names go backwards under ever new tokens', async () => {
    const { bucket, calls } = bucketOf((_token, count) => page(['a', 'b'], `new-${count}`));
    await expect(namesOf(bucket)).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('"a"'),
    });
    expect(calls()).toBe(2);
  });

  it('lists thousands of pages with tokens of their own', async () => {
    const { bucket } = bucketOf((_token, count) =>
      page([`n${String(count).padStart(6, '0')}`], count < 5000 ? `t${count}` : undefined),
    );
    expect(await namesOf(bucket)).toHaveLength(5000);
  });

  it('names a prefix once that a server has split over pages', async () => {
    const { bucket } = bucketOf((token) => ({
      objects: [],
      prefixes: token === undefined ? ['a/', 'b/'] : ['b/', 'c/'],
      ...(token === undefined ? { nextPageToken: 't' } : {}),
    }));
    const prefixes: string[] = [];
    for await (const found of listAll(bucket, '', { delimited: true })) prefixes.push(...found.prefixes);
    expect(prefixes).toEqual(['a/', 'b/', 'c/']);
  });

  it('asks for nothing more than its reader takes', async () => {
    const { bucket, calls } = bucketOf((_token, count) => page([`n${count}`], `t${count}`));
    for await (const _ of listAll(bucket, '')) break;
    expect(calls()).toBe(1);
  });
});

describe('compareNames', () => {
  it('is the order of UTF-8 bytes, for every kind of character', () => {
    const characters = [
      '',
      'a',
      'b',
      'Z',
      '/',
      '-',
      '~',
      '\u007f',
      '\u0080',
      'é',
      '\u07ff',
      '\u0800',
      '日',
      '\ud7ff',
      '\ue000',
      '\uffee',
      '\uffff',
      '\u{10000}',
      '🔥',
      '\u{10ffff}',
    ];
    const names = characters.flatMap((first) => characters.map((second) => first + second));
    for (const a of names) {
      for (const b of names)
        expect(Math.sign(compareNames(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }
  });
});
