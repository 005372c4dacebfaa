import { buildHead } from '../records/build.ts';
import { packRow } from '../records/chunk.ts';
import type { JsonObject } from '../records/json.ts';
import type { TestResult } from '../records/junit/reader.ts';
import { createRowBuilder, ROW_BYTES_MAX, rowVersion } from '../records/row.ts';
import type { StoredRow } from '../store/rows.ts';

export interface RowInput {
  readonly path: string;
  readonly jobPrefix: string;
  readonly started: JsonObject | undefined;
  readonly finished: JsonObject;
  /** Tests of each file, files in byte order of their names. */
  readonly files: Iterable<readonly TestResult[]>;
}

/** Makes a build's row and packs it: the one place where documents and tests become what is stored and emitted. */
export async function makeRow(input: RowInput): Promise<Omit<StoredRow, 'build'>> {
  const { path, jobPrefix, started, finished } = input;
  const head = buildHead({ path, jobPrefix, finished, ...(started && { started }) });
  const builder = createRowBuilder(head, { rowBytesMax: ROW_BYTES_MAX });
  for (const tests of input.files) for (const test of tests) builder.addTest(test);
  const row = builder.finish();
  const packed = await packRow(row.line);
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
