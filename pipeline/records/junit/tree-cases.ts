import { readSeconds } from './numbers.ts';
import { failureText, resultOf, type TestResult, UNNAMED } from './result.ts';
import { meaningOf } from './values.ts';

/** One element of a parsed document. */
export interface Markup {
  /** Its name without a namespace's prefix. */
  readonly local: string;
  attribute(name: string): string | undefined;
  elements(): readonly Markup[];
  /** The text before the first child element; `undefined` when there is none. */
  leadingText(): string | undefined;
}

const TEXT = '#text';
const CDATA = '#cdata';
const ATTRIBUTES = ':@';

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** The elements in one level of the parser's ordered output. */
export function rootElements(parsed: unknown): readonly Markup[] {
  return recordsOf(parsed).flatMap((node) => {
    const name = nameOf(node);
    return name === undefined || name === TEXT || name === CDATA ? [] : [markupOf(name, node)];
  });
}

function recordsOf(parsed: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(parsed) ? parsed.filter(isRecord) : [];
}

function nameOf(node: Readonly<Record<string, unknown>>): string | undefined {
  return Object.keys(node).find((key) => key !== ATTRIBUTES);
}

function markupOf(name: string, node: Readonly<Record<string, unknown>>): Markup {
  const attributes = node[ATTRIBUTES];
  return {
    local: name.slice(name.lastIndexOf(':') + 1),
    attribute: (wanted) => {
      const value = isRecord(attributes) ? attributes[wanted] : undefined;
      return typeof value === 'string' ? meaningOf(value, 'attribute') : undefined;
    },
    elements: () => rootElements(node[name]),
    leadingText: () => leadingText(recordsOf(node[name])),
  };
}

function leadingText(nodes: readonly Readonly<Record<string, unknown>>[]): string | undefined {
  let text: string | undefined;
  for (const node of nodes) {
    const name = nameOf(node);
    if (name !== TEXT && name !== CDATA) break;
    const inner = name === CDATA ? recordsOf(node[CDATA]).map((part) => part[TEXT]) : [node[TEXT]];
    for (const part of inner)
      text = (text ?? '') + meaningOf(String(part ?? ''), name === CDATA ? 'cdata' : 'text');
  }
  return text;
}

/** Whether an element names the cases in it. Directly under `testsuites` any element does, as in Kettle. */
export function isSuite(element: Markup, root: Markup, depth: number): boolean {
  const { local } = element;
  return (
    local === 'testsuite' ||
    local === 'testsuites' ||
    (depth === 2 && root.local === 'testsuites' && !MEANINGFUL.has(local))
  );
}

const MEANINGFUL: ReadonlySet<string> = new Set([
  'testcase',
  'skipped',
  'failure',
  'error',
  'flakyFailure',
  'flakyError',
  'rerunFailure',
  'rerunError',
  'system-out',
  'system-err',
  'properties',
]);

/** The result of a `testcase`, `undefined` when it did not run. `prefix` stands before its name. */
export function resultOfCase(element: Markup, prefix: string): TestResult | undefined {
  const children = element.elements();
  const has = (...names: readonly string[]) => children.some(({ local }) => names.includes(local));
  return resultOf({
    name: `${prefix}${element.attribute('name') ?? UNNAMED}`,
    time: readSeconds(element.attribute('time')),
    status: element.attribute('status'),
    result: element.attribute('result'),
    failureTexts: children
      .filter(({ local }) => local === 'failure' || local === 'error')
      .map((failure) => failureText(failure.attribute('message'), failure.leadingText())),
    skippedTag: has('skipped'),
    flakyTag: has('flakyFailure', 'flakyError'),
    rerunTag: has('rerunFailure', 'rerunError'),
  });
}
