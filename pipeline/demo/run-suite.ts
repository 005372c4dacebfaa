import type { CaseRun, Outcome, SuiteRun } from './junit/case.ts';
import { randomFor } from './random.ts';
import type { DemoBuild } from './schedule.ts';
import type { DemoSuite } from './suites.ts';
import type { DemoTest } from './tests.ts';

const PASSES_AGAIN = 0.7;

/** What a build's run of a suite came to: the same for the same seed, job, index and suite. */
export function runSuite(build: DemoBuild, suite: DemoSuite, seed: number): SuiteRun {
  return {
    name: suite.name,
    startedMs: build.startedMs,
    host: hostOf(build),
    cases: suite.tests.map((test) => runTest(build, suite, test, seed)),
  };
}

export function hasFailed(suite: SuiteRun): boolean {
  return suite.cases.some(({ outcome }) => outcome === 'failed' || outcome === 'error');
}

/** The pod a build ran in. */
export function hostOf(build: DemoBuild): string {
  return `samovar-${randomFor(build.job.name, build.index, 'host').hex(8)}`;
}

function runTest(build: DemoBuild, suite: DemoSuite, test: DemoTest, seed: number): CaseRun {
  const { job, index } = build;
  const random = randomFor(seed, job.name, job.layout, index, suite.file, test.name);
  const flaked = random.next() < test.flakeRate;
  const passesAgain = random.next() < PASSES_AGAIN;
  const broken = test.broken !== undefined && index >= test.broken.newest && index <= test.broken.oldest;
  const outcome = outcomeOf(test, { broken, flaked, retried: suite.reruns === true && passesAgain });
  const calm = outcome === 'passed' || outcome === 'skipped';
  return {
    name: test.name,
    className: test.className,
    seconds: test.skipped ? 0 : Math.round(test.seconds * (0.8 + random.next() * 0.4) * 1000) / 1000,
    outcome,
    message: calm ? '' : test.message,
    trace: calm ? '' : traceOf(test, random.hex(6)),
  };
}

function outcomeOf(
  test: DemoTest,
  seen: { readonly broken: boolean; readonly flaked: boolean; readonly retried: boolean },
): Outcome {
  if (test.skipped) return 'skipped';
  if (!seen.broken && !seen.flaked) return 'passed';
  if (!seen.broken && seen.retried) return 'retried';
  return test.isError ? 'error' : 'failed';
}

/** Addresses differ from run to run, as real ones do: whoever clusters failures has to see past them. */
function traceOf(test: DemoTest, digits: string): string {
  return [
    'goroutine 311 [running]:',
    `${test.className.replaceAll(' ', '/')}.run(0xc000${digits}, {0x1f, 0x2a})`,
    `\t/src/${test.className.replace(/\W+/g, '/')}/run.go:${100 + test.name.length} +0x${digits.slice(0, 3)}`,
    'created by testing.(*T).Run',
    '\t/usr/local/go/src/testing/testing.go:1743 +0x390',
    '',
  ].join('\n');
}
