import { readFile } from 'node:fs/promises';
import protobuf from 'protobufjs';
import { shippedFile } from '../../config/shipped.ts';
import { SamovarError } from '../../errors.ts';
import { RouteError } from './status.ts';

/** Messages of schemas/drghs.proto between their bytes and their JSON. */
export interface Messages {
  /** Of plain fields in camelCase. */
  encode(type: string, fields: object): Buffer;
  /** Proto3's JSON: camelCase, enums by name, 64-bit numbers as texts, times in RFC 3339; what is not there is left out. Throws INTERNAL. */
  json(type: string, bytes: Uint8Array): object;
}

const PACKAGE = 'drghs.v1';
const COMMON = ['google/protobuf/timestamp.proto', 'google/protobuf/field_mask.proto'] as const;

/** Throws `config` when the installation is incomplete. */
export async function loadMessages(): Promise<Messages> {
  const file = shippedFile('schemas/drghs.proto');
  const root = new protobuf.Root();
  try {
    protobuf.parse(await readFile(file, 'utf8'), root, { keepCase: false });
  } catch (cause) {
    const remedy = 'The installation is incomplete: run `npm ci && npm run build` again, or check the image.';
    throw new SamovarError('config', `cannot read ${file}, which comes with Samovar`, {
      subject: file,
      remedy,
      cause,
    });
  }
  for (const name of COMMON) root.addJSON(protobuf.common.get(name)?.nested ?? {});
  root.resolveAll();
  const typeOf = (type: string) => root.lookupType(`${PACKAGE}.${type}`);
  return {
    encode: (type, fields) => Buffer.from(typeOf(type).encode(fields).finish()),
    json: (type, bytes) => {
      try {
        return jsonOf(typeOf(type), typeOf(type).decode(bytes));
      } catch (cause) {
        throw new RouteError('INTERNAL', 'the worker answered with what is no message', { cause });
      }
    },
  };
}

type Values = Readonly<Record<string, unknown>>;

function jsonOf(type: protobuf.Type, message: protobuf.Message): object {
  const values = message as unknown as Values;
  const found = type.fieldsArray
    .filter(
      ({ name, repeated }) =>
        Object.hasOwn(values, name) && (!repeated || (values[name] as readonly unknown[]).length > 0),
    )
    .map((field) => {
      const value = values[field.name];
      const one = (item: unknown) => valueJson(field, item);
      return [field.name, field.repeated ? (value as readonly unknown[]).map(one) : one(value)] as const;
    });
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}

function valueJson(field: protobuf.Field, value: unknown): unknown {
  const type = field.resolvedType;
  if (type instanceof protobuf.Enum) return type.valuesById[Number(value)] ?? value;
  if (type instanceof protobuf.Type) {
    if (type.fullName === '.google.protobuf.Timestamp') return timeJson(value as Values);
    return jsonOf(type, value as protobuf.Message);
  }
  return /64$/.test(field.type) ? String(value) : value;
}

/** With as many digits after the second as it needs; undefined outside of the years 1 to 9999. */
function timeJson({ seconds = 0, nanos = 0 }: Values): string | undefined {
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime()) || at.getUTCFullYear() < 1 || at.getUTCFullYear() > 9999) return undefined;
  const whole = at.toISOString().slice(0, 19);
  const digits = String(nanos)
    .padStart(9, '0')
    .replace(/(000){1,3}$/, '');
  return digits === '' ? `${whole}Z` : `${whole}.${digits}Z`;
}
