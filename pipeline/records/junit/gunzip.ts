import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { createGunzip, type Gunzip, gunzipSync } from 'node:zlib';
import type { JunitReader } from './reader.ts';

const MAGIC = [0x1f, 0x8b] as const;
/** Real files shrink to a tenth or a fortieth. Beyond the first part, what shrank more than this is taken for a bomb. */
const RATIO_MAX = 200;
const FREE_BYTES = 32 * 2 ** 20;

/**
 * Gives a file's bytes to a reader as they come; gzip that nobody told of is unpacked on the way, within a bound. What is wrong
 * with the gzip is the file's trouble, and the reader's summary says so; what the body throws is thrown.
 */
export async function feedJunit(reader: JunitReader, body: AsyncIterable<Uint8Array>): Promise<void> {
  const chunks = body[Symbol.asyncIterator]();
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < MAGIC.length) {
    const next = await chunks.next();
    if (next.done) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  const whole = chained(head, chunks);
  if (isGzip(head)) return feedUnpacked(reader, whole);
  for await (const chunk of whole) reader.push(chunk);
}

export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === MAGIC[0] && bytes[1] === MAGIC[1];
}

/** A small file whole. Throws what zlib says of a damaged one or one that unpacks to more than `bytesMax`. */
export function unpackedWhole(bytes: Uint8Array, bytesMax: number): Uint8Array {
  return isGzip(bytes) ? gunzipSync(bytes, { maxOutputLength: bytesMax }) : bytes;
}

async function* chained(head: Uint8Array, chunks: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (head.length > 0) yield head;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
  } finally {
    await chunks.return?.();
  }
}

async function feedUnpacked(reader: JunitReader, packed: AsyncIterable<Uint8Array>): Promise<void> {
  const gunzip = createGunzip();
  let unpackedBytes = 0;
  gunzip.on('data', (bytes: Buffer) => {
    unpackedBytes += bytes.length;
    if (unpackedBytes > FREE_BYTES && unpackedBytes > gunzip.bytesWritten * RATIO_MAX)
      reader.stop('too-large', `it unpacks to more than ${RATIO_MAX} times its size, as a gzip bomb does`);
    reader.push(bytes);
    // Nobody wants the rest.
    if (reader.stopped()) gunzip.destroy();
  });
  try {
    await pump(packed, gunzip);
  } catch (error) {
    if (reader.stopped()) return;
    const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
    if (typeof code !== 'string' || !code.startsWith('Z_')) throw error;
    if (code === 'Z_BUF_ERROR') reader.cutShort('the gzip stream it is packed in breaks off');
    else reader.stop('malformed', `it is packed with gzip, and that is damaged: ${String(message)}`);
  } finally {
    gunzip.destroy();
  }
}

/** Not stream.pipeline: that would not wait for what comes out, and drop what is on its way when the end is damaged. */
async function pump(packed: AsyncIterable<Uint8Array>, gunzip: Gunzip): Promise<void> {
  const ended = finished(gunzip);
  // It is awaited in any case, but perhaps only after it has failed.
  ended.catch(() => undefined);
  for await (const chunk of packed) {
    if (gunzip.destroyed) break;
    if (!gunzip.write(chunk)) await Promise.race([once(gunzip, 'drain'), ended]);
  }
  if (!gunzip.destroyed) gunzip.end();
  await ended;
}
