import protobuf from 'protobufjs';
import { keepUnknown, writeUnknown } from './wire-unknown.ts';

/**
 * Protobuf messages by a table of their fields, on protobufjs' reader and writer. Two things that its own messages do not do: scalars
 * that have their zero value are left out, as Go leaves them out, so that the bytes are the same; and 64-bit ids are bigints.
 */
export interface FieldSpec {
  readonly number: number;
  readonly name: string;
  readonly kind: Scalar | MessageSpec;
  readonly repeated?: boolean;
  /** Its zero value is there where the field is absent. */
  readonly always?: boolean;
}

/** `seconds` is an int64 that fits a JavaScript number: a time. */
export type Scalar = 'string' | 'int64' | 'int32' | 'seconds' | 'bool' | 'bytes';

/** Fields ascending by number. */
export interface MessageSpec {
  readonly fields: readonly FieldSpec[];
}

type Message = Readonly<Record<string, unknown>>;

const VARINT = 0;
const BYTES = 2;
const LOW_BITS = 32n;
const LOW_MASK = 0xffffffffn;

/** Field of a message spec, in the order of numbers: `[number, name, kind, 'repeated' | 'always']`. */
export function spec(
  ...fields: readonly (readonly [number, string, FieldSpec['kind'], ('repeated' | 'always')?])[]
): MessageSpec {
  return {
    fields: fields.map(([number, name, kind, more]) => ({
      number,
      name,
      kind,
      ...(more === 'repeated' && { repeated: true }),
      ...(more === 'always' && { always: true }),
    })),
  };
}

export function encodeMessage(message: Message, type: MessageSpec): Uint8Array {
  return write(protobuf.Writer.create(), message, type).finish();
}

function write(writer: protobuf.Writer, message: Message, { fields }: MessageSpec): protobuf.Writer {
  for (const field of fields) {
    const value = message[field.name];
    if (value === undefined || value === null) continue;
    if (field.repeated) writeList(writer, field, value as readonly unknown[]);
    else writeOne(writer, field, value);
  }
  writeUnknown(writer, message);
  return writer;
}

function writeList(writer: protobuf.Writer, field: FieldSpec, values: readonly unknown[]): void {
  if (values.length === 0) return;
  if (field.kind === 'int64') {
    writer.uint32((field.number << 3) | BYTES).fork();
    for (const value of values) writer.int64(longOf(value as bigint));
    writer.ldelim();
    return;
  }
  if (typeof field.kind === 'string') throw new Error(`a list of ${field.kind} has no writer`);
  for (const value of values) writeOne(writer, field, value);
}

function writeOne(writer: protobuf.Writer, { number, kind }: FieldSpec, value: unknown): void {
  if (typeof kind !== 'string') {
    write(writer.uint32((number << 3) | BYTES).fork(), value as Message, kind).ldelim();
    return;
  }
  if (isZero(value)) return;
  switch (kind) {
    case 'string':
      // Half a character would become bytes that are no UTF-8, and Go reads no message that has such.
      writer.uint32((number << 3) | BYTES).string((value as string).toWellFormed());
      break;
    case 'bytes':
      writer.uint32((number << 3) | BYTES).bytes(value as Uint8Array);
      break;
    case 'int64':
      writer.uint32((number << 3) | VARINT).int64(longOf(value as bigint));
      break;
    case 'seconds':
      writer.uint32((number << 3) | VARINT).int64(longOf(BigInt(value as number)));
      break;
    case 'int32':
      writer.uint32((number << 3) | VARINT).int32(value as number);
      break;
    case 'bool':
      writer.uint32((number << 3) | VARINT).bool(true);
      break;
  }
}

function isZero(value: unknown): boolean {
  return (
    value === 0 ||
    value === 0n ||
    value === false ||
    value === '' ||
    (value instanceof Uint8Array && value.length === 0)
  );
}

