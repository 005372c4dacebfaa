import { type BuildHead, buildHead } from '../records/build.ts';
import { type PackedRow, packRow, unpackRow } from '../records/chunk.ts';
import type { JsonObject } from '../records/json.ts';
import type { TestResult } from '../records/junit/reader.ts';
import { createRowBuilder, ROW_BYTES_MAX, type RowLine, replaceHead, rowVersion } from '../records/row.ts';
import type { StoredRow } from '../store/rows.ts';

/** Packs a line: in the thread pool, or at once. */
export type RowPacker = (line: Uint8Array) => Promise<PackedRow>;

/** What a row says of its build, apart from the tests. */
export interface RowHead {
  readonly path: string;
  readonly jobPrefix: string;
  readonly started: JsonObject | undefined;
  readonly finished: JsonObject;
}

export interface RowInput extends RowHead {
  /** Tests of each file, files in byte order of their names. */
  readonly files: Iterable<readonly TestResult[]>;
}

/** Makes a build's row and packs it: the one place where documents and tests become what is stored and emitted. */
export async function makeRow(
  input: RowInput,
  packer: RowPacker = packRow,
): Promise<Omit<StoredRow, 'build'>> {
  const builder = createRowBuilder(headOf(input), { rowBytesMax: ROW_BYTES_MAX });
  for (const tests of input.files) for (const test of tests) builder.addTest(test);
  return pack(builder.finish(), packer);
}

/** The row of a build whose documents have changed and whose tests have not: no file is read again. */
export async function makeRowAround(stored: StoredRow, input: RowHead): Promise<Omit<StoredRow, 'build'>> {
  const line = unpackRow(stored.data, stored.bytes);
  return pack(replaceHead({ ...stored, line }, headOf(input), { rowBytesMax: ROW_BYTES_MAX }));
}

function headOf({ path, jobPrefix, started, finished }: RowHead): BuildHead {
  return buildHead({ path, jobPrefix, finished, ...(started && { started }) });
}

async function pack(row: RowLine, packer: RowPacker = packRow): Promise<Omit<StoredRow, 'build'>> {
  const packed = await packer(row.line);
  return {
    version: rowVersion(row.line),
    data: packed.data,
    crc32: packed.crc32,
    bytes: packed.bytes,
    testsStart: row.testsStart,
    testsEnd: row.testsEnd,
    testsRun: row.testsRun,
    testsFailed: row.testsFailed,
    truncated: row.truncated ?? null,
  };
}
