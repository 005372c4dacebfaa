import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { compilePattern } from './regex.ts';
import { nearest } from './similar.ts';

/** A JSON Schema as read from schemas/config. */
export type JsonSchema = Readonly<Record<string, unknown>>;
/** Keys and positions from the top of a document down to a value. */
export type ValuePath = readonly string[];

/** One thing wrong in a value. */
export interface SchemaProblem {
  readonly path: ValuePath;
  /** Set when the key itself is wrong, not its value. */
  readonly key?: string;
  /** What was wrong, and what is allowed. */
  readonly text: string;
}

type Check = (value: unknown) => readonly SchemaProblem[];

const SHOWN_CHARS_MAX = 80;
/** Compiling takes longer than checking. */
const compiled = new WeakMap<JsonSchema, Check>();

/**
 * Makes a check of values against a schema. `"format": "regex"` means our own regular expressions. A problem says what is
 * allowed with the words of the schema's `description`, so each property of a schema must have one.
 */
export function compileSchema(schema: JsonSchema): Check {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  // The schemas are Samovar's own, and a test holds them against the meta-schema: here that would be most of a command's start.
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    allowUnionTypes: true,
    validateSchema: false,
    meta: false,
  });
  ajv.addFormat('regex', (source) => typeof compilePattern(source) !== 'string');
  const validate = ajv.compile(schema);
  const check: Check = (value) => (validate(value) ? [] : (validate.errors ?? []).flatMap(describe));
  compiled.set(schema, check);
  return check;
}

/** A value as a message shows it: one line, bounded. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value);
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}…`;
}

function describe(error: ErrorObject): readonly SchemaProblem[] {
  const path = pathOf(error.instancePath);
  const found = shown(error.data);
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(error.params.additionalProperty);
      return [{ path, key, text: unknownKey(key, Object.keys(propertiesOf(error))) }];
    }
    case 'required':
      return [{ path, text: `the key "${error.params.missingProperty}" is missing; it has to be given` }];
    case 'type':
      return [{ path, text: `must be ${typeName(error.params.type)}, not ${found}; ${allowed(error)}` }];
    case 'enum': {
      const values: unknown = error.params.allowedValues;
      const names = (Array.isArray(values) ? values : []).map(String);
      const near = nearest(String(error.data), names);
      return [{ path, text: `${found} is not known${hint(near)}; allowed: ${names.join(', ')}` }];
    }
    case 'format':
      return [{ path, text: `${found} is no usable regular expression: ${reasonOf(error.data)}` }];
    case 'pattern':
      return named(error, path, `${found} cannot be used; ${allowed(error)}`);
    // It only repeats what the failed key said by itself.
    case 'propertyNames':
      return [];
    default:
      return named(error, path, `${found} ${error.message ?? 'is wrong'}; ${allowed(error)}`);
  }
}

/** An error inside `propertyNames` is about the key of that name. */
function named(error: ErrorObject, path: ValuePath, text: string): readonly SchemaProblem[] {
  return [error.propertyName === undefined ? { path, text } : { path, key: error.propertyName, text }];
}

function unknownKey(key: string, known: readonly string[]): string {
  return `unknown key ${shown(key)}${hint(nearest(key, known))}; allowed: ${known.join(', ')}`;
}

function hint(near: string | undefined): string {
  return near === undefined ? '' : `, did you mean "${near}"?`;
}

function reasonOf(source: unknown): string {
  const pattern = compilePattern(String(source));
  return `${typeof pattern === 'string' ? pattern : 'unknown reason'}; allowed is RE2 syntax`;
}

function allowed(error: ErrorObject): string {
  const description: unknown = error.parentSchema?.description;
  return `allowed: ${typeof description === 'string' ? description : (error.message ?? '')}`;
}

function propertiesOf(error: ErrorObject): object {
  const properties: unknown = error.parentSchema?.properties;
  return typeof properties === 'object' && properties !== null ? properties : {};
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  object: 'a mapping (key: value)',
  array: 'a list',
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  null: 'nothing',
};

function typeName(type: unknown): string {
  const types = (Array.isArray(type) ? type : [type]).map(String).filter((name) => name !== 'null');
  return types.map((name) => TYPE_NAMES[name] ?? name).join(' or ');
}

/** Splits a JSON pointer. */
function pathOf(pointer: string): ValuePath {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}
