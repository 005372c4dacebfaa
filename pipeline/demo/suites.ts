import type { SuiteRun } from './junit/case.ts';
import { bazel, ginkgo, gotestsum, kubetest } from './junit/go.ts';
import { nested, pytest, surefire } from './junit/others.ts';
import { cross, type DemoTest, skipped, steady, test } from './tests.ts';

/** One JUnit file that every build of a job writes. */
export interface DemoSuite {
  readonly name: string;
  /** Below `artifacts/`. */
  readonly file: string;
  readonly render: (run: SuiteRun) => string;
  /** The runner tries a failed test again, which then mostly passes. */
  readonly reruns?: boolean;
  readonly tests: readonly DemoTest[];
}

const E2E = 'Kubernetes e2e suite';
const E2E_PLACES = [
  '[sig-network] Services',
  '[sig-storage] PersistentVolumes',
  '[sig-node] Pods',
  '[sig-apps] StatefulSet',
];

export const E2E_SUITE: DemoSuite = {
  name: E2E,
  file: 'junit_01.xml',
  render: ginkgo,
  tests: [
    ...steady(
      E2E,
      cross(E2E_PLACES, ['should be created', 'should be deleted [Conformance]', 'should survive a restart']),
      9.5,
    ),
    ...skipped(
      E2E,
      cross(
        E2E_PLACES,
        Array.from({ length: 18 }, (_, index) => `[Feature:Gate${index + 1}] should do what the gate says`),
      ),
    ),
    test(E2E, '[sig-network] Services should serve a basic endpoint from pods [Conformance]', 14.2, {
      flakeRate: 0.3,
      message: 'Timed out after 120.001s.\nExpected\n    <int>: 2\nto equal\n    <int>: 3',
    }),
    test(E2E, '[sig-node] Pods should cap back-off at MaxContainerBackOff [Slow] {owner: node}', 61.8, {
      flakeRate: 0.14,
      message: 'context deadline exceeded while waiting for pod "back-off-cap" in namespace "pods-7412"',
    }),
    test(E2E, '[sig-storage] PersistentVolumes should mount once the controller is back', 33.4, {
      broken: { newest: 12, oldest: 20 },
      message: 'volume "pvc-1f0c" was not attached: rpc error: code = DeadlineExceeded',
    }),
    test(E2E, '[sig-apps] StatefulSet should not panic on an empty revision', 2.1, {
      flakeRate: 0.08,
      isError: true,
      message: 'Test Panicked: runtime error: invalid memory address or nil pointer dereference',
    }),
  ],
};

export const RUNNER_SUITE: DemoSuite = {
  name: 'kubetest',
  file: 'junit_runner.xml',
  render: kubetest,
  tests: [
    ...steady(
      'e2e.go',
      ['Extract', 'Up', 'Check APIReachability', 'list nodes', 'Test', 'DumpClusterLogs'],
      44,
    ),
    test('e2e.go', 'TearDown', 130, {
      flakeRate: 0.06,
      message: 'error during ./hack/e2e-internal/e2e-down.sh: exit status 1',
    }),
  ],
};

const POD = 'example.test/samovar/pkg/pod';
const BREW = 'example.test/samovar/pkg/brew';

export const GO_SUITE: DemoSuite = {
  name: POD,
  file: 'junit_unit.xml',
  render: gotestsum,
  tests: [
    ...steady(
      POD,
      [
        'TestParse',
        'TestParse/empty',
        'TestParse/nested',
        'TestFormat',
        'TestRoundTrip',
        'TestQuota/exceeded',
      ],
      0.02,
    ),
    ...steady(BREW, ['TestBoil', 'TestPour', 'TestPour/half_cup', 'TestRefill', 'TestLid'], 0.31),
    ...skipped(BREW, ['TestWindowsPipes', 'TestPlan9']),
    test(BREW, 'TestRetry', 0.4),
    test(BREW, 'TestRetry#01', 0.4),
    test(BREW, 'TestRetry#02', 0.4, { flakeRate: 0.12, message: 'retry_test.go:88: got 3 attempts, want 2' }),
    test(BREW, 'TestWatchReconnects', 1.7, {
      flakeRate: 0.22,
      message: 'watch_test.go:141: no event within 1s',
    }),
    test(POD, 'TestEvictionOrder', 0.09, {
      broken: { newest: 6, oldest: 11 },
      message: 'eviction_test.go:57: got [b a], want [a b]',
    }),
  ],
};

