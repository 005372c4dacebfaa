import { expect, test } from 'vitest';
import { headline } from '../../pipeline/triage/headline.ts';

test.each([
  [
    'Failed\n=== RUN TestRetry#02\nretry_test.go:<n>: got 3 attempts, want 2\nmore',
    'retry_test.go:<n>: got 3 attempts, want 2',
  ],
  ['Timed out after <duration>.\nExpected', 'Timed out after <duration>.'],
  ['first\na\nsecond\nb', 'first a second b'],
  ['\n\n  want ok \n got red', 'want ok got red'],
  ['Failed', 'Failed'],
  ['Failed\n=== RUN TestA', 'Failed === RUN TestA'],
  ['error: disk full on node <n>', 'error: disk full on node <n>'],
  ['🫖 != 🍵\nexpected tea of some kind', '🫖 != 🍵 expected tea of some kind'],
  ['', ''],
  ['\n \n', ''],
])('%j is told as %j', (text, said) => expect(headline(text)).toBe(said));

test('a text of a million lines costs no more than its first ones', () => {
  expect(headline('\n'.repeat(1_000_000))).toBe('');
});
