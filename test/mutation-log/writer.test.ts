import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Bucket } from '../../pipeline/backends/bucket/contract.ts';
import { openBucket } from '../../pipeline/backends/bucket/index.ts';
import { SamovarError } from '../../pipeline/errors.ts';
import { openBucketLog } from '../../pipeline/mutation-log/bucket-log.ts';
import type { LogRecord } from '../../pipeline/mutation-log/contract.ts';
import { type LogWriterOptions, openLogWriter } from '../../pipeline/mutation-log/writer.ts';
import { leftByDead } from '../support/dead-writer.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();
const PREFIX = 'o/r/';
const SEGMENT_BYTES_MAX = 200;

interface Place {
  readonly bucket: Bucket;
  readonly folder: string;
}

function newPlace(): Place {
  const folder = mkdtempSync(join(temp, 'log-'));
  return { bucket: openBucket(`file://${folder}/bucket`, { timeoutMs: 5_000, connections: 4 }), folder };
}

const open = (place: Place, more: Partial<LogWriterOptions> = {}) =>
  openLogWriter({
    bucket: place.bucket,
    prefix: PREFIX,
    folder: join(place.folder, 'wal'),
    nowMs: () => 1_000_000,
    segmentBytesMax: SEGMENT_BYTES_MAX,
    ...more,
  });

const payload = (number: number) =>
  Buffer.from(`payload ${String(number).padStart(4, '0')} ${'x'.repeat(30)}`);
const payloads = (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => payload(from + at));

async function textsOf(records: AsyncIterable<LogRecord>): Promise<readonly string[]> {
  const texts: string[] = [];
  for await (const record of records) texts.push(Buffer.from(record.payload).toString());
  return texts;
}

const inBucket = ({ bucket }: Place) => textsOf(openBucketLog(bucket, PREFIX).read());
const wanted = (count: number) => payloads(0, count).map((bytes) => bytes.toString());

it('what was appended and flushed is read from the bucket, in order, over several segments', async () => {
  const place = newPlace();
  const writer = await open(place);
  for (let at = 0; at < 12; at += 3) await writer.append(payloads(at, 3));
  expect(await textsOf(writer.read())).toEqual(wanted(12));
  await writer.close();
  expect(await inBucket(place)).toEqual(wanted(12));
  const segments = await openBucketLog(place.bucket, PREFIX).segments();
  expect(segments.map(({ number }) => number)).toEqual(segments.map((_, at) => at));
  expect(segments.length).toBeGreaterThan(2);
  for (const { size } of segments.slice(0, -1)) expect(size).toBeLessThan(SEGMENT_BYTES_MAX + 50);
});

it('goes on in the last segment after it was closed, on this machine and on another', async () => {
  const place = newPlace();
  const writer = await open(place);
  await writer.append(payloads(0, 2));
  await writer.close();
  const again = await open(place);
  expect(again.end().segment).toBe(0);
  await again.append(payloads(2, 1));
  await again.close();
  const other = await open(place, { folder: join(place.folder, 'other machine') });
  expect(other.end()).toMatchObject({ segment: 0 });
  await other.append(payloads(3, 1));
  await other.close();
  expect(await inBucket(place)).toEqual(wanted(4));
  expect((await openBucketLog(place.bucket, PREFIX).segments())[0]?.number).toBe(0);
});

it('reads from any place that a record ends at, and from no other', async () => {
  const place = newPlace();
  const writer = await open(place);
  const records = await writer.append(payloads(0, 8));
  await writer.flush();
  const source = openBucketLog(place.bucket, PREFIX);
  for (const [at, { segment, end }] of records.entries()) {
    const from = { segment, offset: end };
    expect(await textsOf(source.read({ from }))).toEqual(wanted(8).slice(at + 1));
    expect(await textsOf(writer.read({ from }))).toEqual(wanted(8).slice(at + 1));
  }
  const inside = { segment: 0, offset: (records[0]?.end ?? 0) + 3 };
  await expect(textsOf(source.read({ from: inside }))).rejects.toMatchObject({ code: 'conflict' });
  await expect(textsOf(source.read({ from: { segment: 9, offset: 0 } }))).rejects.toMatchObject({
    code: 'conflict',
  });
  await writer.close();
});

it('a second writer is refused while the first holds the log, and told for how long', async () => {
  const place = newPlace();
  const writer = await open(place);
  await writer.append(payloads(0, 1));
  const other = { folder: join(place.folder, 'other machine') };
  await expect(open(place, other)).rejects.toThrow(/written by another/);
  await writer.close();
  await (await open(place, other)).close();
});

it('a second process with the same folder is refused, though it would write under the same name', async () => {
  const place = newPlace();
  const writer = await open(place);
  await writer.append(payloads(0, 1));
  await expect(open(place)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(`process ${process.pid}`),
  });
  await writer.append(payloads(1, 1));
  await writer.close();
  expect(await inBucket(place)).toEqual(wanted(2));
});