const PY = 'tests.test_kettle';

export const PYTEST_SUITE: DemoSuite = {
  name: 'pytest',
  file: 'junit_integration.xml',
  render: pytest,
  tests: [
    ...steady(PY, ['test_fill', 'test_heat', 'test_pour[1]', 'test_pour[2]', 'test_pour[3]'], 0.8),
    test(PY, `test_label[<script>alert("tea")</script>]`, 0.1, {
      flakeRate: 0.18,
      message: `assert '<b>"tea" & 'milk'</b>' == "tea"`,
    }),
    test(PY, `test_quotes["it's" \\ & 'so']`, 0.1),
    test(PY, 'test_unicode[🫖 самовар 茶]', 0.2, { flakeRate: 0.1, message: '🫖 != 🍵' }),
    test(PY, 'test_warehouse', 4.5, {
      flakeRate: 0.1,
      isError: true,
      message: 'ConnectionRefusedError: [Errno 111] Connection refused',
    }),
    ...skipped(PY, ['test_real_kettle']),
  ],
};

const JAVA = 'test.example.samovar.ClientTest';

export const SUREFIRE_SUITE: DemoSuite = {
  name: JAVA,
  file: 'junit-TEST-ClientTest.xml',
  render: surefire,
  reruns: true,
  tests: [
    ...steady(JAVA, ['opens', 'closes', 'closesTwice', 'readsPages', 'writesPages'], 0.6),
    test(JAVA, 'streamsTheWholeDay', 712.5),
    test(JAVA, 'reconnectsAfterReset', 3.3, { flakeRate: 0.4, message: 'expected:<3> but was:<2>' }),
    test(JAVA, 'honoursRetryAfter', 2.2, {
      broken: { newest: 4, oldest: 6 },
      message: 'expected Retry-After to be honoured',
    }),
    ...skipped(JAVA, ['usesKerberos']),
  ],
};

/** Bazel writes a folder for every target, with `test.xml` in each. */
export const BAZEL_SUITES: readonly DemoSuite[] = ['pkg/brew:brew_test', 'pkg/pod:pod_test'].map(
  (target, index) => ({
    name: target,
    file: `bazel-testlogs/${target.replace(':', '/')}/test.xml`,
    render: bazel,
    tests: [
      test(
        target,
        target,
        7 + index,
        index === 0 ? {} : { flakeRate: 0.2, isError: true, message: 'exited with error code 1' },
      ),
    ],
  }),
);

/** Steps of an upgrade job, each with a JUnit file in its own folder. */
export const STEP_SUITES: readonly DemoSuite[] = ['install', 'upgrade', 'verify'].map((step) => ({
  name: `step ${step}`,
  file: `${step}/junit.xml`,
  render: gotestsum,
  tests: [
    ...steady(`steps/${step}`, [`${step} container "main"`, `${step} logs`], 12),
    ...(step === 'upgrade'
      ? [
          test('steps/upgrade', 'upgrade keeps serving', 300, {
            broken: { newest: 0, oldest: 2 },
            message: '3 requests of 1,200 failed',
          }),
        ]
      : []),
  ],
}));

export const NESTED_SUITE: DemoSuite = {
  name: 'legacy',
  file: 'junit_legacy.xml',
  render: nested,
  tests: [
    ...steady('Legacy\\Cup', ['testFill', 'testEmpty'], 0.2),
    ...steady('Legacy\\Tray', ['testCarry', 'testDrop'], 0.3),
    test('Legacy\\Tray', 'testBalance', 0.5, {
      flakeRate: 0.3,
      message: 'Failed asserting that 4 matches expected 5.',
    }),
  ],
};
