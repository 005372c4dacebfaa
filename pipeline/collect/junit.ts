import type { Bucket, BucketObject } from '../backends/bucket/contract.ts';
import { isRetryable, SamovarError } from '../errors.ts';
import { feedJunit } from '../records/junit/gunzip.ts';
import { createJunitReader, type JunitSummary, type TestResult } from '../records/junit/reader.ts';
import { createRawPacker, type RawPacker } from '../records/raw.ts';
import type { JunitFileRecord, RawFile } from '../store/junit.ts';
import { listJunit } from './artifacts.ts';

/** A body that breaks is read again from its start so many times. */
const BODY_ATTEMPTS_MAX = 4;
const BODY_DELAY_MS = 500;
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
  readonly signal: AbortSignal;
  readonly sleep: (ms: number) => Promise<void>;
  readonly random: () => number;
}

/** Reads every JUnit file of a build at once (the bucket's limit bounds them), and gives them in byte order of their names. */
export async function readJunit(context: JunitContext, folder: string): Promise<readonly JunitFile[]> {
  const objects = await listJunit(context.bucket, folder, context.signal);
  const files = await Promise.all(objects.map((object) => readFile(context, folder, object)));
  return files.filter((file) => file !== undefined);
}

async function readFile(
  context: JunitContext,
  folder: string,
  object: BucketObject,
): Promise<JunitFile | undefined> {
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
  { bucket, signal }: JunitContext,
  folder: string,
  object: BucketObject,
): Promise<JunitFile | undefined> {
  const stream = await bucket.stream(object.name, { signal });
  if (stream === undefined) return undefined;
  const tests: TestResult[] = [];
  const reader = createJunitReader(keepBounded(tests));
  const packer = createRawPacker();
  try {
    await feedJunit(reader, packing(stream.body, packer));
  } catch (error) {
    packer.discard();
    throw error;
  }
  if (signal.aborted) throw new SamovarError('aborted', `stopped while reading ${bucket.url}/${object.name}`);
  const name = object.name.slice(folder.length + 1);
  return {
    record: recordOf(name, stream.generation, reader.end()),
    raw: { name, ...(await packer.end()) },
    tests,
  };
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
