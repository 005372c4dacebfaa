import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildHead } from '../../pipeline/records/build.ts';
import { parseDocument } from '../../pipeline/records/json.ts';
import {
  createRowBuilder,
  ROW_BYTES_MAX,
  type RowLine,
  replaceHead,
  rowVersion,
} from '../../pipeline/records/row.ts';
import { cutText, jsonText, loadable } from '../../pipeline/records/text.ts';

const LIMITS = { rowBytesMax: ROW_BYTES_MAX };
const PATH = 'gs://b/pr-logs/pull/o_r/1/j/1948564050363289600';
const STARTED = '{"timestamp": 1753408846, "node": "node \\"1\\"", "repos": {"o/r": "\\u00e9"}}';
const FINISHED =
  '{"timestamp": 1753410000, "result": "FAILURE", "version": "v1", "metadata": {"k": "\\"test\\":[{}]"}}';

type Test = Parameters<ReturnType<typeof createRowBuilder>['addTest']>[0];

function head(finished = FINISHED) {
  const read = (text: string) => parseDocument(Buffer.from(text));
  return buildHead({ path: PATH, jobPrefix: 'pr:', started: read(STARTED), finished: read(finished) });
}

function row(tests: Iterable<Test>, rowBytesMax = ROW_BYTES_MAX): RowLine {
  const builder = createRowBuilder(head(), { rowBytesMax });
  for (const test of tests) builder.addTest(test);
  return builder.finish();
}

function parsed(line: Uint8Array): {
  test: Test[];
  tests_run: number;
  tests_failed: number;
  truncated?: string;
} {
  return JSON.parse(Buffer.from(line).toString());
}

const TESTS: readonly Test[] = [
  { name: 'a', time: 0 },
  { name: 'b <x> #2', time: 1.5, failed: true, failure_text: 'é\n\u001b[31mred"test":[ ]😀' },
  { name: 'a #2', time: 1 },
  { name: 'c', flaky: true },
  { name: 'c #2', flaky: true },
  { name: 'd\ud800', time: Number.NaN },
];

describe('a row', () => {
  it('is the golden line, byte for byte', () => {
    const made = row(TESTS);
    expect(made.line.toString()).toBe(
      readFileSync(new URL('../golden/rows/line.ndjson', import.meta.url), 'utf8'),
    );
    expect(made).toMatchObject({ bytes: made.line.length, testsRun: 4, testsFailed: 1 });
    expect(made.truncated).toBeUndefined();
  });

  it('says where its tests lie, though texts before hold the same bytes', () => {
    const made = row(TESTS);
    const tests = JSON.parse(`[${made.line.toString('utf8', made.testsStart, made.testsEnd)}]`);
    expect(tests).toEqual(parsed(made.line).test);
    expect(tests).toHaveLength(4);
  });

  it('without tests has an empty list', () => {
    const made = row([]);
    expect(made.testsStart).toBe(made.testsEnd);
    expect(parsed(made.line)).toMatchObject({ test: [], tests_run: 0, tests_failed: 0 });
  });

  it('with a hundred thousand tests keeps each of them in order', () => {
    const names = Array.from({ length: 100_000 }, (_, index) => `test ${index} é`);
    expect(parsed(row(names.map((name) => ({ name }))).line).test.map((test) => test.name)).toEqual(names);
  });
});

