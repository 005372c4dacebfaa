import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readJunitTree } from '../../../pipeline/records/junit/tree.ts';
import { linesOf, read } from './read.ts';

const FOLDER = new URL('../../golden/junit/', import.meta.url);
const fixture = (name: string) => readFileSync(new URL(`${name}.xml`, FOLDER));

interface Expected {
  readonly lines: readonly string[];
  readonly skipped: number;
}

const DIALECTS: Readonly<Record<string, Expected>> = {
  'ginkgo-v1': {
    skipped: 1,
    lines: [
      'pass 12.25 [sig-node] Pods should be updated [Conformance]',
      'FAIL 49.25 [sig-apps] Deployment should roll over | test/e2e/apps/deployment.go:71\\nExpected <int>: 0 to equal <int>: 1',
    ],
  },
  'ginkgo-v2': {
    skipped: 2,
    lines: [
      'pass 4.5 E2E suite [SynchronizedBeforeSuite]',
      'pass 9.75 E2E suite [It] [sig-network] DNS should resolve [Conformance]',
      'FAIL 120.5 E2E suite [It] [sig-network] Services should work | timed out after 2m: "svc"\\n[FAILED] timed out\\nIn [It] at: services.go:10',
      'FAIL 1 E2E suite [It] [sig-node] Probes should panic | index out of range\\n[PANICKED] Test Panicked\\ngoroutine 1',
      'FAIL 2 E2E suite [It] [sig-node] Probes cut short | No Failure Message Found',
    ],
  },
  gotestsum: {
    skipped: 1,
    lines: [
      'pass 0.1 example.org/a/pkg TestOne',
      'FAIL 0.2 example.org/a/pkg TestTwo/case_#01 | Failed\\n=== RUN   TestTwo/case_#01\\n    two_test.go:9: got 1, want 2\\n',
      'FAIL 0 example.org/a/broken TestMain | Failed',
    ],
  },
  'go-junit-report': {
    skipped: 0,
    lines: [
      'pass 0.1 pkg/calc TestSum',
      'FAIL 0.2 pkg/calc TestDiv | Failed\\n    calc_test.go:12: 1/0 <nil> & "more"',
      'FAIL 0 pkg/bad [build failed] | Build error\\nbad.go:3:1: syntax error',
    ],
  },
  pytest: {
    skipped: 1,
    lines: [
      'pass 0.001 pytest test_param[x-1]',
      'FAIL 0.002 pytest test_bad | assert 1 == 2\\ndef test_bad():\\n>       assert 1 == 2\\nE       assert 1 == 2\\n\\ntest_a.py:4: AssertionError',
      `FAIL 0.003 pytest test_setup | failed on setup with "KeyError"\\nKeyError: 'x'`,
      'FAIL 0.005 pytest test_retry | first\\none',
      'pass 0.006 pytest test_retry',
    ],
  },
  surefire: {
    skipped: 1,
    lines: [
      'pass 1234.5 passes',
      'flaky 0.01 flakes',
      'flaky 0.02 flakesWithError',
      'FAIL 0.03 failsAgain | expected 2\\njava.lang.AssertionError: expected 2',
      'FAIL 0.04 rerunOnly | No Failure Message Found',
    ],
  },
  bazel: { skipped: 0, lines: ['FAIL 9 pkg/server_test pkg/server_test | exited with error code 1'] },
  jest: {
    skipped: 1,
    lines: [
      'pass 0.05 button button renders',
      'FAIL 0.1 button button clicks | Error: expect(received).toBe(expected)\\n    at Object.<anonymous> (button.test.js:5:7)',
    ],
  },
  phpunit: {
    skipped: 0,
    lines: [
      'pass 0.01 All Unit App\\CartTest testEmpty',
      'pass 0.01 All Unit App\\CartTest App\\CartTest::testAdd testAdd with data set "one"',
      'FAIL 0.01 All Unit App\\CartTest App\\CartTest::testAdd testAdd with data set "two" | App\\CartTest::testAdd\\nFailed asserting that 2 matches 3.',
    ],
  },
  nextest: {
    skipped: 0,
    lines: [
      'pass 0.002 my-crate::bin/tool tests::parses',
      'flaky 0.003 my-crate::bin/tool tests::flaky',
      "FAIL 0.004 my-crate::bin/tool tests::fails | thread 'tests::fails' panicked\\nassertion failed: a < b",
    ],
  },
  ctest: { skipped: 2, lines: ['pass 0.25 unit', 'FAIL 0.5 broken | No Failure Message Found'] },
  kubetest: {
    skipped: 0,
    lines: [
      'pass 300.25 Up',
      'FAIL 1500.25 Test | error during ./hack/ginkgo-e2e.sh: exit status 1',
      'pass 0 Down',
    ],
  },
  sonobuoy: {
    skipped: 1,
    lines: [
      'pass 10 [sig-api-machinery] Garbage collector & owners',
      'FAIL 0.1 [sig-cli] Kubectl | one\\nsecond\\ntwo\\nthird',
    ],
  },
  openshift: {
    skipped: 0,
    lines: [
      'FAIL 30 [sig-arch] alerts should be quiet | fail [alerts.go:10]: KubeAPIDown fired',
      'pass 30 [sig-arch] alerts should be quiet',
      'pass 60 [sig-arch] pods',
    ],
  },
  gtest: {
    skipped: 1,
    lines: [
      'pass 0.005 MathTest Adds',
      'FAIL 0.006 MathTest Divides | m.cc:10\\nExpected equality\\nm.cc:10\\nExpected equality',
    ],
  },
  eclipse: {
    skipped: 0,
    lines: [
      'pass 0.25 org.example.BarTest good',
      'FAIL 0.25 org.example.BarTest bad | java.lang.NullPointerException',
    ],
  },
  namespaced: { skipped: 0, lines: ['FAIL 1 ns in | m\\nb'] },
  'bare-testcase': { skipped: 0, lines: ['FAIL 2 alone | text before'] },
  'mixed-levels': {
    skipped: 0,
    lines: [
      'pass 0 directly',
      'pass 0 <unspecified> <unspecified>',
      'pass 0 <unspecified> ',
      'pass 0 any element is a suite here',
      'pass 0 a 1',
      'pass 0 a b <unspecified> 2',
      'pass 0 a 3',
    ],
  },
};

