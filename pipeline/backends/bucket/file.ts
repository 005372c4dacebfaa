import type { Bucket, BucketDriverOptions } from './contract.ts';
import { readFile, streamFile } from './file-io.ts';
import { createLister } from './file-list.ts';
import { openRoot } from './file-root.ts';
import { createWriter } from './file-write.ts';

/**
 * A directory as a bucket: an object's name is its path with `/`. Differs from object storage where files do: a name cannot
 * be both an object and a prefix, custom metadata is not kept (always absent), Content-Encoding is unknown (bytes as they
 * are), and a disk has no deadline. Files whose names are not UTF-8 cannot be named and are left out.
 */
export function openFileBucket(place: string, url: string, options: BucketDriverOptions): Bucket {
  const root = openRoot(place, url);
  const list = createLister(root);
  const { write, remove } = createWriter(root);
  const timed = async <T>(
    kind: 'list' | 'read' | 'write',
    call: () => Promise<T>,
    bytesOf: (result: T) => number,
  ): Promise<T> => {
    const started = performance.now();
    const event = (bytes: number, status: number) =>
      options.onRequest?.({ kind, bytes, durationMs: performance.now() - started, status });
    try {
      const result = await call();
      event(bytesOf(result), result === undefined ? 404 : 200);
      return result;
    } catch (error) {
      event(0, 0);
      throw error;
    }
  };
  const none = () => 0;
  return {
    url,
    list: (prefix, call = {}) => timed('list', () => list(prefix, call), none),
    read: (name, call = {}) =>
      timed(
        'read',
        () => readFile(root, name, call),
        (read) => (typeof read === 'object' ? read.bytes.length : 0),
      ),
    stream: async (name, call = {}) => {
      const started = performance.now();
      const event = (bytes: number, status: number) =>
        options.onRequest?.({ kind: 'read', bytes, durationMs: performance.now() - started, status });
      const stream = await streamFile(root, name, call);
      if (stream === undefined) event(0, 404);
      return stream && { ...stream, body: counted(stream.body, (bytes) => event(bytes, 200)) };
    },
    write: (name, bytes, call = {}) =>
      timed(
        'write',
        () => write(name, bytes, call),
        () => bytes.length,
      ),
    remove: (name, call = {}) => timed('write', () => remove(name, call), none),
    close: async () => {},
  };
}

/** A body's bytes are known when it has been read. */
async function* counted(
  body: AsyncIterable<Uint8Array>,
  done: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      yield chunk;
    }
  } finally {
    done(bytes);
  }
}
