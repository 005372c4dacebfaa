import { createHash } from 'node:crypto';
import type { BuildFields, BuildHead } from './build.ts';
import { createRowTests, type RowLosses, type RowTest } from './row-tests.ts';
import { cutText } from './text.ts';

/** BigQuery's bound for one row of newline-delimited JSON. */
export const ROW_BYTES_MAX = 104_857_600;
/** "100 MB" is said without telling which megabyte: with this margin a row is right by either. */
const MARGIN = 0.05;
const HEAD_TEXT_BYTES_MAX = 1 << 16;
/** What `fitHead` says it cut: the old head's losses are not the new one's. */
const HEAD_LOSS = /^(columns|metadata) /;
/** Room for the columns after the tests and for `truncated`. */
const TAIL_BYTES = 1024;

export interface RowLimits {
  /** UTF-8 bytes of the line with its newline; a margin below it is kept. */
  readonly rowBytesMax: number;
}

/** Where the tests lie in a row and what they count up to: all that is needed to put a new head around them. */
export interface RowBody {
  readonly line: Uint8Array;
  /** Offsets of the first byte after `"test":[` and of the `]`. */
  readonly testsStart: number;
  readonly testsEnd: number;
  /** True totals, whatever was dropped to make the row fit. */
  readonly testsRun: number;
  readonly testsFailed: number;
  /** What was cut, in words; null or undefined when nothing was. */
  readonly truncated?: string | null | undefined;
}

export interface RowLine extends RowBody {
  /** One line of NDJSON: keys sorted, nulls left out, newline at the end. */
  readonly line: Buffer;
  readonly bytes: number;
  readonly truncated?: string;
}

export interface RowBuilder {
  /** Takes one test, in the order of files and of tests in them. */
  addTest(test: RowTest): void;
  finish(): RowLine;
}

/**
 * Makes a row of a build whose tests come one by one. A passing test with a `#` in its name (a repeat) is left out and not
 * counted, as in Kettle. A row that would be too large is shrunk while it grows, and `truncated` says what it lacks.
 */
export function createRowBuilder(head: BuildHead, limits: RowLimits): RowBuilder {
  const fitted = fitHead(head.fields, limits);
  const tests = createRowTests(testBytesMax(fitted.fields, limits));
  let testsRun = 0;
  let testsFailed = 0;
  return {
    addTest(test) {
      if (!test.failed && test.name.includes('#')) return;
      testsRun += 1;
      if (test.failed) testsFailed += 1;
      tests.add(test);
    },
    finish: () =>
      assemble(fitted.fields, tests.bytes(), {
        testsRun,
        testsFailed,
        truncated: inWords([...fitted.losses, ...testLosses(tests.losses())]),
      }),
  };
}

/**
 * Puts a new head around the tests of a row, byte by byte: JUnit is not read again. Only a head so much larger that the row
 * no longer fits makes it look into the tests, to shrink them.
 */
export function replaceHead(row: RowBody, head: BuildHead, limits: RowLimits): RowLine {
  const fitted = fitHead(head.fields, limits);
  const { testsRun, testsFailed } = row;
  const before = (row.truncated ?? '').split('; ').filter((loss) => loss !== '' && !HEAD_LOSS.test(loss));
  const tests = row.line.subarray(row.testsStart, row.testsEnd);
  const bytesMax = testBytesMax(fitted.fields, limits);
  if (tests.length <= bytesMax)
    return assemble(fitted.fields, tests, {
      testsRun,
      testsFailed,
      truncated: inWords([...before, ...fitted.losses]),
    });
  const shrunk = createRowTests(bytesMax);
  for (const test of JSON.parse(`[${Buffer.from(tests).toString()}]`) as RowTest[]) shrunk.add(test);
  const losses = [...before, ...fitted.losses, ...testLosses(shrunk.losses())];
  return assemble(fitted.fields, shrunk.bytes(), { testsRun, testsFailed, truncated: inWords(losses) });
}

/** What tells one version of a row from another: the first 48 bits of the line's SHA-256, exact as a JavaScript number. */
export function rowVersion(line: Uint8Array): number {
  // Zero is taken: in the ledger it stands for a row emitted before rows had versions.
  return createHash('sha256').update(line).digest().readUIntBE(0, 6) || 1;
}

interface Totals {
  readonly testsRun: number;
  readonly testsFailed: number;
  readonly truncated: string | undefined;
}

function assemble(
  fields: BuildFields,
  tests: Uint8Array,
  { testsRun, testsFailed, truncated }: Totals,
): RowLine {
  const { version, ...first } = fields;
  const before = Buffer.from(`{${columns(first)},"test":[`);
  const tail = `],"tests_failed":${testsFailed},"tests_run":${testsRun}`;
  const rest = columns({
    ...(truncated !== undefined && { truncated }),
    ...(version !== undefined && { version }),
  });
  const line = Buffer.concat([before, tests, Buffer.from(`${tail}${rest === '' ? '' : `,${rest}`}}\n`)]);
  const testsStart = before.length;
  const row = {
    line,
    bytes: line.length,
    testsStart,
    testsEnd: testsStart + tests.length,
    testsRun,
    testsFailed,
  };
  return truncated === undefined ? row : { ...row, truncated };
}

function columns(fields: Partial<BuildFields> & { readonly truncated?: string }): string {
  return Object.entries(fields)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `"${name}":${name === 'number' ? value : JSON.stringify(value)}`)
    .join(',');
}

function headBytes(fields: BuildFields): number {
  return Buffer.byteLength(columns(fields));
}

function testBytesMax(fields: BuildFields, limits: RowLimits): number {
  return Math.max(0, Math.floor(limits.rowBytesMax * (1 - MARGIN)) - headBytes(fields) - TAIL_BYTES);
}

/** A head may take half of a row. Only forged documents come near that; their metadata and long texts then go. */
function fitHead(
  fields: BuildFields,
  limits: RowLimits,
): { readonly fields: BuildFields; readonly losses: readonly string[] } {
  if (headBytes(fields) <= limits.rowBytesMax / 2) return { fields, losses: [] };
  const { metadata, ...rest } = fields;
  const cut = Object.entries(rest).map(([name, value]) => [
    name,
    typeof value === 'string' ? cutText(value, HEAD_TEXT_BYTES_MAX) : value,
  ]);
  return {
    fields: Object.fromEntries(cut) as BuildFields,
    losses: [
      `columns cut to ${HEAD_TEXT_BYTES_MAX} bytes`,
      ...(metadata ? [`metadata of ${metadata.length} keys left out`] : []),
    ],
  };
}

function testLosses({ textBytesMax, passedDropped, failedDropped }: RowLosses): readonly string[] {
  return [
    ...(textBytesMax === undefined ? [] : [`failure texts cut to ${textBytesMax} bytes`]),
    ...(passedDropped === 0 ? [] : [`${passedDropped} passing tests left out`]),
    ...(failedDropped === 0 ? [] : [`${failedDropped} failed or flaky tests left out`]),
  ];
}

function inWords(losses: readonly string[]): string | undefined {
  return losses.length === 0 ? undefined : losses.join('; ');
}
