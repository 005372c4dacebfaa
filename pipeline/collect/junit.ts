import type { Bucket, BucketObject } from '../backends/bucket/contract.ts';
import { isRetryable, SamovarError } from '../errors.ts';
import { feedJunit } from '../records/junit/gunzip.ts';
import { createJunitReader, type JunitSummary, type TestResult } from '../records/junit/reader.ts';
import { createRawPacker, packRaw, type RawPacker } from '../records/raw.ts';
import type { JunitFileRecord, RawFile } from '../store/junit.ts';
import { listJunit } from './artifacts.ts';
import type { Body, BuildReading, FileName } from './reading/contract.ts';
import type { Room } from './room.ts';

/** A body that breaks is read again from its start so many times. */
const BODY_ATTEMPTS_MAX = 4;
const BODY_DELAY_MS = 500;
/** Up to here an object is asked for whole. */
const WHOLE_BYTES_MAX = 1 << 19;
/** What one that comes in pieces holds. */
const LARGE_ROOM_BYTES = 2 << 20;
/** Past this, failure texts of a file are kept short: a melt-down build must not become the process's memory. */
const TEXT_BYTES_SOFT_MAX = 32 * 2 ** 20;
const TEXT_CHARS_PAST_SOFT_MAX = 2_000;

/** One JUnit file, read. */
export interface JunitFile {
  readonly record: JunitFileRecord;
  readonly raw: RawFile;
  readonly tests: readonly TestResult[];
}

export interface JunitContext {
  readonly bucket: Bucket;
  readonly reading: BuildReading;
  readonly room: Room;
  readonly signal: AbortSignal;
  readonly sleep: (ms: number) => Promise<void>;
  readonly random: () => number;
}

/** Reads every JUnit file of a build at once; the bucket's limit on requests and the room for bytes bound them. */
export async function readJunit(context: JunitContext, folder: string): Promise<void> {
  const objects = await listJunit(context.bucket, folder, context.signal);
  await Promise.all(
    objects.map((object) => context.room(roomOf(object), () => readFile(context, folder, object))),
  );
}

/** A large file is never there whole; what it takes is packed and parsed piece by piece. */
function roomOf({ size }: BucketObject): number {
  return size > WHOLE_BYTES_MAX ? LARGE_ROOM_BYTES : size;
}

async function readFile(context: JunitContext, folder: string, object: BucketObject): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readOnce(context, folder, object);
    } catch (error) {
      if (!isRetryable(error) || attempt >= BODY_ATTEMPTS_MAX || context.signal.aborted) throw error;
      await context.sleep(BODY_DELAY_MS * 2 ** attempt * context.random());
    }
  }
}

async function readOnce(
  { bucket, reading, signal }: JunitContext,
  folder: string,
  object: BucketObject,
): Promise<void> {
  const name = object.name.slice(folder.length + 1);
  const found = await open(bucket, object, signal);
  if (found === undefined) return;
  await reading.read({ name, generation: found.generation }, found.body);
  if (signal.aborted) throw new SamovarError('aborted', `stopped while reading ${bucket.url}/${object.name}`);
}

/** A small object comes whole, by the shorter way; one that turns out to be larger than its listing said comes as a stream. */
async function open(
  bucket: Bucket,
  { name, size }: BucketObject,
  signal: AbortSignal,
): Promise<{ readonly generation: string; readonly body: Body } | undefined> {
  if (size > WHOLE_BYTES_MAX) return bucket.stream(name, { signal });
  try {
    const read = await bucket.read(name, { signal, bytesMax: 8 * WHOLE_BYTES_MAX });
    if (read === undefined || read === 'unchanged') return undefined;
    return { generation: read.generation, body: read.bytes };
  } catch (error) {
    if (error instanceof SamovarError && error.code === 'too-large') return bucket.stream(name, { signal });
    throw error;
  }
}

/** Reads and packs one file as it comes. Rejects with what the body throws. */
export async function readBody(
  { name, generation }: FileName,
  body: AsyncIterable<Uint8Array>,
): Promise<JunitFile> {
  const tests: TestResult[] = [];
  const reader = createJunitReader(keepBounded(tests));
  const packer = createRawPacker();
  try {
    await feedJunit(reader, packing(body, packer));
  } catch (error) {
    packer.discard();
    throw error;
  }
  return {
    record: recordOf(name, generation, reader.end()),
    raw: { name, ...(await packer.end()) },
    tests,
  };
}

/** The same of a file that is there whole and not packed with gzip, at once. */
export function readWhole({ name, generation }: FileName, bytes: Uint8Array): JunitFile {
  const tests: TestResult[] = [];
  const reader = createJunitReader(keepBounded(tests));
  reader.push(bytes);
  return { record: recordOf(name, generation, reader.end()), raw: { name, ...packRaw(bytes) }, tests };
}

/** Passes the chunks on; what is kept of a file is what came. */
async function* packing(body: AsyncIterable<Uint8Array>, packer: RawPacker): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    await packer.push(chunk);
    yield chunk;
  }
}

/** Parses stored raw XML again, without a request. */
export async function parseJunit(
  name: string,
  chunks: AsyncIterable<Uint8Array>,
): Promise<Omit<JunitFile, 'raw'>> {
  const tests: TestResult[] = [];
  const reader = createJunitReader(keepBounded(tests));
  await feedJunit(reader, chunks);
  return { record: recordOf(name, '', reader.end()), tests };
}

function keepBounded(tests: TestResult[]): (test: TestResult) => void {
  let textChars = 0;
  return (test) => {
    const text = test.failure_text;
    textChars += text?.length ?? 0;
    const long =
      text !== undefined && textChars > TEXT_BYTES_SOFT_MAX && text.length > TEXT_CHARS_PAST_SOFT_MAX;
    tests.push(
      long
        ? { ...test, failure_text: `${text.slice(0, TEXT_CHARS_PAST_SOFT_MAX).toWellFormed()}… [cut]` }
        : test,
    );
  };
}

function recordOf(name: string, generation: string, summary: JunitSummary): JunitFileRecord {
  const { status, reason, bytes, run, failed, skipped, flaky } = summary;
  return { name, generation, bytes, status, reason: reason ?? null, run, failed, skipped, flaky };
}
