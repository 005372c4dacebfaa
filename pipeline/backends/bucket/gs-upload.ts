import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { SamovarError } from '../../errors.ts';
import type { WriteOptions } from './contract.ts';
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
  const subject = `${context.url}/${name}`;
  const timeoutMs = call.timeoutMs ?? context.options.timeoutMs;
  if (call.signal?.aborted) throw abortedError(subject, call.signal.reason);
  await context.credentials.headers(timeoutMs);
  if (
    context.credentials.anonymous() &&
    (context.options.endpoint === undefined || context.storage.useAuthWithCustomEndpoint)
  ) {
    throw new SamovarError('denied', `${subject}: could not be written, there are no credentials`, {
      subject,
      remedy: NO_CREDENTIALS,
    });
  }
  const started = performance.now();
  try {
    const generation = await send(context, name, bytes, { ...call, timeoutMs });
    report(context, {
      kind: 'write',
      status: 200,
      bytes: bytes.length,
      durationMs: performance.now() - started,
    });
    return generation;
  } catch (error) {
    const failure = uploadError(context, subject, error);
    report(context, {
      kind: 'write',
      status: failure.status ?? 0,
      bytes: 0,
      durationMs: performance.now() - started,
    });
    throw failure;
  }
}

async function send(
  context: GsContext,
  name: string,
  bytes: Uint8Array,
  call: WriteOptions & { readonly timeoutMs: number },
): Promise<string> {
  const subject = `${context.url}/${name}`;
  const file = context.storage.bucket(context.name).file(name);
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