test('every fixture has its expectation', () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.xml'));
  expect(files.map((name) => name.slice(0, -4)).sort()).toEqual(Object.keys(DIALECTS).sort());
});

describe.each(Object.entries(DIALECTS))('%s', (name, expected) => {
  test('gives its results, in order, and counts what was skipped', () => {
    const { tests, summary } = read(fixture(name));
    expect(linesOf(tests)).toEqual(expected.lines);
    const failed = expected.lines.filter((line) => line.startsWith('FAIL')).length;
    const flaky = tests.filter((result) => result.flaky).map((result) => result.name);
    const counts = { run: expected.lines.length, failed, skipped: expected.skipped, flaky, textsCut: 0 };
    expect(summary).toEqual({ status: 'ok', bytes: fixture(name).length, ...counts });
  });

  test('gives the same results byte by byte', () => {
    expect(read(fixture(name), { chunkBytes: 1 })).toEqual(read(fixture(name)));
  });

  test('gives the same results in pieces of any size', () => {
    const bytes = fixture(name);
    const whole = read(bytes);
    for (let at = 1; at < bytes.length; at += 1) {
      if (JSON.stringify(read(bytes, { chunkBytes: at })) !== JSON.stringify(whole))
        expect(`cut at ${at}`).toBe('the same');
    }
  });

  test('gives the same results as a tree', () => {
    const tree = readJunitTree(fixture(name));
    expect(tree.tests).toEqual(read(fixture(name)).tests);
    expect(tree.suites.reduce((sum, suite) => sum + suite.skipped, 0)).toBe(expected.skipped);
  });
});