it('the folder of one that died is taken over: at once on its machine, elsewhere when its lease has ended', async () => {
  const place = newPlace();
  const folder = join(place.folder, 'wal');
  const first = await open(place);
  await first.append(payloads(0, 1));
  leftByDead(folder);
  const second = await open(place);
  await second.append(payloads(1, 1));
  leftByDead(folder, 'another.example');
  await expect(open(place)).rejects.toThrow(/on another\.example/);
  const third = await open(place, { nowMs: () => 1_000_000 + 6 * 60_000 });
  await third.append(payloads(2, 1));
  await third.close();
  expect(await inBucket(place)).toEqual(wanted(3));
  expect(readdirSync(folder)).not.toContain('.writer');
});

it('a writer that cannot be opened leaves no lock behind', async () => {
  const place = newPlace();
  const dead = { ...place.bucket, write: () => Promise.reject(new SamovarError('network', 'no way')) };
  await expect(open(place, { bucket: dead })).rejects.toThrow('no way');
  await (await open(place)).close();
});

it('a writer that was taken over is refused at its next flush, and its records are not in the log', async () => {
  const place = newPlace();
  let nowMs = 1_000_000;
  const slow = await open(place, { nowMs: () => nowMs });
  await slow.append(payloads(0, 1));
  await slow.flush();
  nowMs += 3_600_000;
  const other = await open(place, { nowMs: () => nowMs, folder: join(place.folder, 'other machine') });
  await other.append(payloads(1, 1));
  await other.flush();
  // Its lease is over: it looks before it says yes to anything.
  await expect(slow.append(payloads(7, 1))).rejects.toMatchObject({ code: 'conflict' });
  await expect(slow.append(payloads(8, 1))).rejects.toMatchObject({ code: 'conflict' });
  await slow.close();
  await other.close();
  expect(await inBucket(place)).toEqual(wanted(2));
});

it('records on this disk that another machine wrote past are not mixed in', async () => {
  const place = newPlace();
  const writer = await open(place);
  await writer.append(payloads(0, 1));
  await writer.flush();
  await writer.append(payloads(7, 1));
  leftByDead(join(place.folder, 'wal'));
  // Long after, another machine goes on.
  const later = { nowMs: () => 9_000_000_000 };
  const other = await open(place, { ...later, folder: join(place.folder, 'other machine') });
  await other.append(payloads(1, 2));
  await other.close();
  await expect(open(place, later)).rejects.toThrow(/not part of the log/);
  expect(await inBucket(place)).toEqual(wanted(3));
});

describe('a log that was deleted in the bucket', () => {
  const written = async () => {
    const place = newPlace();
    const writer = await open(place);
    await writer.append(payloads(0, 2));
    await writer.close();
    await emptyBucket(place);
    return place;
  };
  const emptyBucket = async ({ bucket }: Place) => {
    for (const { name } of (await bucket.list(PREFIX)).objects) await bucket.remove(name);
  };
  const refused = { code: 'conflict', remedy: expect.stringContaining('mutation-log reset') };

  it('does not come back out of what its writer still has, and nothing is made in the bucket', async () => {
    const place = await written();
    for (const _ of [1, 2]) await expect(open(place)).rejects.toMatchObject(refused);
    expect((await place.bucket.list(PREFIX)).objects).toEqual([]);
    rmSync(join(place.folder, 'wal', 'history'));
    await expect(open(place)).rejects.toMatchObject(refused);
  });

  it('and begun anew elsewhere gets nothing of the old one, whichever segments both have', async () => {
    const place = await written();
    const other = { folder: join(place.folder, 'other machine') };
    const anew = await open(place, other);
    // The same first records as the old log, so that their hashes tell nothing.
    await anew.append(payloads(0, 3));
    await anew.close();
    await expect(open(place)).rejects.toMatchObject(refused);
    expect(await inBucket(place)).toEqual(wanted(3));
  });

  it('is written anew by one whose folder has nothing of it', async () => {
    const place = await written();
    rmSync(join(place.folder, 'wal', '0000.mutlog'));
    const writer = await open(place);
    await writer.append(payloads(0, 1));
    await writer.close();
    await (await open(place)).close();
    expect(await inBucket(place)).toEqual(wanted(1));
  });

  it('is told from one whose manifest alone was removed, which goes on', async () => {
    const place = newPlace();
    const writer = await open(place);
    await writer.append(payloads(0, 1));
    await writer.close();
    await place.bucket.remove(`${PREFIX}manifest.json`);
    const again = await open(place);
    await again.append(payloads(1, 1));
    await again.close();
    expect(await inBucket(place)).toEqual(wanted(2));
  });
});

it('a record that was torn off at the end of the local file was never there', async () => {
  const place = newPlace();
  const writer = await open(place);
  await writer.append(payloads(0, 2));
  leftByDead(join(place.folder, 'wal'));
  await appendFile(join(place.folder, 'wal', '0000.mutlog'), 'REC@64+2b=torn');
  const again = await open(place);
  await again.append(payloads(2, 1));
  await again.close();
  expect(await inBucket(place)).toEqual(wanted(3));
});

