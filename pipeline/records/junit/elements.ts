import type { Buffer } from 'node:buffer';

/**
 * The words of JUnit, as small numbers: the scanner compares every tag and attribute of a file with them.
 * Only local names count, so `ns:testcase` is a testcase.
 */
export type Kind = number;
export const OTHER: Kind = 0;
export const TESTSUITES: Kind = 1;
export const TESTSUITE: Kind = 2;
export const TESTCASE: Kind = 3;
export const SKIPPED: Kind = 4;
export const FAILURE: Kind = 5;
export const ERROR: Kind = 6;
/** surefire: failed at first, passed when run again. */
export const FLAKY: Kind = 7;
/** surefire: failed again when run again. */
export const RERUN: Kind = 8;
/** Captured output: its content is passed over unread. */
export const OUTPUT: Kind = 9;

/** One bit for each attribute that means something. */
export type Attribute = number;
export const NAME: Attribute = 1;
export const TIME: Attribute = 2;
export const STATUS: Attribute = 4;
export const RESULT: Attribute = 8;
export const MESSAGE: Attribute = 16;

const LETTER_A = 0x61;
const LETTER_E = 0x65;
const LETTER_I = 0x69;
const LETTER_M = 0x6d;
const LETTER_N = 0x6e;
const LETTER_R = 0x72;
const LETTER_T = 0x74;

/** The word of each kind that has one only. */
export const WORDS: readonly (string | undefined)[] = [
  undefined,
  'testsuites',
  'testsuite',
  'testcase',
  'skipped',
  'failure',
  'error',
];

/** The kind of the element whose local name is `text` from `start` to `end`. */
export function kindOf(text: string, start: number, end: number): Kind {
  switch (end - start) {
    case 8:
      return text.startsWith('testcase', start) ? TESTCASE : OTHER;
    case 7:
      if (text.startsWith('skipped', start)) return SKIPPED;
      return text.startsWith('failure', start) ? FAILURE : OTHER;
    case 9:
      return text.startsWith('testsuite', start) ? TESTSUITE : OTHER;
    case 5:
      return text.startsWith('error', start) ? ERROR : OTHER;
    case 10:
      return kindOfTen(text.slice(start, end));
    case 12:
      if (text.startsWith('flakyFailure', start)) return FLAKY;
      return text.startsWith('rerunFailure', start) ? RERUN : OTHER;
    default:
      return OTHER;
  }
}

function kindOfTen(name: string): Kind {
  if (name === 'system-out' || name === 'system-err') return OUTPUT;
  if (name === 'testsuites') return TESTSUITES;
  if (name === 'flakyError') return FLAKY;
  return name === 'rerunError' ? RERUN : OTHER;
}

/** The bit of the attribute named by `bytes` from `start` to `end`; 0 when it means nothing here. Compared by bytes: a call costs more. */
export function attributeOf(bytes: Buffer, text: string, start: number, end: number): Attribute {
  switch (end - start) {
    case 4:
      if (bytes[start + 2] !== LETTER_M || bytes[start + 3] !== LETTER_E) return 0;
      if (bytes[start] === LETTER_N) return bytes[start + 1] === LETTER_A ? NAME : 0;
      return bytes[start] === LETTER_T && bytes[start + 1] === LETTER_I ? TIME : 0;
    case 6:
      if (bytes[start] === LETTER_R) return text.startsWith('result', start) ? RESULT : 0;
      return text.startsWith('status', start) ? STATUS : 0;
    case 7:
      return text.startsWith('message', start) ? MESSAGE : 0;
    default:
      return 0;
  }
}
