import type { Body } from './contract.ts';

/** A piece of a body that owns its memory, so that it can be given to another thread. */
export interface Block {
  readonly bytes: Uint8Array;
  readonly last: boolean;
}

/** Large enough that passing a block on costs nothing beside reading it, small enough that many files may have one. */
const BLOCK_BYTES = 1 << 18;

/** A body in blocks of 256 KiB, the last one shorter: at least one, be it empty. One that is there whole is one block, and not copied. */
export async function* blocksOf(body: Body): AsyncGenerator<Block> {
  if (body instanceof Uint8Array) {
    yield { bytes: ownsMemory(body) ? body : body.slice(), last: true };
    return;
  }
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    // What comes may be overwritten or shared with other chunks: it is copied, once.
    if (bytes + chunk.length > BLOCK_BYTES && bytes > 0) {
      yield { bytes: joined(parts, bytes), last: false };
      parts = [];
      bytes = 0;
    }
    parts.push(chunk);
    bytes += chunk.length;
  }
  yield { bytes: joined(parts, bytes), last: true };
}

/** Small bodies share memory with others. */
function ownsMemory(bytes: Uint8Array): boolean {
  return bytes.byteLength === bytes.buffer.byteLength;
}

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
