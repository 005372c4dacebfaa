import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import { MUTATION } from '../../../pipeline/records/mutation/messages.ts';
import type { FieldSpec, MessageSpec } from '../../../pipeline/records/mutation/wire.ts';

const FILE = 'schemas/maintner.proto';
/** Names that are lists with us. */
const LISTS: Readonly<Record<string, string>> = {
  comments: 'comment',
  events: 'event',
  reviews: 'review',
  addLabels: 'addLabel',
  removeLabels: 'removeLabel',
};
const TIME = new Set(['google.protobuf.Timestamp', '.google.protobuf.Timestamp']);

/** Every field by its path: number, type, and whether it is a list. */
function fromTable({ fields }: MessageSpec): Record<string, unknown> {
  return Object.fromEntries(
    fields.map(({ name, number, kind, repeated = false }: FieldSpec) => [
      LISTS[name] ?? name,
      { number, repeated, kind: typeof kind === 'string' ? kind : fromTable(kind) },
    ]),
  );
}

function fromProto(type: protobuf.Type): Record<string, unknown> {
  return Object.fromEntries(
    type.fieldsArray.map((field) => [
      field.name,
      { number: field.id, repeated: field.repeated, kind: kindOf(type, field) },
    ]),
  );
}

function kindOf(type: protobuf.Type, field: protobuf.Field): unknown {
  if (TIME.has(field.type)) {
    return {
      seconds: { number: 1, repeated: false, kind: 'seconds' },
      nanos: { number: 2, repeated: false, kind: 'int32' },
    };
  }
  const scalar = field.type in protobuf.types.basic;
  return scalar ? field.type : fromProto(type.lookupType(field.type));
}

test('schemas/maintner.proto and the codec have the same fields', () => {
  const { root } = protobuf.parse(readFileSync(FILE, 'utf8'));
  expect(fromProto(root.lookupType('maintpb.Mutation'))).toEqual(fromTable(MUTATION));
});
