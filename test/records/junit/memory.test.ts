import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const CHILD = fileURLToPath(new URL('./memory-child.ts', import.meta.url));
/** A file of 50 MiB may take so much more than an idle process: mostly V8's young generation, garbage of chunks among it. */
const GROWN_MIB_MAX = 40;
const FILE_BYTES_MIN = 50 * 2 ** 20;
const TIMEOUT_MS = 120_000;

interface Outcome {
  readonly grownMib: number;
  readonly tests: number;
  readonly status: string;
  readonly bytes: number;
  readonly textsCut: number;
}

async function inChild(...args: readonly string[]): Promise<Outcome> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    import.meta.resolve('tsx'),
    CHILD,
    ...args,
  ]);
  return JSON.parse(stdout);
}

test.each([
  ['a report of 50 MiB', 'report', { status: 'ok', textsCut: 0 }],
  ['50 MiB of captured output', 'output', { status: 'ok', tests: 1, textsCut: 0 }],
  ['a value of 50 MiB', 'value', { status: 'ok', tests: 1, textsCut: 1 }],
  ['a text of 50 MiB', 'text', { status: 'ok', tests: 1, textsCut: 1 }],
  ['a text of millions of unknown references', 'references', { status: 'ok', tests: 1, textsCut: 1 }],
])('%s is read in bounded memory', { timeout: TIMEOUT_MS }, async (_, kind, expected) => {
  const outcome = await inChild(kind);
  expect(outcome).toMatchObject(expected);
  expect(outcome.tests).toBeGreaterThan(0);
  expect(outcome.bytes).toBeGreaterThanOrEqual(FILE_BYTES_MIN);
  expect(outcome.grownMib).toBeLessThan(GROWN_MIB_MAX);
});

test('a billion laughs are refused in bounded memory', { timeout: TIMEOUT_MS }, async () => {
  const outcome = await inChild('laughs');
  expect(outcome).toMatchObject({ status: 'refused', tests: 0 });
  expect(outcome.grownMib).toBeLessThan(GROWN_MIB_MAX);
});

test('the bound is one that a reader keeping the file would break', { timeout: TIMEOUT_MS }, async () => {
  expect((await inChild('output', 'hoard')).grownMib).toBeGreaterThan(GROWN_MIB_MAX);
});
