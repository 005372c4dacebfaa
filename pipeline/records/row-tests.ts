import { createByteList } from './byte-list.ts';
import { CUT_MARK_BYTES, cutText, jsonText, loadable } from './text.ts';

/** One test's outcome, as JUnit files give it (records/junit); skipped tests are not among them. */
export interface RowTest {
  readonly name: string;
  /** Seconds. */
  readonly time?: number;
  readonly failed?: true;
  readonly failure_text?: string;
  /** Failed first and passed when run again. */
  readonly flaky?: true;
}

/** Bounds of a failure text, tried from the largest on until the tests fit. In UTF-8 bytes. */
const TEXT_BYTES_STEPS: readonly number[] = [1 << 20, 1 << 18, 1 << 16, 1 << 14, 1 << 12, 1 << 10, 1 << 8];

/** What was left out so that the tests fit. */
export interface RowLosses {
  /** Failure texts have at most this many bytes; undefined: all are whole. */
  readonly textBytesMax: number | undefined;
  readonly passedDropped: number;
  /** Failed or flaky. */
  readonly failedDropped: number;
}

export interface RowTests {
  /** Takes one test; order is kept. */
  add(test: RowTest): void;
  /** The tests as JSON, commas between, never more than `bytesMax`. A view: valid until the next `add`. */
  bytes(): Buffer;
  losses(): RowLosses;
}

/**
 * Keeps tests as the bytes a row holds them in, in memory bounded by `bytesMax` and one test, however many come. Once they no
 * longer fit, failure texts are cut to smaller and smaller bounds, then passing tests dropped (flaky ones stay), then each
 * further test. As every step is taken only when all before it was not enough, the outcome does not depend on when it is taken.
 */
export function createRowTests(bytesMax: number): RowTests {
  const list = createByteList();
  let step = -1;
  let full = false;
  let passedDropped = 0;
  let failedDropped = 0;
  const droppingPassed = () => step >= TEXT_BYTES_STEPS.length;
  const textBytesMax = () => TEXT_BYTES_STEPS[Math.min(step, TEXT_BYTES_STEPS.length - 1)];

  const drop = (mustKeep: boolean): undefined => {
    if (mustKeep) failedDropped += 1;
    else passedDropped += 1;
  };
  const shrink = () => {
    step += 1;
    const bound = TEXT_BYTES_STEPS[step];
    if (bound === undefined) list.rewrite((json, mustKeep) => (mustKeep ? json : drop(mustKeep)));
    else list.rewrite((json) => recut(json, bound));
  };

  return {
    add(test) {
      const mustKeep = test.failed === true || test.flaky === true;
      if (full || (droppingPassed() && !mustKeep)) return drop(mustKeep);
      list.add(testJson(test, textBytesMax()), mustKeep);
      while (list.length() > bytesMax && !droppingPassed()) shrink();
      while (list.length() > bytesMax) {
        full = true;
        drop(list.removeLast() ?? true);
      }
    },
    bytes: () => list.bytes(),
    losses: () => ({ textBytesMax: textBytesMax(), passedDropped, failedDropped }),
  };
}

/** A test as it stands in a row: keys sorted, nulls left out. */
function testJson(test: RowTest, textBytesMax: number | undefined): string {
  let json = test.failed ? '{"failed":true,' : '{';
  if (test.failure_text !== undefined) {
    const text = test.failure_text;
    json += `"failure_text":${jsonText(textBytesMax === undefined ? text : cutText(loadable(text), textBytesMax))},`;
  }
  if (test.flaky) json += '"flaky":true,';
  json += `"name":${jsonText(test.name)}`;
  // NaN and Infinity are no JSON, and no time either.
  return test.time === undefined || !Number.isFinite(test.time) ? `${json}}` : `${json},"time":${test.time}}`;
}

/** The same test with a shorter failure text. Short tests, nearly all, are not even decoded. */
function recut(json: Buffer, textBytesMax: number): Buffer {
  if (json.length <= textBytesMax + CUT_MARK_BYTES) return json;
  const test = JSON.parse(json.toString()) as RowTest;
  return Buffer.from(testJson(test, textBytesMax));
}
