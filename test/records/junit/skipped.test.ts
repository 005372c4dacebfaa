import { expect, test } from 'vitest';
import { createJunitReader, type TestResult } from '../../../pipeline/records/junit/reader.ts';
import { readJunitTree } from '../../../pipeline/records/junit/tree.ts';

/** Reads in pieces of every size: where a window ends must not matter. */
function read(xml: string, piece: number) {
  const tests: TestResult[] = [];
  const reader = createJunitReader((result) => tests.push(result));
  const bytes = Buffer.from(xml);
  for (let at = 0; at < bytes.length; at += piece) reader.push(bytes.subarray(at, at + piece));
  const { status, reason, run, skipped, failed } = reader.end();
  return { status, reason, run, skipped, failed, tests };
}

const suite = (cases: string) => `<testsuites><testsuite name="s">${cases}</testsuite></testsuites>`;

// A skipped case of the usual form is matched at once; each of these is near that form, and must be read as if it were not.
test.each([
  ['the usual form', '<testcase name="a"><skipped message="m"/></testcase>', 0, 1],
  ['with an end tag', '<testcase name="a" time="1">\n <skipped></skipped>\n</testcase>', 0, 1],
  ['with a reason inside', '<testcase name="a"><skipped>why &lt;b&gt;</skipped></testcase>', 0, 1],
  ['quotes the other way round', "<testcase name='a'><skipped/></testcase>", 0, 1],
  ['a > and a </testcase> in a value', '<testcase name="a > </testcase>"><skipped/></testcase>', 0, 1],
  ['a failure after it', '<testcase name="a"><skipped/><failure>f</failure></testcase>', 0, 1],
  ['another element first', '<testcase name="a"><system-out>x</system-out><skipped/></testcase>', 0, 1],
  ['a longer name', '<testcase name="a"><skippedNot/></testcase>', 1, 0],
  ['a longer case', '<testcases name="a"><skipped/></testcases>', 0, 0],
  ['inside another case', '<testcase name="o"><testcase name="i"><skipped/></testcase></testcase>', 1, 0],
  ['inside a property', '<properties><testcase name="a"><skipped/></testcase></properties>', 0, 1],
  ['in captured output', '<system-out><testcase name="a"><skipped/></testcase></system-out>', 0, 0],
  ['in a comment', '<!-- <testcase name="a"><skipped/></testcase> -->', 0, 0],
  ['in CDATA', '<system-err><![CDATA[<testcase name="a"><skipped/></testcase>]]></system-err>', 0, 0],
])('%s', (_what, xml, run, skipped) => {
  const whole = read(suite(`${xml}<testcase name="last"/>`), 1 << 20);
  expect(whole).toMatchObject({ status: 'ok', run: run + 1, skipped });
  for (const piece of [1, 2, 3, 5, 7, 11, 64])
    expect(read(suite(`${xml}<testcase name="last"/>`), piece)).toEqual(whole);
  expect(readJunitTree(Buffer.from(suite(`${xml}<testcase name="last"/>`))).tests).toEqual(whole.tests);
});

test('a case that does not close is no skipped one, and the limit of cases holds among skipped ones', () => {
  expect(read(suite('<testcase name="a"><skipped/></testsuite>'), 1 << 20).status).toBe('malformed');
  const limits = { failureTextBytesMax: 1_000, fileBytesMax: 1 << 20, testsMax: 3 };
  const reader = createJunitReader(() => undefined, limits);
  reader.push(Buffer.from(suite('<testcase name="a"><skipped/></testcase>'.repeat(10))));
  expect(reader.end()).toMatchObject({ status: 'too-large', skipped: 3 });
});
