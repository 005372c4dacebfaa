import { Buffer } from 'node:buffer';
import { XMLParser } from 'fast-xml-parser';
import { SamovarError } from '../../errors.ts';
import { createDecoder } from './decode.ts';
import { unpackedWhole } from './gunzip.ts';
import { DEPTH_MAX } from './limits.ts';
import type { TestResult } from './result.ts';
import { isSuite, type Markup, resultOfCase, rootElements } from './tree-cases.ts';

/** One suite as its file nests it. Counts are of what stands in it, at any depth, whatever its attributes claim. */
export interface SuiteNode {
  readonly name: string | undefined;
  /** Testcases, run or skipped. */
  readonly tests: number;
  readonly failures: number;
  readonly skipped: number;
  readonly properties: readonly { readonly name: string; readonly value: string }[];
  readonly children: readonly SuiteNode[];
}

export interface JunitTree {
  /** The same results, in the same order, as the streaming reader gives. */
  readonly tests: readonly TestResult[];
  /** One for each root element. */
  readonly suites: readonly SuiteNode[];
}

/** A tree takes some twenty times its file's memory. */
export const TREE_BYTES_MAX = 16 * 2 ** 20;

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  // References are expanded by values.ts: the five and numbers, never what a document defines.
  processEntities: false,
  cdataPropName: '#cdata',
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: DEPTH_MAX,
  stopNodes: ['*.system-out', '*.system-err'],
});

/**
 * Reads a whole document as a tree of suites, for people. For documents the streaming reader calls `ok`; it is more lenient than
 * this. Throws `too-large` past `bytesMax`, `malformed` and `refused` for what cannot be read.
 */
export function readJunitTree(bytes: Uint8Array, bytesMax = TREE_BYTES_MAX): JunitTree {
  const tests: TestResult[] = [];
  const suites = rootElements(parse(textOf(bytes, bytesMax))).map((root) =>
    suiteOf(root, { root, depth: 1, prefix: '' }, tests),
  );
  return { tests, suites };
}

function textOf(bytes: Uint8Array, bytesMax: number): string {
  const parts: string[] = [];
  const decoder = createDecoder({
    bytesMax,
    onBytes: (utf8: Buffer) => parts.push(utf8.toString('latin1')),
    stop: (status, reason) => {
      throw new SamovarError(
        status === 'too-large' ? 'too-large' : 'malformed',
        `the document cannot be shown as a tree: ${reason}`,
      );
    },
  });
  decoder.push(unpacked(bytes, bytesMax));
  decoder.end();
  return Buffer.from(parts.join(''), 'latin1').toString();
}

function unpacked(bytes: Uint8Array, bytesMax: number): Uint8Array {
  try {
    return unpackedWhole(bytes, bytesMax);
  } catch (cause) {
    throw new SamovarError(
      'malformed',
      'the document cannot be shown as a tree: its gzip cannot be unpacked',
      { cause },
    );
  }
}

function parse(text: string): unknown {
  if (/<!DOCTYPE[^>]*(\[|\s(SYSTEM|PUBLIC)\s)/i.test(text))
    throw new SamovarError('refused', 'the document declares a document type');
  try {
    return parser.parse(text);
  } catch (error) {
    throw new SamovarError('malformed', 'the document cannot be shown as a tree', { cause: error });
  }
}

interface Place {
  readonly root: Markup;
  readonly depth: number;
  /** What stands before the names of the cases here. */
  readonly prefix: string;
}

function suiteOf(element: Markup, place: Place, tests: TestResult[]): SuiteNode {
  const count = { tests: 0, failures: 0, skipped: 0 };
  const children: SuiteNode[] = [];
  const takeCase = (found: Markup, prefix: string) => {
    const result = resultOfCase(found, prefix);
    count.tests += 1;
    if (result === undefined) count.skipped += 1;
    else tests.push(result);
    if (result?.failed) count.failures += 1;
  };
  const walk = (parent: Markup, { depth, prefix }: Place) => {
    for (const child of parent.elements()) {
      const below: Place = { root: place.root, depth: depth + 1, prefix };
      if (child.local === 'testcase') takeCase(child, prefix);
      else if (isSuite(child, place.root, depth + 1)) {
        const node = suiteOf(
          child,
          { ...below, prefix: `${prefix}${child.attribute('name') ?? '<unspecified>'} ` },
          tests,
        );
        children.push(node);
        for (const key of ['tests', 'failures', 'skipped'] as const) count[key] += node[key];
      } else walk(child, below);
    }
  };
  if (element.local === 'testcase') takeCase(element, place.prefix);
  else walk(element, place);
  return { name: element.attribute('name'), ...count, properties: propertiesOf(element), children };
}

function propertiesOf(element: Markup): SuiteNode['properties'] {
  const lists = element.elements().filter(({ local }) => local === 'properties');
  return lists.flatMap((list) =>
    list
      .elements()
      .filter(({ local }) => local === 'property')
      .map((property) => ({
        name: property.attribute('name') ?? '',
        value: property.attribute('value') ?? '',
      })),
  );
}
