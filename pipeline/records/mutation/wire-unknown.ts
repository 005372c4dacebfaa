import protobuf from 'protobufjs';

/**
 * Fields of a message that its table does not know, as they were in the bytes: whoever encodes it again keeps them. A symbol, so that
 * nothing that looks through a message's fields takes it for one.
 */
export const UNKNOWN = Symbol('fields that are not known');

interface Keeping {
  [UNKNOWN]?: Uint8Array;
}

const VARINT = 0;
const FIXED_64 = 1;
const BYTES = 2;
const FIXED_32 = 5;

/** Keeps a field: its tag and its value. */
export function keepUnknown(message: object, bytes: Uint8Array): void {
  const keeping = message as Keeping;
  const before = keeping[UNKNOWN];
  keeping[UNKNOWN] = before === undefined ? Uint8Array.from(bytes) : Buffer.concat([before, bytes]);
}

/** Behind the fields that are known, as Go's protobuf does. */
export function writeUnknown(writer: protobuf.Writer, message: object): void {
  const bytes = (message as Keeping)[UNKNOWN];
  if (bytes === undefined) return;
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    writer.uint32(tag);
    // A group is its fields between two tags.
    if ((tag & 7) === VARINT) writer.uint64(reader.uint64());
    else if ((tag & 7) === FIXED_64) writer.fixed64(reader.fixed64());
    else if ((tag & 7) === BYTES) writer.bytes(reader.bytes());
    else if ((tag & 7) === FIXED_32) writer.fixed32(reader.fixed32());
  }
}
