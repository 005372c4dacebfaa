import { feedJunit } from '../../../pipeline/records/junit/gunzip.ts';
import {
  createJunitReader,
  JUNIT_LIMITS,
  type JunitLimits,
  type JunitSummary,
  type TestResult,
} from '../../../pipeline/records/junit/reader.ts';

export interface Reading {
  readonly tests: readonly TestResult[];
  readonly summary: JunitSummary;
}

/** Reads a document given whole, in chunks of `chunkBytes`. */
export function read(
  input: string | Uint8Array,
  options: Partial<JunitLimits> & { readonly chunkBytes?: number } = {},
): Reading {
  const { chunkBytes = 65_536, ...limits } = options;
  const bytes = typeof input === 'string' ? Buffer.from(input) : input;
  const tests: TestResult[] = [];
  const reader = createJunitReader((test) => void tests.push(test), { ...JUNIT_LIMITS, ...limits });
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    // A copy that is spoiled afterwards: a reader may not hold on to what it was given.
    const chunk = Uint8Array.from(bytes.subarray(at, at + chunkBytes));
    reader.push(chunk);
    chunk.fill(0x21);
  }
  return { tests, summary: reader.end() };
}

/** As `read`, the way the collector does: packed files are unpacked. */
export async function readFed(
  input: Uint8Array,
  options: Partial<JunitLimits> & { readonly chunkBytes?: number } = {},
): Promise<Reading> {
  const { chunkBytes = 65_536, ...limits } = options;
  const tests: TestResult[] = [];
  const reader = createJunitReader((test) => void tests.push(test), { ...JUNIT_LIMITS, ...limits });
  await feedJunit(
    reader,
    (async function* () {
      for (let at = 0; at < input.length; at += chunkBytes) yield input.subarray(at, at + chunkBytes);
    })(),
  );
  return { tests, summary: reader.end() };
}

/** Tests as lines: how it ended, time, name, and the failure text as JSON would hold it. */
export function linesOf(tests: readonly TestResult[]): readonly string[] {
  return tests.map(({ name, time, failed, failure_text, flaky }) => {
    const end = failed ? 'FAIL' : flaky ? 'flaky' : 'pass';
    return `${end} ${time} ${name}${failure_text === undefined ? '' : ` | ${failure_text.replaceAll('\n', '\\n')}`}`;
  });
}
