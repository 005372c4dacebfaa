/** How one test of one run ended. `retried`: failed first, passed when the runner tried it again. */
export type Outcome = 'passed' | 'failed' | 'error' | 'skipped' | 'retried';

export interface CaseRun {
  readonly name: string;
  readonly className: string;
  readonly seconds: number;
  readonly outcome: Outcome;
  /** What went wrong, one line; '' when nothing did. */
  readonly message: string;
  /** The stack trace; '' when nothing went wrong. */
  readonly trace: string;
}

/** One suite's run, to be written in the dialect of some test runner. */
export interface SuiteRun {
  readonly name: string;
  readonly startedMs: number;
  readonly host: string;
  readonly cases: readonly CaseRun[];
}

export interface Counts {
  readonly tests: number;
  readonly failures: number;
  readonly errors: number;
  readonly skipped: number;
  readonly seconds: string;
}

export function countsOf(suite: SuiteRun): Counts {
  const of = (outcome: Outcome) => suite.cases.filter((test) => test.outcome === outcome).length;
  const seconds = suite.cases.reduce((sum, test) => sum + test.seconds, 0);
  return {
    tests: suite.cases.length,
    failures: of('failed'),
    errors: of('error'),
    skipped: of('skipped'),
    seconds: seconds.toFixed(3),
  };
}

/** The attributes that most runners give their suite. */
export function countAttributes(suite: SuiteRun): string {
  const { tests, failures, errors, skipped, seconds } = countsOf(suite);
  return `tests="${tests}" failures="${failures}" errors="${errors}" skipped="${skipped}" time="${seconds}"`;
}
