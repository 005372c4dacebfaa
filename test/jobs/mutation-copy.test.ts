import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Bucket } from '../../pipeline/backends/bucket/contract.ts';
import { copyLog } from '../../pipeline/jobs/mutation-copy.ts';
import { holdLog } from '../../pipeline/jobs/mutation-copy-hold.ts';
import { placeOfTemplate, repoHash } from '../../pipeline/jobs/mutation-copy-names.ts';
import { openBucketLog } from '../../pipeline/mutation-log/bucket-log.ts';
import { issueMutation } from '../support/corpus.ts';
import { fileBucket, hexOf, namesIn, payloadsOf, writeLog } from '../support/mutation-logs.ts';
import { NOW_MS } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();
const nowMs = () => NOW_MS;
const titles = (...all: readonly string[]) => all.map((title, at) => issueMutation(at + 1, { title }));
/** Two records of these make a segment. */
const segmentBytesMax = 50;

let counter = 0;
function places() {
  counter += 1;
  const from = { bucket: fileBucket(folder, `from-${counter}`), prefix: 'mtr/' };
  const to = { bucket: fileBucket(folder, `to-${counter}`), prefix: 'o/r/' };
  const write = (place: { bucket: Bucket; prefix: string }, ...all: readonly string[]) =>
    writeLog({ ...place, folder, segmentBytesMax }, titles(...all));
  return { from, to, write };
}

const hashesOf = async ({ bucket, prefix }: { bucket: Bucket; prefix: string }) =>
  (await openBucketLog(bucket, prefix).segments()).map(({ sha224 }) => sha224);

describe('names', () => {
  test('the hash of a repository is the one that maintner names its buckets after', () => {
    expect(repoHash({ owner: 'foo', name: 'bar' })).toBe(
      '9bec779ac30c3c91e5e8055c0f5cb25f39ed7ce0ecb5f9a8f64fdab0',
    );
    expect(repoHash({ owner: 'foo.com', name: 'bar' })).toBe(
      '44610f96da7a230fc7b41ee569ca88d47ff9cf2c723c936ca7a84014',
    );
    expect(repoHash({ owner: 'foo', name: 'foo:bar' })).toBe(
      '98260423ee830fd047446b610c3ea2a5e0246de54e0c3ddc49e5e9f7',
    );
  });

  test.each([
    ['gs://mtr-b-{hash}/', 'gs://mtr-b-9bec779ac30c3c91e5e8055c0f5cb25f39ed7ce0ecb5f9a8f64fdab0', ''],
    ['gs://logs/{owner}/{repo}/', 'gs://logs', 'foo/bar/'],
    ['gs://logs/old/{owner}-{repo}', 'gs://logs', 'old/foo-bar/'],
    ['file:data/logs/{owner}/{repo}/', 'file:data', 'logs/foo/bar/'],
    ['file:///srv/logs/{owner}/{repo}', 'file:///srv', 'logs/foo/bar/'],
    ['file:{owner}/{repo}/', 'file:.', 'foo/bar/'],
  ])('%s is a place', (template, bucketUrl, prefix) => {
    expect(placeOfTemplate(template, { owner: 'foo', name: 'bar' })).toEqual({ bucketUrl, prefix });
  });

  test.each(['gs://logs/', 'gs://logs/{repo}/', 'gs://logs/{name}/', 's3://logs/{hash}/'])(
    '%s is refused',
    (template) => {
      expect(() => placeOfTemplate(template, { owner: 'foo', name: 'bar' })).toThrow(/cannot use/);
    },
  );
});

