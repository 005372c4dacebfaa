import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Bucket } from '../../pipeline/backends/bucket/contract.ts';
import { openBucket } from '../../pipeline/backends/bucket/index.ts';
import { openBucketLog } from '../../pipeline/mutation-log/bucket-log.ts';
import type { LogPosition } from '../../pipeline/mutation-log/contract.ts';
import { openLogWriter } from '../../pipeline/mutation-log/writer.ts';
import { encodeMutation } from '../../pipeline/records/mutation/codec.ts';
import type { Mutation } from '../../pipeline/records/mutation/types.ts';
import { NOW_MS } from './store.ts';

/** A folder as a bucket. */
export function fileBucket(folder: string, name: string): Bucket {
  const bucket = openBucket(`file://${join(folder, name)}`, { timeoutMs: 10_000, connections: 4 });
  onTestFinished(() => bucket.close());
  return bucket;
}

export interface WriteLogOptions {
  readonly bucket: Bucket;
  readonly prefix: string;
  /** For what is not in the bucket yet; each call makes its own below it. */
  readonly folder: string;
  readonly segmentBytesMax?: number;
}

/** Appends to a log in a bucket, or begins one; closes it. */
export async function writeLog(
  { bucket, prefix, folder, segmentBytesMax }: WriteLogOptions,
  mutations: readonly Mutation[],
): Promise<LogPosition> {
  const writer = await openLogWriter({
    bucket,
    prefix,
    folder: mkdtempSync(join(folder, 'wal-')),
    nowMs: () => NOW_MS,
    ...(segmentBytesMax !== undefined && { segmentBytesMax }),
  });
  await writer.append(mutations.map(encodeMutation));
  await writer.close();
  return writer.end();
}

/** Payloads of a log in hex, each behind its segment's number. */
export async function payloadsOf(bucket: Bucket, prefix: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { payload } of openBucketLog(bucket, prefix).read())
    found.push(Buffer.from(payload).toString('hex'));
  return found;
}

export const hexOf = (mutations: readonly Mutation[]): readonly string[] =>
  mutations.map((mutation) => Buffer.from(encodeMutation(mutation)).toString('hex'));

/** All names in a bucket below a prefix. */
export async function namesIn(bucket: Bucket, prefix = ''): Promise<readonly string[]> {
  const page = await bucket.list(prefix);
  return page.objects.map(({ name }) => name);
}
