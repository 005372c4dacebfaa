import { SamovarError } from '../../errors.ts';

/**
 * A record in a segment: `REC@` + its own offset + `+` + the payload's length (both lowercase hex) + `=` + the payload. Nothing
 * between records, no checksum: the offset is what tells a record from bytes that look like one.
 */
const HEADER_BYTES_MAX = 40;
const HEADER = /^REC@(0|[1-9a-f][0-9a-f]*)\+(0|[1-9a-f][0-9a-f]*)=$/;
const EQUALS = 0x3d;
const PLUS = 0x2b;
const MAGIC_BYTES = 4;
/** No mutation of GitHub's comes near it. */
const PAYLOAD_BYTES_MAX = 64 * 2 ** 20;

export interface FramedRecord {
  readonly offset: number;
  /** Offset of the byte after it. */
  readonly end: number;
  /** A view of what was read with it: whoever keeps few of many records copies them. */
  readonly payload: Uint8Array;
}

/** The bytes of a record that begins at `offset`. */
export function frameRecord(offset: number, payload: Uint8Array): Uint8Array {
  const header = Buffer.from(`REC@${offset.toString(16)}+${payload.length.toString(16)}=`, 'latin1');
  return Buffer.concat([header, payload]);
}

/**
 * Records of bytes as they come, the first of which has the offset `start`. Memory holds one chunk and one record. Throws `malformed` with the
 * offset of the record that is torn or wrong; everything before it was given.
 */
export async function* readRecords(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { start = 0, name }: { readonly start?: number; readonly name: string },
): AsyncGenerator<FramedRecord> {
  let rest = Buffer.alloc(0);
  let offset = start;
  // How many bytes are needed before another look is worth it: else a long record would be copied for every chunk.
  let needed = 1;
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  for await (const chunk of chunks) {
    waiting.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    waitingBytes += chunk.length;
    if (rest.length + waitingBytes < needed) continue;
    rest = Buffer.concat([rest, ...waiting]);
    waiting = [];
    waitingBytes = 0;
    let at = 0;
    while (true) {
      const found = recordAt(rest, at, offset, name);
      if (typeof found === 'number') {
        needed = found;
        break;
      }
      yield found;
      at += found.end - found.offset;
      offset = found.end;
    }
    rest = rest.subarray(at);
  }
  const left = rest.length + waitingBytes;
  if (left > 0) throw broken(name, offset, `it ends after ${left} bytes of a record`);
}

/** The record at `at`, or how many bytes from there on it takes at least. */
function recordAt(bytes: Buffer, at: number, offset: number, name: string): FramedRecord | number {
  const left = bytes.length - at;
  if (left === 0) return 1;
  const equals = bytes.subarray(at, at + HEADER_BYTES_MAX).indexOf(EQUALS);
  if (equals < 0) {
    if (left >= HEADER_BYTES_MAX) throw broken(name, offset, 'there is no header of a record');
    return left + 1;
  }
  const size = sizeIn(bytes, at, at + equals, offset) ?? sizeSaid(bytes, at, at + equals, { offset, name });
  const begin = equals + 1;
  if (left < begin + size) return begin + size;
  // Of the reader's own copy, which all records that came in one chunk share: a log has millions of them.
  const payload = bytes.subarray(at + begin, at + begin + size);
  return { offset, end: offset + begin + size, payload };
}

/** The length in a header, if it is one of a record at that offset; most are, and are read without making a text of them. */
function sizeIn(bytes: Buffer, at: number, equals: number, offset: number): number | undefined {
  // REC@
  if (equals - at < MAGIC_BYTES || bytes.readUInt32BE(at) !== 0x52454340) return undefined;
  const begin = at + MAGIC_BYTES;
  const plus = bytes.indexOf(PLUS, begin);
  if (plus < 0 || hexIn(bytes, begin, plus) !== offset) return undefined;
  const size = hexIn(bytes, plus + 1, equals);
  return size !== undefined && size <= PAYLOAD_BYTES_MAX ? size : undefined;
}

const HEX_DIGITS_MAX = 13;

/** A number in lowercase hex, without zeros before it. */
function hexIn(bytes: Buffer, begin: number, end: number): number | undefined {
  if (end <= begin || end - begin > HEX_DIGITS_MAX || (bytes[begin] === 0x30 && end - begin > 1))
    return undefined;
  let value = 0;
  for (let at = begin; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte >= 0x30 && byte <= 0x39) value = value * 16 + byte - 0x30;
    else if (byte >= 0x61 && byte <= 0x66) value = value * 16 + byte - 0x57;
    else return undefined;
  }
  return value;
}

/** The same from the header as a text. Throws `malformed`, and says what is wrong with it. */
function sizeSaid(
  bytes: Buffer,
  at: number,
  equals: number,
  { offset, name }: { readonly offset: number; readonly name: string },
): number {
  const header = bytes.toString('latin1', at, equals + 1);
  const [, place = '', length = ''] = HEADER.exec(header) ?? [];
  if (place === '') throw broken(name, offset, `${JSON.stringify(header)} is no header of a record`);
  if (Number.parseInt(place, 16) !== offset)
    throw broken(name, offset, `a record is there that belongs at ${Number.parseInt(place, 16)}`);
  const size = Number.parseInt(length, 16);
  if (size > PAYLOAD_BYTES_MAX)
    throw broken(name, offset, `a record of ${size} bytes: more than ${PAYLOAD_BYTES_MAX}`);
  return size;
}

function broken(name: string, offset: number, reason: string): SamovarError {
  return new SamovarError('malformed', `${name} is damaged at byte ${offset}: ${reason}`, {
    subject: name,
    remedy: '`samovar mutation-log repair` keeps what is good and puts the rest aside.',
  });
}
