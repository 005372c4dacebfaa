import type { Bucket } from '../backends/bucket/contract.ts';
import { SamovarError } from '../errors.ts';
import { openBucketLog } from '../mutation-log/bucket-log.ts';
import type { LogSegment, LogWriter } from '../mutation-log/contract.ts';
import type { ServedLog } from './served.ts';

export interface ServedLogOptions {
  /** Frozen segments of a gs bucket are given by its own https address, as maintner does; else their bytes are served here. */
  readonly redirect: boolean;
}

interface Kept {
  readonly name: string;
  readonly bytes: Promise<Uint8Array>;
}

/** Of a log that another process writes: what of it is in the bucket. `prefix` ends with a slash. */
export function bucketServedLog(bucket: Bucket, prefix: string, { redirect }: ServedLogOptions): ServedLog {
  const source = openBucketLog(bucket, prefix);
  // A follower takes a segment in many pieces: it is read once for all of them.
  let kept: Kept | undefined;
  const read = (name: string): Promise<Uint8Array> => {
    if (kept?.name === name) return kept.bytes;
    const bytes = readObject(bucket, name);
    const mine = { name, bytes };
    kept = mine;
    bytes.catch(() => {
      if (kept === mine) kept = undefined;
    });
    return bytes;
  };
  return {
    segments: () => source.segments(),
    bytes: async ({ number, name }, { start, end }) => {
      const bytes = await read(name).catch(async (error: unknown) => {
        // Its writer has replaced it by a longer one, which begins with the same bytes.
        const now = (await source.segments()).find((segment) => segment.number === number);
        if (now === undefined || now.name === name) throw error;
        return read(now.name);
      });
      return bytes.subarray(start, end);
    },
    publicUrl: (segment) => (redirect ? httpsUrl(bucket, segment, prefix) : undefined),
  };
}

/** Of a log that this process writes: also what is not in the bucket yet. */
export function writerServedLog(
  writer: LogWriter,
  bucket: Bucket,
  prefix: string,
  { redirect }: ServedLogOptions,
): ServedLog {
  return {
    segments: async () => writer.segments(),
    bytes: ({ number }, range) => writer.bytes(number, range),
    publicUrl: (segment) => (redirect ? httpsUrl(bucket, segment, prefix) : undefined),
  };
}

async function readObject(bucket: Bucket, name: string): Promise<Uint8Array> {
  const found = await bucket.read(name);
  if (typeof found === 'object') return found.bytes;
  throw new SamovarError('missing', `${bucket.url}/${name} is gone`, { subject: `${bucket.url}/${name}` });
}

/** What is only on this disk has a name without the log's place. */
function httpsUrl({ url }: Bucket, { name }: LogSegment, prefix: string): string | undefined {
  if (!url.startsWith('gs://') || !name.startsWith(prefix)) return undefined;
  const path = name.split('/').map(encodeURIComponent).join('/');
  return `https://storage.googleapis.com/${url.slice('gs://'.length)}/${path}`;
}
