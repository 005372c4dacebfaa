import {
  BAZEL_SUITES,
  type DemoSuite,
  E2E_SUITE,
  GO_SUITE,
  NESTED_SUITE,
  PYTEST_SUITE,
  RUNNER_SUITE,
  STEP_SUITES,
  SUREFIRE_SUITE,
} from './suites.ts';

/**
 * How a job's builds are laid out: `periodic` under logs/, `presubmit` under pr-logs/pull/ with a pointer, `batch` under
 * pr-logs/pull/batch/ without one, `sequential` under logs/ of the second bucket, with ids 1, 2, 3 …
 */
export type Layout = 'periodic' | 'presubmit' | 'batch' | 'sequential';

export interface DemoJob {
  readonly name: string;
  readonly layout: Layout;
  /** Time from one build's start to the next one's. */
  readonly everyMinutes: number;
  /** How long before the anchor the newest build started. */
  readonly offsetMinutes: number;
  readonly durationMinutes: number;
  /** So many builds in a row are of one commit. */
  readonly buildsPerCommit: number;
  /** Builds that a fresh demo has at most; as many as fit when absent. */
  readonly buildsMax?: number;
  readonly suites: readonly DemoSuite[];
  /** Every n-th build was finished by Prow's crier: lower-case result, no artifacts. */
  readonly crierEvery?: number;
  /** Some of its builds are broken in ways that real ones are (odd-files.ts). */
  readonly odd?: boolean;
}

const HOUR = 60;
const DAY = 24 * HOUR;

/**
 * Starts and ends of builds keep an hour's distance from the edges of the last day and the last week, so that these tables get
 * the same builds in every fresh clone; a test checks that.
 */
export const DEMO_JOBS: readonly DemoJob[] = [
  periodic('ci-samovar-e2e', 8 * HOUR, 3 * HOUR, 75, 3, [E2E_SUITE, RUNNER_SUITE]),
  periodic('ci-samovar-unit', 10 * HOUR, 2 * HOUR, 12, 3, [GO_SUITE]),
  periodic('ci-samovar-integration', 12 * HOUR, 4 * HOUR, 25, 2, [PYTEST_SUITE]),
  periodic('ci-samovar-java-client', 16 * HOUR, 5 * HOUR, 31, 3, [SUREFIRE_SUITE]),
  { ...periodic('ci-samovar-bazel', DAY, 6 * HOUR, 18, 2, BAZEL_SUITES), crierEvery: 7 },
  periodic('ci-samovar-upgrade', DAY, 8 * HOUR, 90, 2, STEP_SUITES),
  { ...periodic('ci-samovar-odd-files', 28 * HOUR, 9 * HOUR, 14, 2, [GO_SUITE]), odd: true },
  periodic('ci-demo-excluded', DAY, 10 * HOUR, 10, 2, [GO_SUITE]),
  { ...periodic('pull-samovar-unit', 6 * HOUR, 2 * HOUR, 14, 4, [GO_SUITE]), layout: 'presubmit' },
  {
    ...periodic('pull-samovar-e2e', 12 * HOUR, 7 * HOUR, 80, 3, [E2E_SUITE, RUNNER_SUITE]),
    layout: 'presubmit',
  },
  { ...periodic('pull-samovar-unit', 5 * DAY, 11 * HOUR, 13, 1, [GO_SUITE]), layout: 'batch', buildsMax: 1 },
  { ...periodic('nightly-legacy', DAY, 3 * HOUR, 22, 2, [PYTEST_SUITE]), layout: 'sequential' },
  { ...periodic('weekly-soak', 2 * DAY, 13 * HOUR, 45, 2, [NESTED_SUITE]), layout: 'sequential' },
];

function periodic(
  name: string,
  everyMinutes: number,
  offsetMinutes: number,
  durationMinutes: number,
  buildsPerCommit: number,
  suites: readonly DemoSuite[],
): DemoJob {
  return { name, layout: 'periodic', everyMinutes, offsetMinutes, durationMinutes, buildsPerCommit, suites };
}
