import { setMaxListeners } from 'node:events';
import type { Bucket, CallOptions } from '../backends/bucket/contract.ts';
import { SamovarError } from '../errors.ts';
import type { RootRun } from './run.ts';

/** What one build may cost. */
export interface BuildBudget {
  readonly buildMs: number;
  /** Decoded bytes of all its objects. */
  readonly buildBytesMax: number;
}

/**
 * A root's run as one build sees it: past the build's budget every read of it is refused and what is under way is aborted, and the
 * work rejects with what was exceeded. The other builds go on.
 */
export async function withinBudget(
  run: RootRun,
  subject: () => string,
  work: (run: RootRun) => Promise<void>,
): Promise<void> {
  const { buildMs, buildBytesMax } = run.options;
  const own = new AbortController();
  // Every file under way listens to it: that is no leak.
  setMaxListeners(0, own.signal);
  const exceed = (code: 'timeout' | 'too-large', what: string) => {
    const remedy = 'If such builds are worth it, raise build_minutes or build_megabytes.';
    own.abort(new SamovarError(code, `${subject()}: ${what}`, { subject: subject(), remedy }));
  };
  const outer = () => own.abort(run.breaker.signal.reason);
  if (run.breaker.signal.aborted) outer();
  run.breaker.signal.addEventListener('abort', outer, { once: true });
  const minutes = Math.round(buildMs / 6_000) / 10;
  const timer = setTimeout(
    () => exceed('timeout', `not read within the ${minutes} min a build may take`),
    buildMs,
  );
  const megabytes = Math.round(buildBytesMax / 1e6);
  const bucket = counted(run.bucket, buildBytesMax, () =>
    exceed('too-large', `has more than the ${megabytes} MB a build may have`),
  );
  try {
    await work({ ...run, bucket, breaker: { ...run.breaker, signal: own.signal } });
  } catch (error) {
    // Why it was aborted says more than that it was.
    throw own.signal.aborted && !run.breaker.signal.aborted ? own.signal.reason : error;
  } finally {
    clearTimeout(timer);
    run.breaker.signal.removeEventListener('abort', outer);
  }
}

/** Counts what is read, and tells once it is too much. */
function counted(bucket: Bucket, bytesMax: number, onExceeded: () => void): Bucket {
  let bytes = 0;
  const add = (count: number) => {
    bytes += count;
    if (bytes > bytesMax) onExceeded();
  };
  async function* counting(body: AsyncIterable<Uint8Array>, call: CallOptions): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      add(chunk.length);
      call.signal?.throwIfAborted();
      yield chunk;
    }
  }
  return {
    ...bucket,
    read: async (name, options) => {
      const read = await bucket.read(name, options);
      if (read !== undefined && read !== 'unchanged') add(read.bytes.length);
      return read;
    },
    stream: async (name, options = {}) => {
      const stream = await bucket.stream(name, options);
      return stream && { ...stream, body: counting(stream.body, options) };
    },
  };
}
