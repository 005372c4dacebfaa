import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Bucket } from '../../pipeline/backends/bucket/contract.ts';
import { openBucket } from '../../pipeline/backends/bucket/index.ts';
import { openFollower } from '../../pipeline/mutation-log/follow.ts';
import { openLogWriter } from '../../pipeline/mutation-log/writer.ts';
import { encodeMutation } from '../../pipeline/records/mutation/codec.ts';
import type { ServedLog } from '../../pipeline/serve/served.ts';
import { bucketServedLog, writerServedLog } from '../../pipeline/serve/served-log.ts';
import { tempFolder } from '../support/temp.ts';
import { issue, servedTest, serverOf } from './serving.ts';

const folder = tempFolder();
const PREFIX = 'logs/o/r/';
const OPTIONS = { redirect: true };
let counter = 0;

async function place(segmentBytesMax = 200) {
  counter += 1;
  const cwd = join(folder, String(counter));
  mkdirSync(join(cwd, 'bucket'), { recursive: true });
  const bucket = openBucket(`file:${join(cwd, 'bucket')}`, { timeoutMs: 10_000, connections: 1 });
  const writer = await openLogWriter({
    bucket,
    prefix: PREFIX,
    folder: join(cwd, 'wal'),
    nowMs: () => Date.now(),
    segmentBytesMax,
  });
  onTestFinished(() => writer.close());
  const add = (...numbers: number[]) => writer.append(numbers.map((number) => encodeMutation(issue(number))));
  return { cwd, bucket, writer, add };
}

/** Every segment's bytes have its size and hash. */
async function assertWhole(log: ServedLog): Promise<void> {
  for (const segment of await log.segments()) {
    const bytes = await log.bytes(segment, { start: 0, end: segment.size });
    const sha224 = createHash('sha224').update(bytes).digest('hex');
    expect([bytes.length, sha224]).toEqual([segment.size, segment.sha224]);
  }
}

describe('a log that is served', () => {
  test('of the bucket is what is in the bucket, of its writer also what is not there yet', async () => {
    const { bucket, writer, add } = await place();
    const ofBucket = bucketServedLog(bucket, PREFIX, OPTIONS);
    const ofWriter = writerServedLog(writer, bucket, PREFIX, OPTIONS);
    await add(1, 2, 3, 4, 5);
    await writer.flush();
    await add(6);
    await assertWhole(ofBucket);
    await assertWhole(ofWriter);
    const sizes = async (log: ServedLog) => (await log.segments()).reduce((sum, { size }) => sum + size, 0);
    expect(await sizes(ofWriter)).toBeGreaterThan(await sizes(ofBucket));
    expect((await ofBucket.segments()).length).toBeGreaterThan(1);
  });

  test('a growing segment that was replaced meanwhile still gives the bytes it had', async () => {
    const { bucket, writer, add } = await place(10_000);
    await add(1);
    await writer.flush();
    const log = bucketServedLog(bucket, PREFIX, OPTIONS);
    const [old] = await log.segments();
    if (old === undefined) throw new Error('no segment');
    await add(2);
    await writer.flush();
    const bytes = await log.bytes(old, { start: 0, end: old.size });
    expect(createHash('sha224').update(bytes).digest('hex')).toBe(old.sha224);
  });

  test('of a gs bucket has public addresses, unless its bytes are to be served here', async () => {
    const gs = { url: 'gs://a-bucket' } as Bucket;
    const segment = { number: 0, size: 1, sha224: 'x', name: `${PREFIX}0000.ab c.mutlog`, growing: false };
    const url = (log: ServedLog, name = segment.name) => log.publicUrl({ ...segment, name });
    expect(url(bucketServedLog(gs, PREFIX, OPTIONS))).toBe(
      'https://storage.googleapis.com/a-bucket/logs/o/r/0000.ab%20c.mutlog',
    );
    expect(url(bucketServedLog(gs, PREFIX, { redirect: false }))).toBeUndefined();
    // Not uploaded yet.
    expect(url(bucketServedLog(gs, PREFIX, OPTIONS), '0000.abc.mutlog')).toBeUndefined();
    const { bucket } = await place();
    expect(url(bucketServedLog(bucket, PREFIX, OPTIONS))).toBeUndefined();
  });
});

test('a follower gets every record, and what is added later', async () => {
  const { cwd, bucket, writer, add } = await place();
  await add(1, 2, 3, 4);
  const log = writerServedLog(writer, bucket, PREFIX, OPTIONS);
  const server = await serverOf(servedTest(folder, { log }).served, {
    logLimits: { waitMs: 20_000, pollMs: 10 },
  });
  const follower = openFollower({
    url: `${server.http}/logs`,
    folder: join(cwd, 'followed'),
    timeoutMs: 30_000,
    retry: (attempt) => attempt(),
  });
  const payloads = async (source: { read(): AsyncIterable<{ readonly payload: Uint8Array }> }) => {
    const found: string[] = [];
    for await (const { payload } of source.read()) found.push(Buffer.from(payload).toString('hex'));
    return found;
  };
  await follower.update({ wait: false });
  expect(await payloads(follower.source)).toEqual(await payloads(writer));
  const waiting = follower.update({ wait: true });
  await add(5, 6, 7);
  expect(await waiting).toBe(true);
  // What came after the list was made comes with the next one.
  await follower.update({ wait: false });
  const all = await payloads(follower.source);
  expect(all).toHaveLength(7);
  expect(all).toEqual(await payloads(writer));
});