describe('a new head', () => {
  it.each([
    FINISHED,
    '{"timestamp": 1753410001, "passed": true}',
    '{"metadata": {"a": "\\"test\\":[", "b": "]"}}',
  ])('%s around the same tests gives the row made anew', (finished) => {
    const made = row(TESTS);
    const fresh = createRowBuilder(head(finished), LIMITS);
    for (const test of TESTS) fresh.addTest(test);
    expect(replaceHead({ ...made, truncated: null }, head(finished), LIMITS)).toEqual(fresh.finish());
  });

  it('keeps saying what the tests lack', () => {
    const made = row(failures(20, 2000), 10_000);
    const again = replaceHead(made, head('{}'), { rowBytesMax: 10_000 });
    expect(again.truncated).toBe(made.truncated);
    expect(parsed(again.line).test).toEqual(parsed(made.line).test);
  });

  it('that is much larger shrinks the tests', () => {
    const made = row(failures(6, 1000), 10_000);
    expect(made.truncated).toBeUndefined();
    const again = replaceHead(made, head(`{"metadata": {"k": "${'x'.repeat(4000)}"}}`), {
      rowBytesMax: 10_000,
    });
    expect(again.bytes).toBeLessThanOrEqual(10_000);
    expect(again.truncated).toBe('failure texts cut to 256 bytes');
    expect(parsed(again.line)).toMatchObject({ tests_run: 6, tests_failed: 6 });
  });
});

