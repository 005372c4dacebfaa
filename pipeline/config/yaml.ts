import { createReadStream } from 'node:fs';
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { SamovarError } from '../errors.ts';
import { compileSchema, type JsonSchema, type ValuePath } from './schema.ts';

export const CONFIG_BYTES_MAX = 1 << 20;
/** Aliases may multiply a document only so far: a bomb of them stays small. */
const ALIASES_MAX = 100;
const PROBLEMS_SHOWN_MAX = 50;

export interface ConfigText {
  /** As messages name it. */
  readonly file: string;
  readonly schema: JsonSchema;
  /** A file without any value is an empty mapping, no problem: everything in it is commented out. */
  readonly mayBeEmpty?: boolean;
}

/** A document that its schema accepts. */
export interface ConfigDocument {
  /** Plain objects, lists, texts, numbers, booleans and nulls. */
  readonly value: unknown;
  /** Notes something wrong at a value, or at the key `key` of the mapping there. */
  report(path: ValuePath, text: string, key?: string): void;
  /** Throws one `config` error with everything that was reported. */
  finish(): void;
}

interface Problem {
  readonly offset: number;
  readonly text: string;
}

/**
 * Reads YAML and checks it. Throws one `config` error that lists every problem as `FILE:LINE:COLUMN: what was wrong; what is
 * allowed`, in the order of the file.
 */
export function parseConfig(text: string, { file, schema, mayBeEmpty = false }: ConfigText): ConfigDocument {
  const lines = new LineCounter();
  const problems: Problem[] = [];
  const finish = () => {
    if (problems.length > 0) throw problemsError(file, lines, problems);
  };
  const document = parse(file, text, lines);
  for (const { pos, message } of [...document.errors, ...document.warnings]) {
    problems.push({ offset: pos[0], text: `${plain(message)}; allowed is YAML 1.2` });
  }
  finish();
  const isEmpty = isNothing(document.contents);
  if (isEmpty && !mayBeEmpty) {
    problems.push({ offset: 0, text: `the file is empty; allowed: ${String(schema.description)}` });
    finish();
  }
  const value = isEmpty ? {} : toValue(file, document);
  const report = (path: ValuePath, what: string, key?: string) => {
    problems.push({ offset: offsetOf(document, path, key), text: `${labelOf(path)}${what}` });
  };
  for (const { path, key, text: what } of compileSchema(schema)(value)) report(path, what, key);
  finish();
  return { value, report, finish };
}

/** Reads and checks a file of at most 1 MiB of UTF-8. Throws `config`, also when the file cannot be read. */
export async function readConfig(path: string, text: ConfigText): Promise<ConfigDocument> {
  return parseConfig(await readConfigText(path, text.file), text);
}

/** A file of at most 1 MiB of UTF-8; `file` is its name in messages. Throws `config` when it cannot be read. */
export async function readConfigText(path: string, file: string): Promise<string> {
  return decode(file, await readBounded(path, file));
}

function parse(file: string, text: string, lines: LineCounter): Document {
  try {
    return parseDocument(text, { lineCounter: lines, prettyErrors: false });
  } catch (cause) {
    throw unusable(file, 'it is nested too deeply to be read', cause);
  }
}

function isNothing(contents: unknown): boolean {
  return contents === null || (isScalar(contents) && contents.value === null);
}

function toValue(file: string, document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (cause) {
    throw unusable(
      file,
      `its aliases (*name) cannot be resolved, or there are more than ${ALIASES_MAX}`,
      cause,
    );
  }
}

function unusable(file: string, why: string, cause: unknown): SamovarError {
  const remedy = 'Write the values out in full.';
  return new SamovarError('config', `${file}:1:1: ${why}`, { subject: file, remedy, cause });
}

function problemsError(file: string, lines: LineCounter, problems: readonly Problem[]): SamovarError {
  const sorted = [...problems].sort((a, b) => a.offset - b.offset);
  const listed = sorted.slice(0, PROBLEMS_SHOWN_MAX).map(({ offset, text }) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}: ${text}`;
  });
  const more = sorted.length - listed.length;
  if (more > 0) listed.push(`… and ${more} more`);
  const count = sorted.length === 1 ? 'one problem' : `${sorted.length} problems`;
  return new SamovarError('config', `cannot use ${file}, it has ${count}:\n${listed.join('\n')}`, {
    subject: file,
    remedy: 'Correct the lines named above; docs/configuration.md describes every key.',
  });
}

/** Where in the text a value or a key begins; the nearest enclosing value when it is not written down itself. */
function offsetOf(document: Document, path: ValuePath, key: string | undefined): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const step of [...path, ...(key === undefined ? [] : [key])]) {
    const resolved = isAlias(node) ? node.resolve(document) : node;
    if (isMap(resolved)) {
      const pair = resolved.items.find((item) => isScalar(item.key) && String(item.key.value) === step);
      offset = startOf(pair?.key) ?? offset;
      node = pair?.value;
    } else if (isSeq(resolved)) {
      node = resolved.items[Number(step)];
      offset = startOf(node) ?? offset;
    } else break;
  }
  return key === undefined ? (startOf(node) ?? offset) : offset;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

/** `gs://b/logs/ → exclude_jobs → 2: `, so that a message can be read without its file. */
function labelOf(path: ValuePath): string {
  return path.length === 0 ? '' : `${path.join(' → ')}: `;
}

/** The parser's message without its own position and excerpt. */
function plain(message: string): string {
  return message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? message;
}

/** Pipes too (`--buckets <(…)`), so the size is known only after reading. */
async function readBounded(path: string, file: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path)) {
      const part = Buffer.from(chunk as Uint8Array);
      chunks.push(part);
      bytes += part.length;
      if (bytes > CONFIG_BYTES_MAX) break;
    }
  } catch (cause) {
    throw unreadable(file, cause);
  }
  if (bytes <= CONFIG_BYTES_MAX) return Buffer.concat(chunks);
  throw new SamovarError('config', `${file} is larger than 1 MiB: no configuration is`, {
    subject: file,
    remedy: 'Check that the path names the right file.',
  });
}

function unreadable(file: string, cause: unknown): SamovarError {
  if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
    const remedy =
      'Check the path (relative to where the command runs), or create the file as docs/configuration.md shows.';
    return new SamovarError('config', `there is no file ${file}`, { subject: file, remedy });
  }
  const remedy = 'Make it a file that this user can read.';
  return new SamovarError('config', `cannot read ${file}`, { subject: file, remedy, cause });
}

function decode(file: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new SamovarError('config', `${file} is not UTF-8 text`, {
      subject: file,
      remedy: 'Save it as UTF-8.',
      cause,
    });
  }
}
