import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SamovarError } from '../../errors.ts';
import type { CallOptions, RemoveOptions, WriteOptions } from './contract.ts';
import { type GsContext, report } from './gs-context.ts';
import { abortedError, connectionError, field, statusError, timeoutError } from './gs-errors.ts';

/** From here on an upload goes in chunks, each with a deadline of its own. Google wants multiples of 256 KiB. */
const CHUNK_BYTES = 8 * 1024 * 1024;
const NO_CREDENTIALS =
  'Writing needs credentials: set GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`.';

/**
 * Creates or replaces an object through the storage client, in one attempt; the deadline is renewed at each chunk. The
 * server checks the MD5 before the object shows, so a damaged upload leaves the old bytes. Gives the new generation.
 */
export async function upload(
  context: GsContext,
  name: string,
  bytes: Uint8Array,
  call: WriteOptions,
): Promise<string> {
  return change(context, name, call, bytes.length, (timeoutMs) =>
    send(context, name, bytes, { ...call, timeoutMs }),
  );
}

/** Removes an object through the storage client, in one attempt. One that is not there was removed already. */
export async function remove(context: GsContext, name: string, call: RemoveOptions): Promise<void> {
  const subject = `${context.url}/${name}`;
  await change(context, name, call, 0, async (timeoutMs) => {
    const file = context.storage().bucket(context.name).file(name);
    await deadline(subject, { ...call, timeoutMs }, async () => {
      await file.delete({
        ignoreNotFound: true,
        ...(call.ifGeneration !== undefined && { ifGenerationMatch: call.ifGeneration }),
      });
    });
  });
}

/** One attempt with its credentials, its event and its error. */
async function change<T>(
  context: GsContext,
  name: string,
  call: CallOptions,
  bytes: number,
  attempt: (timeoutMs: number) => Promise<T>,
): Promise<T> {
  const subject = `${context.url}/${name}`;
  const timeoutMs = call.timeoutMs ?? context.options.timeoutMs;
  if (call.signal?.aborted) throw abortedError(subject, call.signal.reason);
  await context.credentials.headers(timeoutMs);
  if (
    context.credentials.anonymous() &&
    (context.options.endpoint === undefined || context.storage().useAuthWithCustomEndpoint)
  ) {
    throw new SamovarError('denied', `${subject}: could not be written, there are no credentials`, {
      subject,
      remedy: NO_CREDENTIALS,
    });
  }
  const started = performance.now();
  const event = (status: number, sent: number) =>
    report(context, { kind: 'write', status, bytes: sent, durationMs: performance.now() - started });
  try {
    const result = await attempt(timeoutMs);
    event(200, bytes);
    return result;
  } catch (error) {
    const failure = uploadError(context, subject, error);
    event(failure.status ?? 0, 0);
    throw failure;
  }
}

/** The client's deletions know neither deadline nor signal. */
async function deadline(
  subject: string,
  call: CallOptions & { readonly timeoutMs: number },
  work: () => Promise<void>,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(timeoutError(subject, call.timeoutMs, false, 0)), call.timeoutMs);
    onAbort = () => reject(abortedError(subject, call.signal?.reason));
    call.signal?.addEventListener('abort', onAbort, { once: true });
  });
  try {
    await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) call.signal?.removeEventListener('abort', onAbort);
  }
}

async function send(
  context: GsContext,
  name: string,
  bytes: Uint8Array,
  call: WriteOptions & { readonly timeoutMs: number },
): Promise<string> {
  const subject = `${context.url}/${name}`;
  const file = context.storage().bucket(context.name).file(name);
  const chunked = bytes.length > CHUNK_BYTES;
  const md5Hash = createHash('md5').update(bytes).digest('base64');
  const target = file.createWriteStream({
    resumable: chunked,
    ...(chunked ? { chunkSize: CHUNK_BYTES } : {}),
    validation: false,
    timeout: call.timeoutMs,
    contentType: call.contentType ?? 'application/octet-stream',
    metadata: { md5Hash, ...(call.metadata === undefined ? {} : { metadata: { ...call.metadata } }) },
    ...(call.ifGeneration === undefined
      ? {}
      : { preconditionOpts: { ifGenerationMatch: call.ifGeneration } }),
  });
  const stop = new AbortController();
  const onAbort = () => stop.abort(abortedError(subject, call.signal?.reason));
  call.signal?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => stop.abort(timeoutError(subject, call.timeoutMs, false, 0)), call.timeoutMs);
  target.on('progress', () => timer.refresh());
  try {
    await pipeline(Readable.from(slices(bytes), { objectMode: false }), target, { signal: stop.signal });
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    clearTimeout(timer);
    call.signal?.removeEventListener('abort', onAbort);
  }
  const { generation } = file.metadata;
  if (generation !== undefined) return String(generation);
  throw new SamovarError('unavailable', `${subject}: the server took the bytes but names no generation`, {
    subject,
  });
}

/** Pieces of a buffer without copies; one empty piece for an empty one, because the client starts at its first write. */
function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  if (bytes.length === 0) yield bytes;
  for (let at = 0; at < bytes.length; at += 1024 * 1024) yield bytes.subarray(at, at + 1024 * 1024);
}

function uploadError(context: GsContext, subject: string, error: unknown): SamovarError {
  if (error instanceof SamovarError) return error;
  const status = [field(error, 'code'), field(error, 'status'), field(field(error, 'response'), 'status')]
    .map(Number)
    .find((n) => n >= 400);
  if (status === undefined) return connectionError(subject, error, 0);
  const body = error instanceof Error ? error.message : '';
  return statusError(subject, status, { body, anonymous: context.credentials.anonymous() });
}
