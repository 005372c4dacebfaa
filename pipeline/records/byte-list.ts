const FIRST_BYTES = 4096;
const GROWTH = 1.5;
const COMMA = 0x2c;

/** JSON values kept as bytes in one buffer, commas between, each with a flag of the caller's. */
export interface ByteList {
  length(): number;
  add(json: string, flag: boolean): void;
  /** Replaces each value by what `change` gives, in order, or drops it for undefined. No value may become longer. */
  rewrite(change: (json: Buffer, flag: boolean) => Uint8Array | undefined): void;
  /** Takes the last value off and gives its flag; undefined when there is none. */
  removeLast(): boolean | undefined;
  /** A view: valid until the next change. */
  bytes(): Buffer;
}

/** One growing buffer instead of a Buffer a value: a build may have a million short tests. */
export function createByteList(): ByteList {
  let buffer: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  let length = 0;
  let ends: number[] = [];
  let flags: boolean[] = [];

  const put = (size: number, flag: boolean, write: (at: number) => void) => {
    const at = length === 0 ? 0 : length + 1;
    if (at + size > buffer.length) buffer = grown(buffer, length, at + size);
    if (at > 0) buffer[length] = COMMA;
    write(at);
    length = at + size;
    ends.push(length);
    flags.push(flag);
  };

  return {
    length: () => length,
    add(json, flag) {
      const at = length === 0 ? 0 : length + 1;
      // A unit of UTF-16 takes three bytes at most: room for that costs less than counting.
      if (at + json.length * 3 > buffer.length) buffer = grown(buffer, length, at + json.length * 3);
      if (at > 0) buffer[length] = COMMA;
      length = at + buffer.write(json, at);
      ends.push(length);
      flags.push(flag);
    },
    rewrite(change) {
      const old = { ends, flags };
      let start = 0;
      ends = [];
      flags = [];
      length = 0;
      // Over the same bytes: values only shrink, so what is written never runs ahead of what is read.
      for (const [index, end] of old.ends.entries()) {
        const flag = old.flags[index] ?? false;
        const json = change(buffer.subarray(start, end), flag);
        start = end + 1;
        if (json) put(json.length, flag, (at) => buffer.set(json, at));
      }
    },
    removeLast() {
      ends.pop();
      length = ends.at(-1) ?? 0;
      return flags.pop();
    },
    bytes: () => buffer.subarray(0, length),
  };
}

function grown(buffer: Buffer, used: number, wanted: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.max(wanted, Math.ceil(buffer.length * GROWTH)));
  buffer.copy(larger, 0, 0, used);
  return larger;
}
