import { XMLValidator } from 'fast-xml-parser';
import type { ServedBucket } from '../bench/corpus/index.ts';

/** One `testcase` as its text says, found without any JUnit reader: evidence must not come from the code under test. */
export interface CaseFact {
  readonly file: FileFact;
  readonly name: string;
  readonly tag: string;
  readonly body: string;
}

export interface FileFact {
  /** Below the build's folder. */
  readonly name: string;
  readonly text: string;
  /** Kettle can parse it. */
  readonly isWellFormed: boolean;
}

/** What the bucket holds about one build. */
export interface BuildFacts {
  readonly path: string;
  readonly files: readonly FileFact[];
  readonly cases: readonly CaseFact[];
  readonly finished: Readonly<Record<string, unknown>> | undefined;
  /** Other builds of the job whose id begins with this build's. */
  readonly longerSiblings: readonly BuildFacts[];
}

const CASE =
  /<(?:\w+:)?testcase((?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(?:\/>|>([\s\S]*?)<\/(?:\w+:)?testcase>)/g;
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;
const LESS_THAN_IN_ATTRIBUTE =
  /<[\w:.-]+(?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*\s+[\w:.-]+\s*=\s*(?:"[^"<]*<|'[^'<]*<)/;
const LOOSE_AMPERSAND = /&(?!#\d+;|#x[0-9a-fA-F]+;|amp;|lt;|gt;|quot;|apos;)/;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Reads the facts of a build out of the bucket it lies in. */
export function factsOf(buckets: ReadonlyMap<string, ServedBucket>, path: string): BuildFacts {
  const [, bucketName = '', folder = ''] = /^gs:\/\/([^/]+)\/(.+)$/.exec(path) ?? [];
  const bucket = buckets.get(bucketName);
  if (bucket === undefined) return { path, files: [], cases: [], finished: undefined, longerSiblings: [] };
  const siblings = new Set(
    bucket.names
      .filter((name) => name.startsWith(folder) && /^[^/]/.test(name.slice(folder.length)))
      .map((name) => siblingOf(name, folder)),
  );
  const own = ownFacts(bucket, bucketName, folder);
  return { ...own, longerSiblings: [...siblings].map((sibling) => ownFacts(bucket, bucketName, sibling)) };
}

function siblingOf(name: string, folder: string): string {
  return name.slice(0, name.indexOf('/', folder.length));
}

function ownFacts(bucket: ServedBucket, bucketName: string, folder: string): BuildFacts {
  const names = bucket.names.filter(
    (name) => name.startsWith(`${folder}/artifacts/`) && name.endsWith('.xml'),
  );
  const files = names.map((name) =>
    fileFact(name.slice(folder.length + 1), bucket.read(name) ?? Buffer.alloc(0)),
  );
  return {
    path: `gs://${bucketName}/${folder}`,
    files,
    cases: files.flatMap(casesOf),
    finished: documentOf(bucket.read(`${folder}/finished.json`)),
    longerSiblings: [],
  };
}

function fileFact(name: string, bytes: Buffer): FileFact {
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  const text = bytes.toString(utf16 ? 'utf16le' : 'utf8').replace(/^\ufeff/, '');
  return { name, text, isWellFormed: !utf16 && isWellFormed(text) };
}

/** Whether Kettle's parser takes it. The validator lets pass what the expressions look for. */
function isWellFormed(text: string): boolean {
  if (CONTROL.test(text) || XMLValidator.validate(text) !== true) return false;
  const plain = text.replace(/<!\[CDATA\[.*?\]\]>|<!--.*?-->/gs, '');
  return !LESS_THAN_IN_ATTRIBUTE.test(plain) && !LOOSE_AMPERSAND.test(plain);
}

function casesOf(file: FileFact): readonly CaseFact[] {
  return [...file.text.matchAll(CASE)].map(([, tag = '', body = '']) => ({
    file,
    tag,
    body,
    name: attributeOf(tag, 'name') ?? '<unspecified>',
  }));
}

/** The value of an attribute in a tag's text, its entities resolved. */
export function attributeOf(tag: string, attribute: string): string | undefined {
  const [, double, single] = new RegExp(`\\s${attribute}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(tag) ?? [];
  return (double ?? single)?.replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    return String.fromCodePoint(Number.parseInt(hex ?? decimal, hex === undefined ? 10 : 16));
  });
}

function documentOf(bytes: Buffer | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(String(bytes));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
