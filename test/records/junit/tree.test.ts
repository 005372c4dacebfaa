import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readJunitTree } from '../../../pipeline/records/junit/tree.ts';

const fixture = (name: string) => readFileSync(new URL(`../../golden/junit/${name}.xml`, import.meta.url));

test('suites are shown as they are nested, each with the counts of all that is in it', () => {
  const { suites } = readJunitTree(fixture('phpunit'));
  const leaf = {
    name: 'App\\CartTest::testAdd',
    tests: 2,
    failures: 1,
    skipped: 0,
    properties: [],
    children: [],
  };
  const counts = { tests: 3, failures: 1, skipped: 0, properties: [] };
  const unit = {
    ...counts,
    name: 'Unit',
    children: [{ ...counts, name: 'App\\CartTest', children: [leaf] }],
  };
  expect(suites).toEqual([
    { ...counts, name: undefined, children: [{ ...counts, name: 'All', children: [unit] }] },
  ]);
});

test('a suite has its own properties, whatever its cases have', () => {
  const [root] = readJunitTree(fixture('ginkgo-v2')).suites;
  expect(root?.properties).toEqual([]);
  expect(root?.children[0]?.properties).toEqual([
    { name: 'SuiteSucceeded', value: 'false' },
    { name: 'FailFast', value: 'false' },
  ]);
  expect(readJunitTree(fixture('pytest')).suites[0]?.children[0]?.properties).toEqual([]);
});

test('counts are counted, not believed', () => {
  const { suites } = readJunitTree(
    Buffer.from('<testsuite name="s" tests="99" failures="98"><testcase/></testsuite>'),
  );
  expect(suites).toMatchObject([{ name: 's', tests: 1, failures: 0, skipped: 0 }]);
});

test('packed and differently encoded documents are read as well', () => {
  const text = '<testsuite name="größe"><testcase name="日本"/></testsuite>';
  for (const bytes of [gzipSync(text), Buffer.from(`\u{feff}${text}`, 'utf16le')]) {
    expect(readJunitTree(bytes)).toEqual(readJunitTree(Buffer.from(text)));
  }
});

test('a document too large for a tree is refused before it is one', () => {
  expect(() => readJunitTree(fixture('phpunit'), 100)).toThrow(
    expect.objectContaining({ code: 'too-large' }),
  );
});

test('a document type is refused, and no entity expanded', () => {
  const laughs = '<!DOCTYPE a [<!ENTITY b "c">]><testsuite><testcase name="&b;"/></testsuite>';
  expect(() => readJunitTree(Buffer.from(laughs))).toThrow(expect.objectContaining({ code: 'refused' }));
  expect(readJunitTree(Buffer.from('<testcase name="&b;"/>')).tests).toEqual([{ name: '&b;', time: 0 }]);
});

test('what is no XML is malformed', () => {
  expect(() => readJunitTree(Buffer.from('<testsuite><testcase name="a'))).toThrow(
    expect.objectContaining({ code: 'malformed' }),
  );
});
