import type { LimitFunction } from 'p-limit';
import type { Bucket, ObjectStream } from '../backends/bucket/contract.ts';

/** A bucket whose requests take turns: at most the limit's concurrency are in flight, a stream's until its body has ended. */
export function limitedBucket(bucket: Bucket, limit: LimitFunction): Bucket {
  return {
    url: bucket.url,
    list: (prefix, options) => limit(() => bucket.list(prefix, options)),
    read: (name, options) => limit(() => bucket.read(name, options)),
    write: (name, bytes, options) => limit(() => bucket.write(name, bytes, options)),
    remove: (name, options) => limit(() => bucket.remove(name, options)),
    stream: (name, options) => heldStream(limit, () => bucket.stream(name, options)),
    close: () => bucket.close(),
  };
}

/** Keeps the turn while the body is read. A reader that stops early gives it back too. */
function heldStream(
  limit: LimitFunction,
  open: () => Promise<ObjectStream | undefined>,
): Promise<ObjectStream | undefined> {
  return new Promise((resolve, reject) => {
    void limit(async () => {
      const stream = await open().catch((error: unknown) => {
        reject(error);
        return undefined;
      });
      if (stream === undefined) return resolve(undefined);
      await new Promise<void>((release) => {
        resolve({ ...stream, body: releasing(stream.body, release) });
      });
    });
  });
}

async function* releasing(body: AsyncIterable<Uint8Array>, release: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } finally {
    release();
  }
}
