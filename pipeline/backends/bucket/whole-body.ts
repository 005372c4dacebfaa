/** A body that comes in chunks and is wanted whole. */
export interface WholeBody {
  /** Keeps the bytes; small bodies keep the chunk itself. */
  add(chunk: Buffer): void;
  /** Bytes that have come. */
  size(): number;
  whole(): Buffer;
}

/** Below this a chunk may as well stand for itself. */
const OWN_BYTES_MIN = 16 * 1024;
/** What a server announces is believed so far: memory is taken when bytes come. */
const ANNOUNCED_BYTES_MAX = 4 << 20;

/**
 * `announced`: its Content-Length, or 0. Each chunk is copied to its place at once and gone, so that a body is in memory once, in
 * memory of its own, and need not be copied again to be given away.
 */
export function createBody(announced: number): WholeBody {
  if (announced < OWN_BYTES_MIN || announced > ANNOUNCED_BYTES_MAX) return createChunks();
  const bytes = Buffer.allocUnsafeSlow(announced);
  let size = 0;
  let rest: WholeBody | undefined;
  return {
    add: (chunk) => {
      const room = bytes.length - size;
      if (rest === undefined && chunk.length <= room) {
        bytes.set(chunk, size);
        size += chunk.length;
        return;
      }
      // More than was announced: whoever reads it judges that.
      rest ??= createChunks();
      rest.add(chunk);
    },
    size: () => size + (rest?.size() ?? 0),
    whole: () => {
      if (rest !== undefined) return Buffer.concat([bytes.subarray(0, size), rest.whole()]);
      return size === bytes.length ? bytes : bytes.subarray(0, size);
    },
  };
}

function createChunks(): WholeBody {
  const chunks: Buffer[] = [];
  let size = 0;
  return {
    add: (chunk) => {
      chunks.push(chunk);
      size += chunk.length;
    },
    size: () => size,
    whole: () => {
      const [first] = chunks;
      return first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks);
    },
  };
}
