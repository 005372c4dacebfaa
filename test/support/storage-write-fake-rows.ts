import protobuf from 'protobufjs/minimal.js';
import type { Field } from '../../pipeline/backends/warehouse/contract.ts';
import type { Row } from './bigquery-rows.ts';

/** As the protobuf loader gives a DescriptorProto. */
export interface Message {
  readonly name: string;
  readonly field: readonly MessageField[];
  readonly nestedType: readonly Message[];
}

interface MessageField {
  readonly name: string;
  readonly number: number;
  readonly label: string;
  readonly type: string;
  readonly typeName?: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly oneofIndex?: number;
  readonly defaultValue?: string;
  readonly extendee?: string;
}

const COLUMN_NAME = '.google.cloud.bigquery.storage.v1.columnName';
const TYPES = {
  STRING: 'TYPE_STRING',
  INTEGER: 'TYPE_INT64',
  FLOAT: 'TYPE_DOUBLE',
  BOOLEAN: 'TYPE_BOOL',
  TIMESTAMP: 'TYPE_INT64',
  RECORD: 'TYPE_MESSAGE',
};
const WIRE: Readonly<Record<string, number>> = {
  TYPE_INT64: 0,
  TYPE_BOOL: 0,
  TYPE_DOUBLE: 1,
  TYPE_STRING: 2,
  TYPE_MESSAGE: 2,
};
const SECONDS_MIN = -62_135_596_800;
const SECONDS_MAX = 253_402_300_800;

/** A field of the message with the column it writes. */
interface Pair {
  readonly field: MessageField;
  readonly column: Field;
  readonly inner: Plan | undefined;
}
export type Plan = ReadonlyMap<number, Pair>;

/** How rows of this message become rows of the table. Throws an Error where the two do not fit. */
export function planOf(message: Message, schema: readonly Field[], root: Message = message): Plan {
  const plan = new Map<number, Pair>();
  for (const field of message.field) {
    if (field.oneofIndex !== undefined || field.defaultValue !== undefined || field.extendee !== undefined)
      throw new Error(
        `Invalid proto schema: field ${field.name} has an invalid oneof index, default or extendee`,
      );
    const name = String(field.options?.[COLUMN_NAME] || field.name);
    const column = schema.find((each) => each.name.toLowerCase() === name.toLowerCase());
    if (column === undefined)
      throw new Error(`The source object has fields unknown to BigQuery: root.${name}.`);
    if (
      TYPES[column.type] !== field.type ||
      (column.mode === 'REPEATED') !== (field.label === 'LABEL_REPEATED')
    )
      throw new Error(
        `Schema mismatch: field ${name} is ${field.label} ${field.type}, the column ${column.type}`,
      );
    if (!/^[A-Za-z_]\w*$/.test(field.name)) throw new Error(`Invalid proto field name: ${field.name}`);
    const type = root.nestedType.filter((each) => each.name === field.typeName?.replace(/^\./, ''));
    if (column.type === 'RECORD' && type.length !== 1)
      throw new Error(`Invalid proto schema: ${type.length} types are called ${field.typeName}`);
    const [nested] = type;
    const inner = nested && planOf(nested, column.fields ?? [], root);
    if (plan.has(field.number))
      throw new Error(`Invalid proto schema: number ${field.number} is there twice`);
    plan.set(field.number, { field, column, inner });
  }
  for (const { name, mode } of schema)
    if (mode === 'REQUIRED' && ![...plan.values()].some(({ column }) => column.name === name))
      throw new Error(`The required field ${name} is missing in the proto message`);
  return plan;
}

/** One row out of its bytes. Throws an Error that says what is wrong with it. */
export function decodeRow(plan: Plan, bytes: Uint8Array): Row {
  const row: Record<string, unknown> = {};
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const pair = plan.get(tag >>> 3);
    if (pair === undefined) throw new Error(`unknown field number ${tag >>> 3}`);
    const { field, column } = pair;
    const wire = WIRE[field.type] ?? -1;
    const list = (row[column.name] as unknown[] | undefined) ?? [];
    if (column.mode !== 'REPEATED') row[column.name] = value(reader, pair, tag & 7);
    else if (wire !== 2 && (tag & 7) === 2) {
      const end = reader.uint32() + reader.pos;
      while (reader.pos < end) list.push(value(reader, pair, wire));
      row[column.name] = list;
    } else row[column.name] = [...list, value(reader, pair, tag & 7)];
  }
  for (const { column } of plan.values())
    if (column.mode === 'REQUIRED' && row[column.name] === undefined)
      throw new Error(`Field ${column.name}: required field is missing`);
  return row;
}

function value(reader: protobuf.Reader, { field, column, inner }: Pair, wire: number): unknown {
  if (wire !== WIRE[field.type]) throw new Error(`Field ${column.name}: wire type ${wire} for ${field.type}`);
  switch (field.type) {
    case 'TYPE_INT64':
      return column.type === 'TIMESTAMP' ? seconds(column, reader) : whole(reader.int64());
    case 'TYPE_BOOL':
      return reader.bool();
    case 'TYPE_DOUBLE':
      return reader.double();
    case 'TYPE_MESSAGE':
      return decodeRow(inner ?? new Map(), reader.bytes());
    default:
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(reader.bytes());
  }
}

function whole(read: unknown): number | string {
  const number = Number(String(read));
  return Number.isSafeInteger(number) ? number : String(read);
}

function seconds({ name }: Field, reader: protobuf.Reader): number {
  const found = Number(String(reader.int64())) / 1e6;
  if (found >= SECONDS_MIN && found < SECONDS_MAX) return found;
  throw new Error(`Field ${name}: timestamp out of range`);
}