describe('a copy', () => {
  test('has the same segments; a second one copies nothing and writes nothing', async () => {
    const { from, to, write } = places();
    await write(from, 'a', 'b', 'c', 'd', 'e');
    const source = await hashesOf(from);
    expect(source.length).toBeGreaterThan(2);
    expect(await copyLog(from, to, { nowMs })).toMatchObject({
      state: 'new',
      segments: source.length,
      known: 0,
    });
    expect(await hashesOf(to)).toEqual(source);
    expect(await payloadsOf(to.bucket, to.prefix)).toEqual(hexOf(titles('a', 'b', 'c', 'd', 'e')));
    const before = (await to.bucket.list('')).objects;
    expect(await copyLog(from, to, { nowMs })).toMatchObject({ state: 'same', segments: 0 });
    expect((await to.bucket.list('')).objects).toEqual(before);
  });

  test('goes on where the source has grown, its last segment too', async () => {
    const { from, to, write } = places();
    await write(from, 'a', 'b', 'c');
    await copyLog(from, to, { nowMs });
    await write(from, 'd', 'e');
    const { state, known, segments } = await copyLog(from, to, { nowMs });
    expect([state, known + segments]).toEqual(['behind', (await hashesOf(from)).length]);
    expect(known).toBeGreaterThan(0);
    expect(await payloadsOf(to.bucket, to.prefix)).toEqual(await payloadsOf(from.bucket, from.prefix));
    expect((await namesIn(to.bucket)).filter((name) => name.endsWith('.mutlog'))).toHaveLength(
      known + segments,
    );
  });

  test('can be written on, and is then ahead of its source and left alone', async () => {
    const { from, to, write } = places();
    await write(from, 'a', 'b', 'c');
    await copyLog(from, to, { nowMs });
    await write(to, 'x', 'y', 'z');
    expect(await copyLog(from, to, { nowMs })).toMatchObject({ state: 'ahead', segments: 0 });
    expect(await payloadsOf(to.bucket, to.prefix)).toEqual(
      hexOf([...titles('a', 'b', 'c'), ...titles('x', 'y', 'z')]),
    );
  });

  test('goes on after a stop: what was copied then is not written again', async () => {
    const { from, to, write } = places();
    await write(from, 'a', 'b', 'c', 'd', 'e');
    const written: string[] = [];
    const dying = (writesMax: number): Bucket => ({
      ...to.bucket,
      write: async (name, bytes, options) => {
        if (name.endsWith('.mutlog') && written.length === writesMax) throw new Error('killed');
        if (name.endsWith('.mutlog')) written.push(name);
        return to.bucket.write(name, bytes, options);
      },
    });
    await expect(copyLog(from, { ...to, bucket: dying(1) }, { nowMs })).rejects.toThrow('killed');
    const result = await copyLog(from, { ...to, bucket: dying(100) }, { nowMs });
    expect(result.state).toBe('new');
    expect(written).toHaveLength((await hashesOf(from)).length);
    expect(await hashesOf(to)).toEqual(await hashesOf(from));
  });

  test('of a dry run writes nothing', async () => {
    const { from, to, write } = places();
    await write(from, 'a', 'b', 'c');
    expect(await copyLog(from, to, { nowMs, dryRun: true })).toMatchObject({ state: 'new' });
    expect(await namesIn(to.bucket).catch(() => [])).toEqual([]);
  });
});

describe('a destination', () => {
  test('with other records is refused; with replace they are archived first', async () => {
    const { from, to, write } = places();
    await write(from, 'a', 'b', 'c');
    await write(to, 'other', 'records');
    await expect(copyLog(from, to, { nowMs })).rejects.toMatchObject({ code: 'conflict' });
    expect(await payloadsOf(to.bucket, to.prefix)).toEqual(hexOf(titles('other', 'records')));
    const { archive } = await copyLog(from, to, { nowMs, replace: true });
    expect(archive).toBe(`${to.bucket.url}/archive/20261120T120000Z/o/r/`);
    expect(await payloadsOf(to.bucket, to.prefix)).toEqual(hexOf(titles('a', 'b', 'c')));
    expect(await payloadsOf(to.bucket, 'archive/20261120T120000Z/o/r/')).toEqual(
      hexOf(titles('other', 'records')),
    );
    expect(await namesIn(to.bucket, to.prefix)).toHaveLength((await hashesOf(from)).length + 1);
  });

  test('that is being written to is refused', async () => {
    const { from, to, write } = places();
    await write(from, 'a', 'b');
    const manifest = { format: 1, writer: 'somebody', epoch: 3, leaseUntilMs: NOW_MS + 1000, segments: [] };
    await to.bucket.write(`${to.prefix}manifest.json`, Buffer.from(JSON.stringify(manifest)));
    await expect(copyLog(from, to, { nowMs })).rejects.toMatchObject({ code: 'conflict' });
    await expect(copyLog(from, to, { nowMs: () => NOW_MS + 2000 })).resolves.toMatchObject({ state: 'new' });
  });

  test('whose hold was taken by another is not committed to', async () => {
    const { to } = places();
    const held = await holdLog(to, { nowMs });
    await holdLog(to, { nowMs });
    await expect(held.commit([])).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('damage', () => {
  const damage = async ({ bucket, prefix }: { bucket: Bucket; prefix: string }) => {
    const [name] = (await namesIn(bucket, prefix)).filter((one) => one.endsWith('.mutlog'));
    writeFileSync(join(bucket.url.slice('file://'.length), String(name)), 'damaged');
  };

  test('of the source is never copied', async () => {
    const { from, to, write } = places();
    await write(from, 'a', 'b');
    await damage(from);
    await expect(copyLog(from, to, { nowMs })).rejects.toMatchObject({ code: 'malformed' });
    expect((await openBucketLog(to.bucket, to.prefix).segments()).length).toBe(0);
  });

  test('of what was there already is found when it is checked', async () => {
    const { from, to, write } = places();
    await write(from, 'a', 'b', 'c');
    await copyLog(from, to, { nowMs });
    await damage(to);
    await expect(copyLog(from, to, { nowMs, check: true })).rejects.toMatchObject({ code: 'malformed' });
  });

  test('of a log that is not there is said', async () => {
    const { from, to } = places();
    rmSync(from.bucket.url.slice('file://'.length), { recursive: true, force: true });
    await expect(copyLog(from, to, { nowMs })).rejects.toMatchObject({ code: 'missing' });
  });
});
