import type { protos } from '@google-cloud/bigquery-storage';
import protobuf from 'protobufjs/minimal.js';
import { SamovarError } from '../../errors.ts';
import type { JsonRecord } from './bigquery-append-rows.ts';
import { storageLibrary } from './bigquery-storage-write-client.ts';
import type { Field, TableSpec } from './contract.ts';
import { microsOf } from './times.ts';

export type Descriptor = protos.google.protobuf.IDescriptorProto;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const WIRE = {
  STRING: BYTES,
  INTEGER: VARINT,
  FLOAT: FIXED64,
  BOOLEAN: VARINT,
  TIMESTAMP: VARINT,
  RECORD: BYTES,
};
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** One a schema, not one a row. */
const descriptors = new WeakMap<readonly Field[], Descriptor>();

/**
 * The proto2 message of a table's rows: fields are numbered from 1 in the schema's order, on each level. Throws `config` for a
 * schema that the service's way of naming nested messages cannot tell apart.
 */
export function descriptorOf({ name, schema }: TableSpec): Descriptor {
  const known = descriptors.get(schema);
  if (known !== undefined) return known;
  const { adapt } = storageLibrary();
  const storageSchema = adapt.convertBigQuerySchemaToStorageTableSchema({ fields: schema.map(mutable) });
  const made = adapt.convertStorageSchemaToProto2Descriptor(storageSchema, 'row');
  // Nested messages are named by the columns that lead to them, joined with `_`: `a_b` may be one of two.
  if (
    made.nestedType.length !== countRecords(schema) ||
    made.nestedType.some((type) => !/^\w+$/.test(type.name ?? ''))
  )
    throw new SamovarError('config', `table ${name}: its nested columns cannot be told apart by name`, {
      subject: name,
      remedy: 'Rename a nested column, or write the table with load jobs (writer: load).',
    });
  // Plain: of the library's own object gRPC would also send what nobody set, such as membership in a oneof that is not there.
  const plain = made.toJSON() as Descriptor;
  descriptors.set(schema, plain);
  return plain;
}

/** A row, checked against the schema before, as the bytes of that message. Throws an Error that says which value cannot be sent. */
export function encodeRecord(schema: readonly Field[], row: Readonly<JsonRecord>): Uint8Array {
  const writer = protobuf.Writer.create();
  writeRecord(writer, schema, row);
  return writer.finish();
}

function writeRecord(writer: protobuf.Writer, schema: readonly Field[], record: Readonly<JsonRecord>): void {
  schema.forEach((field, at) => {
    const value = record[field.name];
    if (value === undefined || value === null) return;
    const number = at + 1;
    const wire = WIRE[field.type];
    if (field.mode !== 'REPEATED') writeTagged(writer, field, number, value);
    else if (wire === BYTES)
      for (const item of value as readonly unknown[]) writeTagged(writer, field, number, item);
    else {
      // Numbers of a list stand together behind one tag.
      writer.uint32((number << 3) | BYTES).fork();
      for (const item of value as readonly unknown[]) writeValue(writer, field, item);
      writer.ldelim();
    }
  });
}

function writeTagged(writer: protobuf.Writer, field: Field, number: number, value: unknown): void {
  writer.uint32((number << 3) | WIRE[field.type]);
  writeValue(writer, field, value);
}

function writeValue(writer: protobuf.Writer, field: Field, value: unknown): void {
  switch (field.type) {
    case 'STRING':
      writer.string(String(value));
      return;
    case 'INTEGER':
      writer.int64(int64(field, value));
      return;
    case 'FLOAT':
      writer.double(float(value));
      return;
    case 'BOOLEAN':
      writer.bool(value === true || String(value).toLowerCase() === 'true');
      return;
    case 'TIMESTAMP':
      writer.int64(String(microsOf(value, field.name)));
      return;
    case 'RECORD':
      writer.fork();
      writeRecord(writer, field.fields ?? [], value as JsonRecord);
      writer.ldelim();
  }
}

function int64({ name }: Field, value: unknown): number | string {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  const whole = BigInt(String(value).replace(/^\+/, ''));
  if (whole < INT64_MIN || whole > INT64_MAX)
    throw new Error(`${name} is ${whole}, which has more than 64 bits`);
  return String(whole);
}

function float(value: unknown): number {
  const text = String(value).trim();
  const word = /^([+-]?)(?:(inf|infinity)|nan)$/i.exec(text);
  if (word === null) return Number(text);
  if (word[2] === undefined) return Number.NaN;
  return word[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

function countRecords(fields: readonly Field[]): number {
  return fields.reduce(
    (sum, { type, fields: inner = [] }) => sum + Number(type === 'RECORD') + countRecords(inner),
    0,
  );
}

/** The library's types know no readonly, nor the descriptions' undefined. */
function mutable(field: Field): { name: string; type: Field['type']; mode?: string; fields?: object[] } {
  const { name, type, mode, fields } = field;
  return {
    name,
    type,
    ...(mode !== undefined && { mode }),
    ...(fields !== undefined && { fields: fields.map(mutable) }),
  };
}