it('a log of maintner itself is taken over: of two objects with one number the newer', async () => {
  const place = newPlace();
  const first = await open(place);
  await first.append(payloads(0, 2));
  await first.close();
  const [old] = await openBucketLog(place.bucket, PREFIX).segments();
  const bytes = await place.bucket.read(old?.name ?? '');
  const more = await open(place);
  await more.append(payloads(2, 1));
  await more.close();
  await place.bucket.remove(`${PREFIX}manifest.json`);
  if (typeof bytes === 'object') await place.bucket.write(`${old?.name}.tmp`, bytes.bytes);
  expect(await inBucket(place)).toEqual(wanted(3));
  const writer = await open(place);
  await writer.append(payloads(3, 1));
  await writer.close();
  expect(await inBucket(place)).toEqual(wanted(4));
});

it('a segment that is missing is a gap, and said to be one', async () => {
  const place = newPlace();
  const writer = await open(place);
  for (let at = 0; at < 12; at += 1) await writer.append(payloads(at, 1));
  await writer.close();
  const segments = await openBucketLog(place.bucket, PREFIX).segments();
  await place.bucket.remove(segments[1]?.name ?? '');
  await expect(inBucket(place)).rejects.toThrow(/has a gap/);
  await place.bucket.remove(`${PREFIX}manifest.json`);
  await expect(inBucket(place)).rejects.toThrow(/there is segment 2, and none with the number 1/);
});

it('bytes that do not have the hash of their name are refused', async () => {
  const place = newPlace();
  const writer = await open(place);
  await writer.append(payloads(0, 2));
  await writer.close();
  const [segment] = readdirSync(join(place.folder, 'bucket', PREFIX)).filter((name) =>
    name.endsWith('.mutlog'),
  );
  const bytes = Buffer.concat(
    [0, 1].map((at) => {
      const text = `${wanted(2)[at]}`.replace('x', 'y');
      return Buffer.from(`REC@${(at * 52).toString(16)}+${text.length.toString(16)}=${text}`);
    }),
  );
  writeFileSync(join(place.folder, 'bucket', PREFIX, segment ?? ''), bytes);
  await expect(inBucket(place)).rejects.toMatchObject({ code: 'malformed' });
});

describe('stopped at each call of the bucket, before it and after it', () => {
  /** One life: appends, with a flush after every second one; then the end. Gives how many records it was told are there. */
  async function live(place: Place, told: { count: number }, total: number): Promise<void> {
    const writer = await open(place);
    const known = (await textsOf(writer.read())).length;
    // What it was told of is there, and at most one batch more.
    expect(known).toBeGreaterThanOrEqual(told.count);
    told.count = known;
    while (told.count < total) {
      await writer.append(payloads(told.count, 2));
      told.count += 2;
      if (told.count % 4 === 0) await writer.flush();
    }
    await writer.close();
  }

  /** The n-th call fails, after it was carried out or without; and so do all that come then: the process is dead. */
  function dying(bucket: Bucket, n: number, done: boolean): { bucket: Bucket; calls: () => number } {
    let calls = 0;
    const step = async <T>(call: () => Promise<T>): Promise<T> => {
      calls += 1;
      if (calls < n) return call();
      if (calls === n && done) await call();
      throw new SamovarError('internal', 'killed');
    };
    return {
      calls: () => calls,
      bucket: {
        ...bucket,
        list: (...args) => step(() => bucket.list(...args)),
        read: (...args) => step(() => bucket.read(...args)),
        write: (...args) => step(() => bucket.write(...args)),
        remove: (...args) => step(() => bucket.remove(...args)),
      },
    };
  }

  const TOTAL = 12;

  it('nothing is lost and nothing is there twice', async () => {
    const whole = newPlace();
    const counted = dying(whole.bucket, Number.POSITIVE_INFINITY, false);
    await live({ ...whole, bucket: counted.bucket }, { count: 0 }, TOTAL);
    expect(counted.calls()).toBeGreaterThan(10);
    for (let n = 1; n <= counted.calls(); n += 1) {
      for (const done of [false, true]) {
        const place = newPlace();
        const told = { count: 0 };
        const { bucket } = dying(place.bucket, n, done);
        await live({ ...place, bucket }, told, TOTAL).catch((error: unknown) => {
          if (!String(error).includes('killed')) throw error;
        });
        leftByDead(join(place.folder, 'wal'));
        await live(place, told, TOTAL);
        expect(await inBucket(place), `killed at call ${n}, ${done ? 'done' : 'not done'}`).toEqual(
          wanted(TOTAL),
        );
        const left = readdirSync(join(place.folder, 'bucket', PREFIX)).filter((name) =>
          name.endsWith('.mutlog'),
        );
        const segments = await openBucketLog(place.bucket, PREFIX).segments();
        expect(left.sort()).toEqual(segments.map(({ name }) => name.slice(PREFIX.length)).sort());
      }
    }
  });
});