/** As protobufjs takes 64 bits: two halves. Throws RangeError for what needs more. */
function longOf(value: bigint): Long {
  if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} has more than 64 bits`);
  const bits = BigInt.asUintN(64, value);
  return { low: Number(bits & LOW_MASK) | 0, high: Number(bits >> LOW_BITS) | 0, unsigned: false } as Long;
}

type Long = Parameters<protobuf.Writer['int64']>[0];

const tables = new WeakMap<MessageSpec, ReadonlyMap<number, FieldSpec>>();

/** The fields of a message by their numbers. */
export function tableOf(type: MessageSpec): ReadonlyMap<number, FieldSpec> {
  const known = tables.get(type);
  if (known !== undefined) return known;
  const table = new Map(type.fields.map((field) => [field.number, field]));
  tables.set(type, table);
  return table;
}

/** Throws RangeError or Error where the bytes are no such message. Fields that the table does not know are kept for whoever encodes it again. */
export function decodeMessage(bytes: Uint8Array, type: MessageSpec): Message {
  return read(protobuf.Reader.create(bytes), bytes.length, type);
}

/** `known`: what an earlier part of the same message said. */
function read(reader: protobuf.Reader, end: number, type: MessageSpec, known?: Message): Message {
  const message: Record<string, unknown> = known ?? {};
  const table = tableOf(type);
  for (const { always, name, kind } of type.fields)
    if (always) message[name] ??= ZEROS[kind as Exclude<Scalar, 'bytes'>];
  while (reader.pos < end) {
    const begin = reader.pos;
    const tag = reader.uint32();
    if (tag >>> 3 === 0) throw new RangeError('there is no field 0');
    const field = table.get(tag >>> 3);
    const wireType = tag & 7;
    if (field === undefined || wireType !== wireOf(field, wireType)) {
      reader.skipType(wireType);
      keepUnknown(message, reader.buf.subarray(begin, reader.pos));
    } else if (field.repeated) readList(reader, field, wireType, listIn(message, field.name));
    else message[field.name] = readOne(reader, field.kind, message[field.name]);
  }
  if (reader.pos !== end) throw new RangeError(`a message ends at ${end}, its last field at ${reader.pos}`);
  return message;
}

const ZEROS = { string: '', int64: 0n, int32: 0, seconds: 0, bool: false } as const;

/** What the field must come as; a list of numbers may come either way. */
function wireOf({ kind, repeated }: FieldSpec, found: number): number {
  if (typeof kind !== 'string' || kind === 'string' || kind === 'bytes') return BYTES;
  return repeated && found === BYTES ? BYTES : VARINT;
}

function listIn(message: Record<string, unknown>, name: string): unknown[] {
  const list = (message[name] ?? []) as unknown[];
  message[name] = list;
  return list;
}

function readList(reader: protobuf.Reader, field: FieldSpec, wireType: number, list: unknown[]): void {
  if (typeof field.kind === 'string' && field.kind !== 'string' && wireType === BYTES) {
    const end = reader.uint32() + reader.pos;
    if (end > reader.len) throw new RangeError('a list ends after its message');
    while (reader.pos < end) list.push(readOne(reader, field.kind, undefined));
    return;
  }
  list.push(readOne(reader, field.kind, undefined));
}

/** A message that comes in two parts is one, as protobuf has it. */
function readOne(reader: protobuf.Reader, kind: Scalar | MessageSpec, before: unknown): unknown {
  if (typeof kind !== 'string') {
    const length = reader.uint32();
    const end = reader.pos + length;
    if (end > reader.len) throw new RangeError('a message ends after the one around it');
    return read(reader, end, kind, before as Message | undefined);
  }
  return readScalar(reader, kind);
}

export function readScalar(reader: protobuf.Reader, kind: Scalar): unknown {
  switch (kind) {
    case 'string':
      return reader.string();
    case 'bytes':
      return Uint8Array.from(reader.bytes());
    case 'int32':
      return reader.int32();
    case 'bool':
      return reader.bool();
    case 'int64':
      return bigintOf(reader.int64());
    case 'seconds':
      return secondsOf(reader.int64());
  }
}

interface Halves {
  readonly low: number;
  readonly high: number;
}

// Most ids have 32 bits, and times are numbers: arithmetic of big integers is what takes the time of reading them.
function bigintOf(value: unknown): bigint {
  if (typeof value === 'number') return BigInt(value);
  const { low, high } = value as Halves;
  if (high === 0) return BigInt(low >>> 0);
  return (BigInt(high) << LOW_BITS) | BigInt(low >>> 0);
}

function secondsOf(value: unknown): number {
  if (typeof value === 'number') return value;
  const { low, high } = value as Halves;
  return high * 2 ** 32 + (low >>> 0);
}
