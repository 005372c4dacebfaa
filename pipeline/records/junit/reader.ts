import { Buffer } from 'node:buffer';
import { createCases } from './cases.ts';
import { createDecoder } from './decode.ts';
import { OTHER, TESTCASE, TESTSUITE, TESTSUITES } from './elements.ts';
import { FLAKY_NAMES_MAX, JUNIT_LIMITS, type JunitLimits, WINDOW_BYTES } from './limits.ts';
import { foreignRoot, looksLike } from './looks.ts';
import type { TestResult } from './result.ts';
import {
  createScanState,
  type ScanHandler,
  type ScanState,
  type StopStatus,
  stopScan,
} from './scan-state.ts';
import { scanWindow } from './scanner.ts';

export { JUNIT_LIMITS, type JunitLimits } from './limits.ts';
export type { TestResult } from './result.ts';

/** How a file could be read. All but `ok` come with a reason; the cases complete before the trouble are reported all the same. */
export type JunitStatus = 'ok' | 'empty' | 'truncated' | StopStatus;

export interface JunitSummary {
  readonly status: JunitStatus;
  /** What is wrong, with its line and what was seen there. */
  readonly reason?: string;
  /** As they were pushed, as far as they were read. */
  readonly bytes: number;
  readonly run: number;
  readonly failed: number;
  readonly skipped: number;
  /** Names of tests that failed and then passed, the first thousand. */
  readonly flaky: readonly string[];
  /** Tests whose failure text is cut. */
  readonly textsCut: number;
}

export interface JunitReader {
  /** Takes the file's next bytes, however many. They may be overwritten afterwards. Never throws for what they hold. */
  push(chunk: Uint8Array): void;
  /** Reads no further: what came before the bytes, a container say, is no good. */
  stop(status: StopStatus, reason: string): void;
  /** True once nothing more is read, whoever found why. */
  stopped(): boolean;
  /** Says that the input broke off, when something other than the XML shows it. */
  cutShort(reason: string): void;
  /** To be called once, after the last chunk. */
  end(): JunitSummary;
}

interface Reading {
  readonly scan: ScanState;
  readonly limits: JunitLimits;
  /** Holds the bytes being scanned, what the last scan left over first. */
  window: Buffer;
  restBytes: number;
  roots: number;
  lines: number;
  stopLine: number | undefined;
  run: number;
  failed: number;
  skipped: number;
  readonly flaky: string[];
  textsCut: number;
}

/** White space, padding, and the bytes of a second document's byte order mark. */
const BLANK_OUTSIDE = /^[\s\0\xef\xbb\xbf]*$/;

/**
 * Reads one JUnit file that comes in chunks. `onTest` is called for each test that ran, in the file's order, as soon as its end tag
 * was seen; skipped ones are counted. A testcase inside a testcase is part of the outer one, as in Kettle. Memory is bounded by the
 * largest test's kept text, not by the file.
 */
export function createJunitReader(
  onTest: (test: TestResult) => void,
  limits: JunitLimits = JUNIT_LIMITS,
): JunitReader {
  const reading = createReading(onTest, limits);
  const { scan } = reading;
  let brokeOff: string | undefined;
  const decoder = createDecoder({
    bytesMax: limits.fileBytesMax,
    onBytes: (bytes) => takeBytes(reading, bytes),
    stop: (status, reason) => stopScan(scan, status, reason),
  });
  return {
    push: (chunk) => {
      if (scan.stop === undefined) decoder.push(chunk);
    },
    stop: (status, reason) => void stopScan(scan, status, reason),
    stopped: () => scan.stop !== undefined,
    cutShort: (reason) => {
      brokeOff = reason;
    },
    end: () => {
      if (scan.stop === undefined) decoder.end();
      const { run, failed, skipped, flaky, textsCut } = reading;
      return {
        ...outcome(reading, brokeOff),
        bytes: decoder.bytes(),
        run,
        failed,
        skipped,
        flaky,
        textsCut,
      };
    },
  };
}

function createReading(onTest: (test: TestResult) => void, limits: JunitLimits): Reading {
  const cases = createCases({
    failureTextBytesMax: limits.failureTextBytesMax,
    onCase: (result) => takeCase(reading, result, onTest),
    onCut: () => {
      reading.textsCut += 1;
    },
  });
  const handler: ScanHandler = {
    ...cases,
    open: (kind, depth, name) => {
      if (depth === 1) checkRoot(reading, kind, name);
      return cases.open(kind, depth, name);
    },
    outside: (start, end) => checkOutside(reading, start, end),
    doctype: (declaration) => checkDoctype(reading, declaration),
  };
  const counts = { roots: 0, lines: 1, run: 0, failed: 0, skipped: 0, textsCut: 0 };
  const reading: Reading = {
    scan: createScanState(handler),
    limits,
    window: Buffer.alloc(0),
    restBytes: 0,
    stopLine: undefined,
    flaky: [],
    ...counts,
  };
  return reading;
}

