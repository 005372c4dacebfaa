import { buildStats } from './build-stats/index.ts';
import { failures } from './failures/index.ts';
import { firstFailing } from './first-failing/index.ts';
import { flakes } from './flakes/index.ts';
import { flakesDaily } from './flakes-daily/index.ts';
import { flakyTests } from './flaky-tests/index.ts';
import { infraFailures } from './infra-failures/index.ts';
import { jobFlakes } from './job-flakes/index.ts';
import { jobHealth } from './job-health/index.ts';
import { jobHealthWeekly } from './job-health-weekly/index.ts';
import { owners } from './owners/index.ts';
import { prConsistency } from './pr-consistency/index.ts';
import { presubmitHealth } from './presubmit-health/index.ts';
import { regressions } from './regressions/index.ts';
import { slowestTests } from './slowest-tests/index.ts';
import type { BuildQuery } from './types.ts';
import { weeklyConsistency } from './weekly-consistency/index.ts';

/** The ten that Kubernetes publishes as metrics. */
export const METRIC_QUERIES: readonly BuildQuery[] = [
  buildStats,
  failures,
  flakes,
  flakesDaily,
  jobFlakes,
  jobHealth,
  jobHealthWeekly,
  prConsistency,
  presubmitHealth,
  weeklyConsistency,
];

export const BUILD_QUERIES: readonly BuildQuery[] = [
  ...METRIC_QUERIES,
  flakyTests,
  slowestTests,
  firstFailing,
  regressions,
  infraFailures,
  owners,
];
