import { Buffer } from 'node:buffer';
import {
  type Attribute,
  ERROR,
  FAILURE,
  FLAKY,
  type Kind,
  MESSAGE,
  NAME,
  OTHER,
  RERUN,
  RESULT,
  SKIPPED,
  STATUS,
  TESTCASE,
  TESTSUITE,
  TESTSUITES,
  TIME,
} from './elements.ts';
import { clearField, createField, type Field, fieldValue, saveField, setField } from './fields.ts';
import { type Budget, createKeeper, type Keeper } from './keeper.ts';
import { NAME_BYTES_MAX, WORD_BYTES_MAX } from './limits.ts';
import { readSeconds } from './numbers.ts';
import { failureText, resultOf, type TestResult, UNNAMED } from './result.ts';
import type { ScanHandler } from './scan-state.ts';

export interface CasesOptions {
  readonly failureTextBytesMax: number;
  /** A case has ended; `undefined` when it did not run. */
  readonly onCase: (result: TestResult | undefined) => void;
  /** A failure text was cut. */
  readonly onCut: () => void;
}

/** The part of a scan's handler that gives tags their JUnit meaning. */
export type CaseHandler = Omit<ScanHandler, 'outside' | 'doctype'>;

const OUTSIDE = 0;

/**
 * A skipped case as Ginkgo, pytest and most others write it, whole: nine cases of ten in end-to-end jobs, of which only their number
 * is wanted. One match costs a fifth of reading its tags. What is written otherwise is read as everything else.
 */
const SKIPPED_CASE =
  /<testcase(?:[ \t\r\n]+[a-z_:-]+="[^"]*")*[ \t\r\n]*>[ \t\r\n]*<skipped(?:[ \t\r\n]+[a-z_:-]+="[^"]*")*[ \t\r\n]*(?:\/>|>[^<]*<\/skipped>)[ \t\r\n]*<\/testcase>/y;

/** Where the reading of cases stands. */
interface Cases {
  readonly options: CasesOptions;
  window: Buffer;
  /** Kind of the root: directly under `testsuites` any element is a suite, as in Kettle. */
  root: Kind;
  /** For each depth, what stands before the names of cases there. */
  readonly prefixes: string[];
  /** Depth of the open case, or 0. */
  caseDepth: number;
  suiteOpen: boolean;
  readonly suiteName: Field;
  readonly name: Field;
  readonly time: Field;
  readonly status: Field;
  readonly result: Field;
  skippedTag: boolean;
  flakyTag: boolean;
  rerunTag: boolean;
  inFailure: boolean;
  readonly budget: Budget;
  readonly message: Keeper;
  readonly body: Keeper;
  failureTexts: string[];
}

/** Makes test results of what a scanner finds. Memory: the open case's values and the names of its suites. */
export function createCases(options: CasesOptions): CaseHandler {
  const cases = createState(options);
  return {
    window: (bytes) => {
      cases.window = bytes;
    },
    retire: () => retire(cases),
    passOver: (text, at) => {
      if (cases.caseDepth !== OUTSIDE) return at;
      SKIPPED_CASE.lastIndex = at;
      if (!SKIPPED_CASE.test(text)) return at;
      options.onCase(undefined);
      return SKIPPED_CASE.lastIndex;
    },
    open: (kind, depth) => open(cases, kind, depth),
    value: (attribute, start, end, last) => takeValue(cases, attribute, start, end, last),
    opened: (_kind, depth) => opened(cases, depth),
    text: (start, end, cdata) => cases.body.add(cases.window, start, end, cdata ? 'cdata' : 'text'),
    close: (_kind, depth) => close(cases, depth),
  };
}

function createState(options: CasesOptions): Cases {
  const budget: Budget = { bytes: options.failureTextBytesMax, leftOut: 0 };
  return {
    options,
    window: Buffer.alloc(0),
    root: OTHER,
    prefixes: [],
    caseDepth: OUTSIDE,
    suiteOpen: false,
    suiteName: createField(NAME_BYTES_MAX),
    name: createField(NAME_BYTES_MAX),
    time: createField(WORD_BYTES_MAX),
    status: createField(WORD_BYTES_MAX),
    result: createField(WORD_BYTES_MAX),
    skippedTag: false,
    flakyTag: false,
    rerunTag: false,
    inFailure: false,
    budget,
    message: createKeeper(budget),
    body: createKeeper(budget),
    failureTexts: [],
  };
}

