import { isDeepStrictEqual } from 'node:util';
import { type Document, isMap, isScalar, type Pair, parse, parseAllDocuments, Scalar } from 'yaml';
import { SamovarError } from '../../../errors.ts';

/** Keys and positions from the top of a document down to a value. */
export type Path = readonly (string | number)[];

export interface Splice {
  /** What is cut out. */
  readonly range: readonly [from: number, to: number];
  readonly text: string;
}

/**
 * The documents of a file. Throws `malformed` where it is no YAML, or YAML of which a piece cannot be changed alone. What is written
 * back is never made from these: only a piece of the text changes, so comments, order and quotes stay.
 */
export function documentsOf(text: string, file: string): readonly Document.Parsed[] {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return [];
  const [problem] = documents.flatMap(({ errors }) => errors);
  if (problem === undefined) return documents;
  throw unusable(file, problem.message.split('\n')[0] ?? problem.message);
}

/** Cuts, and reads the file again: exactly the values of `wanted` must be in it. Throws `malformed` where more than that changed. */
export function spliced(text: string, splice: Splice, wanted: readonly unknown[], file: string): string {
  const [from, to] = splice.range;
  const after = text.slice(0, from) + splice.text + text.slice(to);
  const found = documentsOf(after, file).map((document) => document.toJS() as unknown);
  if (isDeepStrictEqual(found, wanted)) return after;
  throw unusable(file, 'the value cannot be changed alone: others refer to it');
}

/** A text as YAML, in the quotes that the old one has; in some where a plain one would be read as a number, a date or a truth. */
export function scalarText(value: string | number, like: unknown): string {
  if (typeof value === 'number') return String(value);
  const type = isScalar(like) ? like.type : undefined;
  if (type === Scalar.QUOTE_SINGLE) return `'${value.replaceAll("'", "''")}'`;
  if (type === Scalar.QUOTE_DOUBLE || !isPlainText(value)) return JSON.stringify(value);
  return value;
}

/** kustomize reads YAML by older rules (1.1: `yes`, `0o7`, `1_000`, dates) as well as by newer ones. */
function isPlainText(value: string): boolean {
  if (/^[0-9.+-]/.test(value) && /^[0-9_.:eExXoOa-fA-F+-]+$/.test(value)) {
    // What has the letters of a number only may be one to some reader: 1e10, 0x1f, 1_000, 12:30, 2024-01-01. 1.2.3 is to none.
    if (!/^[0-9]+\.[0-9]+\.[0-9]+$/.test(value)) return false;
  }
  if (/^(y|n|yes|no|on|off|true|false|null|nan|inf)$/i.test(value)) return false;
  return (['1.1', '1.2'] as const).every((version) => isText(value, version));
}

function isText(value: string, version: '1.1' | '1.2'): boolean {
  try {
    const found: unknown = parse(`k: ${value}\n`, { version });
    return isDeepStrictEqual(found, { k: value });
  } catch {
    return false;
  }
}

/** The pair of a key in a mapping; undefined where there is none. */
export function pairOf(node: unknown, key: string): Pair | undefined {
  if (!isMap(node)) return undefined;
  return node.items.find((item) => isScalar(item.key) && item.key.value === key);
}

/** Where a scalar stands. Throws `malformed` for one that spans lines, or only refers to another. */
export function scalarRange(node: unknown, what: string, file: string): readonly [number, number] {
  const isSimple =
    isScalar(node) && [Scalar.PLAIN, Scalar.QUOTE_DOUBLE, Scalar.QUOTE_SINGLE].includes(node.type as never);
  if (!isSimple || !node.range || node.anchor !== undefined)
    throw unusable(file, `${what} is not written as one plain value`);
  return [node.range[0], node.range[1]];
}

export function unusable(file: string, why: string): SamovarError {
  return new SamovarError('malformed', `${file} cannot be changed: ${why}`, {
    subject: file,
    remedy: 'Change it by hand, or correct the file.',
  });
}
