import type { Bucket, CallOptions, WriteOptions } from '../backends/bucket/contract.ts';
import { SamovarError } from '../errors.ts';
import { type RetryOptions, retry } from './retry.ts';

export { RETRY_DEFAULTS } from './retry.ts';

/**
 * A bucket whose calls are made again when that may help. Same contract, same errors: the last attempt's. A stream is made
 * again until its body has begun; a body that breaks is the reader's to ask for again, from the start. The signal of the
 * options and that of a call both end the waiting.
 */
export function resilientBucket(bucket: Bucket, options: RetryOptions): Bucket {
  const run = <T>(call: CallOptions | undefined, attempt: (number: number) => Promise<T>) =>
    retry(attempt, options, call?.signal);
  return {
    url: bucket.url,
    list: (prefix, call) => run(call, () => bucket.list(prefix, call)),
    read: (name, call) => run(call, () => bucket.read(name, call)),
    stream: (name, call) => run(call, () => bucket.stream(name, call)),
    remove: (name, call) => run(call, () => bucket.remove(name, call)),
    write: (name, bytes, call) => run(call, (number) => writeAgain(bucket, name, bytes, call, number)),
    close: () => bucket.close(),
  };
}

/**
 * One attempt of a write. Writing the same bytes to the same name twice leaves what once would have left, so an unconditional
 * write may be made again. A conditional one too, but when the answer of an attempt was lost after it had been done, the
 * next one meets our own object: a conflict over the very same bytes is a success, found out by reading them.
 */
async function writeAgain(
  bucket: Bucket,
  name: string,
  bytes: Uint8Array,
  call: WriteOptions | undefined,
  number: number,
): Promise<string> {
  try {
    return await bucket.write(name, bytes, call);
  } catch (error) {
    if (
      number === 1 ||
      call?.ifGeneration === undefined ||
      !(error instanceof SamovarError) ||
      error.code !== 'conflict'
    )
      throw error;
    const found = await bucket
      .read(name, { ...readOptionsOf(call), bytesMax: bytes.length })
      .catch((cause: unknown) => {
        // Larger than ours is not ours.
        if (cause instanceof SamovarError && cause.code === 'too-large') return undefined;
        throw cause;
      });
    if (typeof found === 'object' && Buffer.compare(found.bytes, bytes) === 0) return found.generation;
    throw error;
  }
}

function readOptionsOf({ signal, timeoutMs }: CallOptions): CallOptions {
  return { ...(signal === undefined ? {} : { signal }), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}