function open(cases: Cases, kind: Kind, depth: number): Attribute {
  if (cases.caseDepth !== OUTSIDE) return depth === cases.caseDepth + 1 ? openInCase(cases, kind) : 0;
  if (kind === TESTCASE) {
    cases.caseDepth = depth;
    return NAME | TIME | STATUS | RESULT;
  }
  if (depth === 1) {
    cases.root = kind;
    cases.prefixes[depth] = '';
    return 0;
  }
  const suite =
    kind === TESTSUITE || kind === TESTSUITES || (kind === OTHER && depth === 2 && cases.root === TESTSUITES);
  cases.prefixes[depth] = cases.prefixes[depth - 1] ?? '';
  cases.suiteOpen = suite;
  return suite ? NAME : 0;
}

function openInCase(cases: Cases, kind: Kind): Attribute {
  if (kind === SKIPPED) cases.skippedTag = true;
  else if (kind === FLAKY) cases.flakyTag = true;
  else if (kind === RERUN) cases.rerunTag = true;
  cases.inFailure = kind === FAILURE || kind === ERROR;
  return cases.inFailure ? MESSAGE : 0;
}

function takeValue(cases: Cases, attribute: Attribute, start: number, end: number, last: boolean): void {
  if (attribute === MESSAGE) cases.message.add(cases.window, start, end, 'attribute');
  else setField(fieldOf(cases, attribute), cases.window, start, end, last);
}

function fieldOf(cases: Cases, attribute: Attribute): Field {
  if (cases.suiteOpen) return cases.suiteName;
  if (attribute === NAME) return cases.name;
  if (attribute === TIME) return cases.time;
  return attribute === STATUS ? cases.status : cases.result;
}

function opened(cases: Cases, depth: number): boolean {
  if (cases.suiteOpen) {
    cases.suiteOpen = false;
    const name = fieldValue(cases.suiteName, cases.window) ?? UNNAMED;
    clearField(cases.suiteName);
    const prefix = `${cases.prefixes[depth - 1] ?? ''}${name} `;
    cases.prefixes[depth] =
      prefix.length > NAME_BYTES_MAX ? `${prefix.slice(0, NAME_BYTES_MAX).toWellFormed()}… ` : prefix;
  }
  return cases.inFailure && depth === cases.caseDepth + 1;
}

function close(cases: Cases, depth: number): void {
  if (cases.caseDepth === OUTSIDE) return;
  if (depth === cases.caseDepth) endCase(cases);
  else if (cases.inFailure && depth === cases.caseDepth + 1) {
    cases.inFailure = false;
    const message = cases.message.take();
    const body = cases.body.take();
    // Nothing of it was kept: the mark at the end stands for it.
    if (cases.budget.leftOut > 0 && !message && !body) return;
    cases.failureTexts.push(failureText(message, body));
  }
}

function endCase(cases: Cases): void {
  const { window, options, budget } = cases;
  if (cases.skippedTag) options.onCase(undefined);
  else {
    const name = `${cases.prefixes[cases.caseDepth - 1] ?? ''}${fieldValue(cases.name, window) ?? UNNAMED}`;
    const { failureTexts, skippedTag, flakyTag, rerunTag } = cases;
    if (budget.leftOut > 0) failureTexts.push(`… [cut: ${budget.leftOut} bytes more in the file]`);
    const [time, status, result] = [cases.time, cases.status, cases.result].map((field) =>
      fieldValue(field, window),
    );
    options.onCase(
      resultOf({
        name,
        time: readSeconds(time),
        status,
        result,
        failureTexts,
        skippedTag,
        flakyTag,
        rerunTag,
      }),
    );
  }
  if (budget.leftOut > 0) options.onCut();
  reset(cases);
}

function reset(cases: Cases): void {
  cases.caseDepth = OUTSIDE;
  clearField(cases.name);
  clearField(cases.time);
  clearField(cases.status);
  clearField(cases.result);
  cases.skippedTag = false;
  cases.flakyTag = false;
  cases.rerunTag = false;
  if (cases.failureTexts.length > 0) cases.failureTexts = [];
  cases.budget.bytes = cases.options.failureTextBytesMax;
  cases.budget.leftOut = 0;
}

/** The window goes: what is still needed of it is kept. */
function retire(cases: Cases): void {
  if (cases.suiteOpen) saveField(cases.suiteName, cases.window);
  if (cases.caseDepth === OUTSIDE) return;
  saveField(cases.name, cases.window);
  saveField(cases.time, cases.window);
  saveField(cases.status, cases.window);
  saveField(cases.result, cases.window);
}
