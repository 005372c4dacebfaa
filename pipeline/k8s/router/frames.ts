import { gunzipSync, inflateSync } from 'node:zlib';
import { RouteError } from './status.ts';

/** Whether it is compressed, and its length. */
export const HEAD_BYTES = 5;
/** Below, a copy is cheaper than one more write. */
const COPY_BYTES_MAX = 64 * 1024;

const UNPACK: Readonly<Record<string, (bytes: Buffer, options: { maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  deflate: inflateSync,
};

/** A message as gRPC sends it, in pieces to be sent one after the other. */
export function framed(message: Buffer): readonly Buffer[] {
  const isCopied = message.length <= COPY_BYTES_MAX;
  const head = Buffer.allocUnsafe(HEAD_BYTES + (isCopied ? message.length : 0));
  head.writeUInt8(0, 0);
  head.writeUInt32BE(message.length, 1);
  if (!isCopied) return [head, message];
  message.copy(head, HEAD_BYTES);
  return [head];
}

/** The one message that a body is. Throws RESOURCE_EXHAUSTED when it is larger unpacked, INTERNAL for a body that is something else. */
export function messageIn(body: Buffer, encoding: string | undefined, bytesMax: number): Buffer {
  const length = body.length < HEAD_BYTES ? -1 : body.readUInt32BE(1);
  if (length !== body.length - HEAD_BYTES) throw new RouteError('INTERNAL', 'this is not one gRPC message');
  const message = body.subarray(HEAD_BYTES);
  if (body[0] === 0) return message;
  const unpack = UNPACK[encoding ?? ''];
  if (unpack === undefined)
    throw new RouteError('UNIMPLEMENTED', 'messages are taken plain, or packed with gzip or deflate');
  try {
    return unpack(message, { maxOutputLength: bytesMax });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(bytesMax);
    throw new RouteError('INTERNAL', 'this message cannot be unpacked', { cause });
  }
}

export function tooLarge(bytesMax: number): RouteError {
  return new RouteError('RESOURCE_EXHAUSTED', `a message of more than ${bytesMax} bytes is not taken`);
}

/** Looks at the lengths of messages that go past. Throws RESOURCE_EXHAUSTED at one that is larger. */
export function createLengthCheck(bytesMax: number): (chunk: Buffer) => void {
  const head = Buffer.alloc(HEAD_BYTES);
  let headBytes = 0;
  let left = 0;
  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      if (left > 0) {
        const skipped = Math.min(left, chunk.length - at);
        left -= skipped;
        at += skipped;
        continue;
      }
      const copied = chunk.copy(head, headBytes, at, at + HEAD_BYTES - headBytes);
      headBytes += copied;
      at += copied;
      if (headBytes < HEAD_BYTES) return;
      headBytes = 0;
      left = head.readUInt32BE(1);
      if (left > bytesMax) throw tooLarge(bytesMax);
    }
  };
}
