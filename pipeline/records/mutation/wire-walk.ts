import { type FieldSpec, type MessageSpec, tableOf } from './wire.ts';

const VARINT = 0;
const FIXED_64 = 1;
const BYTES = 2;
const FIXED_32 = 5;
const VARINT_BYTES_MAX = 10;

/** Where a walk is, and the field that it has just passed. */
export interface Walk {
  readonly bytes: Uint8Array;
  at: number;
  /** Where the field begins: its tag. */
  tag: number;
  /** Where its value begins, and ends. */
  begin: number;
  end: number;
}

export function startWalk(bytes: Uint8Array): Walk {
  return { bytes, at: 0, tag: 0, begin: 0, end: 0 };
}

/**
 * Passes one field of a message that ends at `end`. Gives what the table knows it as; undefined for what a reader passes over. Throws
 * RangeError where there is no field; groups, which nobody writes, are none here.
 */
export function passField(
  walk: Walk,
  end: number,
  table: ReadonlyMap<number, FieldSpec>,
): FieldSpec | undefined {
  walk.tag = walk.at;
  const head = varint(walk);
  const number = Math.floor(head / 8);
  if (number === 0 || number >= 2 ** 29) throw new RangeError(`there is no field ${number}`);
  const wireType = head % 8;
  const length = wireType === BYTES ? varint(walk) : 0;
  walk.begin = walk.at;
  if (wireType === VARINT) varint(walk);
  else if (wireType === BYTES) walk.at += length;
  else if (wireType === FIXED_64) walk.at += 8;
  else if (wireType === FIXED_32) walk.at += 4;
  else throw new RangeError(`there is no field of type ${wireType}`);
  walk.end = walk.at;
  if (walk.end > end) throw new RangeError('a field ends after its message');
  const field = table.get(number);
  return field !== undefined && isOfType(field, wireType) ? field : undefined;
}

/** Throws RangeError where bytes in the middle of others are no such message: what it takes, `decodeMessage` takes. */
export function assertMessage(walk: Walk, end: number, type: MessageSpec): void {
  const table = tableOf(type);
  while (walk.at < end) {
    const field = passField(walk, end, table);
    if (field === undefined) continue;
    const { begin, end: stop } = walk;
    if (typeof field.kind !== 'string') {
      walk.at = begin;
      assertMessage(walk, stop, field.kind);
    } else if (field.repeated === true) assertNumbers(walk, begin, stop);
  }
}

function isOfType({ kind, repeated }: FieldSpec, wireType: number): boolean {
  if (typeof kind !== 'string' || kind === 'string' || kind === 'bytes') return wireType === BYTES;
  return wireType === VARINT || (repeated === true && wireType === BYTES);
}

function assertNumbers(walk: Walk, begin: number, end: number): void {
  walk.at = begin;
  while (walk.at < end) varint(walk);
  if (walk.at !== end) throw new RangeError('a list ends within a number');
}

/** About: past 2^53 its last digits are lost. */
function varint(walk: Walk): number {
  const { bytes } = walk;
  let byte = bytes[walk.at++];
  if (byte !== undefined && byte < 0x80) return byte;
  let value = 0;
  for (let count = 1, unit = 1; byte !== undefined; count += 1, unit *= 128) {
    value += (byte & 0x7f) * unit;
    if (byte < 0x80) return value;
    if (count === VARINT_BYTES_MAX) throw new RangeError('a number has more than 64 bits');
    byte = bytes[walk.at++];
  }
  throw new RangeError('a number has no end');
}