describe('a row too large', () => {
  it('is cut at the failure texts first, to a code point, and says so', () => {
    const tests = [...failures(40, 3000, '😀'), ...passes(20)];
    const made = row(tests, 60_000);
    const { test, truncated } = parsed(made.line);
    expect(truncated).toBe('failure texts cut to 1024 bytes');
    expect(made.truncated).toBe(truncated);
    expect(test).toHaveLength(60);
    expect(test[0]?.failure_text).toMatch(/^(😀){256} \[cut here/);
  });

  it('then lacks its passing tests, while flaky ones stay and the totals stay true', () => {
    const made = row([...passes(500), { name: 'shaky', flaky: true }, ...failures(40, 3000)], 30_000);
    const { test, truncated, tests_run, tests_failed } = parsed(made.line);
    expect(truncated).toBe('failure texts cut to 256 bytes; 500 passing tests left out');
    expect(test.map((one) => one.name)).toEqual(['shaky', ...failures(40, 1).map((one) => one.name)]);
    expect({ tests_run, tests_failed }).toEqual({ tests_run: 541, tests_failed: 40 });
  });

  it('then lacks the failed tests after those that fit', () => {
    const made = row([...passes(5), ...failures(400, 3000)], 30_000);
    const { test, truncated, tests_run, tests_failed } = parsed(made.line);
    expect(test.map((one) => one.name)).toEqual(
      failures(400, 1)
        .slice(0, test.length)
        .map((one) => one.name),
    );
    expect(truncated).toBe(
      `failure texts cut to 256 bytes; 5 passing tests left out; ${400 - test.length} failed or flaky tests left out`,
    );
    expect({ tests_run, tests_failed }).toEqual({ tests_run: 405, tests_failed: 400 });
    expect(made.bytes).toBeGreaterThan(25_000);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])(
    'never exceeds its bound and never loses more than the first bound that fits asks for (seed %i)',
    (seed) => {
      const random = seeded(seed);
      const tests = Array.from({ length: 200 }, (_, index): Test => {
        const name = `${index} ${'n'.repeat(random() * 20)}`;
        return random() < 0.5
          ? { name }
          : { name, failed: true, failure_text: 'é"\n'.repeat(random() ** 4 * 3000) };
      });
      const rowBytesMax = Math.floor(9_000 + random() * 200_000);
      const made = row(tests, rowBytesMax);
      expect(made.bytes).toBeLessThanOrEqual(rowBytesMax * 0.95);
      expect(parsed(made.line).test).toEqual(
        shrunkAtOnce(
          tests,
          Math.floor(rowBytesMax * 0.95) - (row([]).testsStart - 10) - '"version":"v1",'.length - 1024,
        ),
      );
    },
  );

  it('is bounded in memory while 300 MB of failure texts come', () => {
    const text = 'f'.repeat(1_000_000);
    const before = process.memoryUsage().rss;
    let peak = 0;
    const builder = createRowBuilder(head(), { rowBytesMax: 20_000_000 });
    for (let index = 0; index < 300; index += 1) {
      builder.addTest({ name: `t${index}`, failed: true, failure_text: `${index}${text}` });
      peak = Math.max(peak, process.memoryUsage().rss - before);
    }
    const made = builder.finish();
    expect(made.bytes).toBeLessThanOrEqual(20_000_000);
    expect(made.truncated).toBe('failure texts cut to 16384 bytes');
    expect(peak).toBeLessThan(200_000_000);
  });

  it('by its documents loses metadata and the ends of long columns, not its tests', () => {
    const huge = head(`{"version": "${'v'.repeat(200_000)}", "metadata": {"k": "${'x'.repeat(400_000)}"}}`);
    const builder = createRowBuilder(huge, { rowBytesMax: 500_000 });
    for (const test of passes(3)) builder.addTest(test);
    const made = builder.finish();
    expect(made.bytes).toBeLessThan(500_000);
    expect(made.truncated).toBe('columns cut to 65536 bytes; metadata of 1 keys left out');
    expect(parsed(made.line).test).toHaveLength(3);
    expect(replaceHead(made, head(), LIMITS).truncated).toBeUndefined();
  });
});

describe('a version', () => {
  it('is the first 48 bits of the SHA-256', () => {
    // sha256("abc") = ba7816bf 8f01…
    expect(rowVersion(Buffer.from('abc'))).toBe(0xba7816bf8f01);
  });

  it('differs when one byte does', () => {
    expect(rowVersion(row(TESTS).line)).not.toBe(rowVersion(row(TESTS.slice(1)).line));
  });
});

describe('texts', () => {
  it('are made loadable, pairs and all else left alone', () => {
    expect(loadable('a\ud800b\udc00\ud83d\ude00\0\u0001\ufffe')).toBe(
      'a\ufffdb\ufffd\ud83d\ude00\ufffd\u0001\ufffe',
    );
  });

  it('are quoted as JSON.stringify quotes them', () => {
    for (let unit = 0; unit < 0x10000; unit += 1) {
      const text = `a${String.fromCharCode(unit)}b`;
      if (jsonText(text) !== JSON.stringify(loadable(text)))
        throw new Error(`U+${unit.toString(16)} is quoted as ${jsonText(text)}`);
    }
    expect(jsonText('')).toBe('""');
    expect(jsonText('\ud83d\ude00')).toBe('"\ud83d\ude00"');
  });

  it('cut twice are as if cut once', () => {
    const text = 'aé😀'.repeat(3000);
    expect(cutText(cutText(text, 4096), 256)).toBe(cutText(text, 256));
    expect(Buffer.byteLength(cutText(text, 4096))).toBeLessThan(4096 + 70);
  });
});

function* seq(count: number): Generator<number> {
  for (let index = 0; index < count; index += 1) yield index;
}

function passes(count: number): Test[] {
  return [...seq(count)].map((index) => ({ name: `pass ${index}`, time: 0.25 }));
}

function failures(count: number, bytes: number, of = 'f'): Test[] {
  return [...seq(count)].map((index) => ({
    name: `fail ${index}`,
    failed: true as const,
    failure_text: of.repeat(bytes / Buffer.byteLength(of)),
  }));
}

/** The rule said plainly, on whole lists: what the one-pass builder must come to. */
function shrunkAtOnce(tests: readonly Test[], bytesMax: number): readonly Test[] {
  const fits = (list: readonly Test[]) =>
    Buffer.byteLength(list.map((test) => JSON.stringify(test)).join(',')) <= bytesMax;
  const cut = (max: number) =>
    tests.map((test) =>
      test.failure_text === undefined ? test : { ...test, failure_text: cutText(test.failure_text, max) },
    );
  const versions = [tests, ...[20, 18, 16, 14, 12, 10, 8].map((power) => cut(2 ** power))];
  const first = versions.find(fits);
  if (first) return first;
  const failed = cut(2 ** 8).filter((test) => test.failed);
  const count = failed.findIndex((_, index) => !fits(failed.slice(0, index + 1)));
  return count === -1 ? failed : failed.slice(0, count);
}

function seeded(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
