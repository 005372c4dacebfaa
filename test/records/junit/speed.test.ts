import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const CHILD = fileURLToPath(new URL('./speed-child.ts', import.meta.url));
/** A ratio of two in one process, as a machine's speed says nothing. Measured: 8 and more. */
const TREE_RATIO_MIN = 4;

test('an end-to-end report is read several times as fast as fast-xml-parser reads it', {
  timeout: 120_000,
}, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    import.meta.resolve('tsx'),
    CHILD,
  ]);
  const figures = JSON.parse(stdout);
  console.log(`MB per second of CPU time: ${stdout}`);
  expect(figures.same).toBe(true);
  expect(figures.samovar / figures['fast-xml-parser']).toBeGreaterThan(TREE_RATIO_MIN);
});
