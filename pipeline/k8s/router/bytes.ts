import protobuf from 'protobufjs';
import { RouteError } from './status.ts';

/** One field of a message, as it is on the wire. */
export interface Field {
  readonly number: number;
  readonly wire: number;
  /** Of texts, bytes and messages. */
  readonly bytes?: Uint8Array;
  /** Of a varint, as an int32. */
  readonly value?: number;
}

const VARINT = 0;
const LENGTH_DELIMITED = 2;

/** The fields of a message in their order, without knowing its type. Throws INVALID_ARGUMENT for bytes that are no message. */
export function fieldsOf(message: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  try {
    const reader = protobuf.Reader.create(message);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      const [number, wire] = [tag >>> 3, tag & 7];
      if (number === 0) throw new RangeError('field 0');
      if (wire === LENGTH_DELIMITED) fields.push({ number, wire, bytes: reader.bytes() });
      else if (wire === VARINT) fields.push({ number, wire, value: reader.int32() });
      else {
        reader.skipType(wire);
        fields.push({ number, wire });
      }
    }
  } catch (cause) {
    throw new RouteError('INVALID_ARGUMENT', 'these bytes are no protobuf message', { cause });
  }
  return fields;
}

/** The last one counts, as protobuf has it; '' when there is none. */
export function textOf(message: Uint8Array, number: number): string {
  const found = fieldsOf(message).findLast((field) => field.number === number)?.bytes;
  return found === undefined ? '' : Buffer.from(found).toString('utf8');
}
