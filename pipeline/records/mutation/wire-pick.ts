import protobuf from 'protobufjs';
import { type FieldSpec, type MessageSpec, readScalar, type Scalar } from './wire.ts';

/**
 * Reads of a message what a table names, and passes over all else: as `decodeMessage`, which keeps the rest for whoever encodes it
 * again. For what is only looked at: a replay and a page of issues read millions of fields.
 */
export function pickMessage(bytes: Uint8Array, type: MessageSpec): Readonly<Record<string, unknown>> {
  return pick(protobuf.Reader.create(bytes), bytes.length, compiledOf(type), {});
}

type Picked = Record<string, unknown>;

/** A table made ready: what is looked up for each field is looked up once. */
interface Compiled {
  /** By number; numbers that are larger are in `far`. */
  readonly near: readonly (CompiledField | undefined)[];
  readonly far: ReadonlyMap<number, CompiledField>;
  readonly always: readonly (readonly [name: string, zero: unknown])[];
}

interface CompiledField {
  readonly name: string;
  readonly repeated: boolean;
  /** What it comes as. */
  readonly wireType: number;
  readonly scalar: Scalar | undefined;
  readonly message: MessageSpec | undefined;
}

const VARINT = 0;
const BYTES = 2;
const NEAR = 64;
const ZEROS = { string: '', int64: 0n, int32: 0, seconds: 0, bool: false } as const;
const compiled = new WeakMap<MessageSpec, Compiled>();

function compiledOf(type: MessageSpec): Compiled {
  const known = compiled.get(type);
  if (known !== undefined) return known;
  const near: (CompiledField | undefined)[] = Array.from({ length: NEAR }, () => undefined);
  const far = new Map<number, CompiledField>();
  for (const field of type.fields) {
    if (field.number < NEAR) near[field.number] = compile(field);
    else far.set(field.number, compile(field));
  }
  const always = type.fields
    .filter((field) => field.always === true)
    .map(({ name, kind }) => [name, ZEROS[kind as Exclude<Scalar, 'bytes'>]] as const);
  const made = { near, far, always };
  compiled.set(type, made);
  return made;
}

function compile({ name, kind, repeated = false }: FieldSpec): CompiledField {
  const scalar = typeof kind === 'string' ? kind : undefined;
  const isBytes = scalar === undefined || scalar === 'string' || scalar === 'bytes';
  return {
    ...{ name, repeated, scalar, wireType: isBytes ? BYTES : VARINT },
    message: typeof kind === 'string' ? undefined : kind,
  };
}

function pick(reader: protobuf.Reader, end: number, { near, far, always }: Compiled, into: Picked): Picked {
  for (const [name, zero] of always) into[name] ??= zero;
  while (reader.pos < end) {
    const tag = reader.uint32();
    const number = tag >>> 3;
    const wireType = tag & 7;
    if (number === 0) throw new RangeError('there is no field 0');
    const field = number < NEAR ? near[number] : far.get(number);
    if (field === undefined) reader.skipType(wireType);
    else if (field.repeated && wireType === BYTES && field.wireType === VARINT) packed(reader, field, into);
    else if (wireType !== field.wireType) reader.skipType(wireType);
    else if (field.repeated) listIn(into, field.name).push(one(reader, field, undefined));
    else into[field.name] = one(reader, field, into[field.name]);
  }
  if (reader.pos !== end) throw new RangeError(`a message ends at ${end}, its last field at ${reader.pos}`);
  return into;
}

function packed(reader: protobuf.Reader, field: CompiledField, into: Picked): void {
  const end = reader.uint32() + reader.pos;
  if (end > reader.len) throw new RangeError('a list ends after its message');
  const list = listIn(into, field.name);
  while (reader.pos < end) list.push(one(reader, field, undefined));
}

function listIn(into: Picked, name: string): unknown[] {
  const list = (into[name] ?? []) as unknown[];
  into[name] = list;
  return list;
}

/** A message that comes in two parts is one, as protobuf has it. */
function one(reader: protobuf.Reader, { scalar, message }: CompiledField, before: unknown): unknown {
  if (message !== undefined) {
    const end = reader.uint32() + reader.pos;
    if (end > reader.len) throw new RangeError('a message ends after the one around it');
    return pick(reader, end, compiledOf(message), (before ?? {}) as Picked);
  }
  return readScalar(reader, scalar ?? 'int64');
}