/** Scans what came, a window at a time: first what the last one left over, then as much as fits. */
function takeBytes(reading: Reading, bytes: Buffer): void {
  const { scan } = reading;
  for (let from = 0; from < bytes.length && scan.stop === undefined; ) {
    const window = windowFor(reading, bytes.length - from);
    const count = bytes.copy(window, reading.restBytes, from);
    const end = reading.restBytes + count;
    const done = scanWindow(scan, window, end);
    if (scan.stop === undefined) reading.lines += linesIn(scan.text, done);
    else reading.stopLine = reading.lines + linesIn(scan.text, done);
    window.copyWithin(0, done, end);
    reading.restBytes = end - done;
    from += count;
  }
}

/** The window with room for `count` bytes more, as far as windows go: most files are small, and a full one would cost more than they do. */
function windowFor(reading: Reading, count: number): Buffer {
  const wanted = Math.min(WINDOW_BYTES, reading.restBytes + count);
  if (wanted > reading.window.length) {
    const larger = Buffer.allocUnsafe(Math.min(WINDOW_BYTES, Math.max(wanted, reading.window.length * 2)));
    reading.window.copy(larger, 0, 0, reading.restBytes);
    reading.window = larger;
  }
  return reading.window;
}

function linesIn(text: string, end: number): number {
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}

function takeCase(
  reading: Reading,
  result: TestResult | undefined,
  onTest: (test: TestResult) => void,
): void {
  if (result === undefined) reading.skipped += 1;
  else {
    reading.run += 1;
    if (result.failed) reading.failed += 1;
    if (result.flaky && reading.flaky.length < FLAKY_NAMES_MAX) reading.flaky.push(result.name);
    onTest(result);
  }
  if (reading.run + reading.skipped >= reading.limits.testsMax) {
    stopScan(
      reading.scan,
      'too-large',
      `it holds ${reading.limits.testsMax} testcases, the most that are read of one file`,
    );
  }
}

function checkRoot(reading: Reading, kind: number, name: string): void {
  const known =
    kind === TESTSUITES || kind === TESTSUITE || kind === TESTCASE || (kind === OTHER && name === 'testrun');
  reading.roots += 1;
  if (known) return;
  if (reading.roots === 1) stopScan(reading.scan, 'not-junit', foreignRoot(name));
  else stopScan(reading.scan, 'malformed', `after the end of a document, another begins with <${name}>`);
}

function checkOutside(reading: Reading, start: number, end: number): void {
  const { scan } = reading;
  const text = scan.bytes.toString('utf8', start, Math.min(end, start + WINDOW_BYTES));
  if (BLANK_OUTSIDE.test(scan.text.slice(start, end))) return;
  if (reading.roots === 0) stopScan(scan, 'not-junit', looksLike(text));
  else stopScan(scan, 'malformed', `text after the end of the document: ${looksLike(text)}`);
}

/** Only a bare type may pass: one that declares or fetches anything is refused, whatever it is. */
function checkDoctype(reading: Reading, declaration: string): void {
  const { scan } = reading;
  if (/^<!DOCTYPE\s+html\b/i.test(declaration)) stopScan(scan, 'not-junit', looksLike(declaration));
  else if (declaration.endsWith('[') || /\s(SYSTEM|PUBLIC)\s/i.test(declaration)) {
    stopScan(
      scan,
      'refused',
      `it declares a document type, which could define entities: ${JSON.stringify(declaration.slice(0, 60))}`,
    );
  }
}

function outcome(reading: Reading, cutShort: string | undefined): Pick<JunitSummary, 'status' | 'reason'> {
  const { scan, roots, run, skipped } = reading;
  if (scan.stop !== undefined)
    return {
      status: scan.stop.status,
      reason: `line ${reading.stopLine ?? reading.lines}: ${scan.stop.reason}`,
    };
  const within = scan.names.slice(0, scan.depth).at(-1);
  const open = within !== undefined || scan.mode !== 'text' || reading.restBytes > 0;
  if (roots === 0 && !scan.markup && !open && cutShort === undefined)
    return { status: 'empty', reason: 'it holds nothing but white space' };
  if (!open && cutShort === undefined && roots > 0) return { status: 'ok' };
  const place = within === undefined ? 'before its root element is complete' : `inside <${within}>`;
  const after = `after ${run + skipped} complete testcases`;
  return {
    status: 'truncated',
    reason: `line ${reading.lines}: ${cutShort ?? `the file ends ${place}`}, ${after}`,
  };
}
