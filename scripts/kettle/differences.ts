import { attributeOf, type BuildFacts, type CaseFact } from './facts.ts';

/** One place where the two rows of a build differ. */
export interface Difference {
  readonly path: string;
  /** A column; `row` where a whole row is missing; `test` where a test is; else `test.` and the field. */
  readonly field: string;
  /** The test's name, for fields of tests. */
  readonly test?: string;
  /** JSON; undefined where there is none. */
  readonly kettle: string | undefined;
  readonly ours: string | undefined;
}

/** A difference we mean: the id is its heading in docs/differences-from-kettle.md. */
export interface Deliberate {
  readonly id: string;
  readonly reason: string;
  explains(difference: Difference, facts: BuildFacts): boolean;
}

/** Numbers as Python's float() takes them, which is all that Kettle reads; an empty text is 0 to it. */
const PYTHON_FLOAT = /^\s*([-+]?(\d[\d_]*\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(inf|infinity|nan))?\s*$/i;

const SKIPPED = /^(notrun|disabled|skipped)$/;
const FAILED = /^(failed|panicked|timedout|interrupted|aborted)$/;

/** Everything that may differ, from the bucket's own bytes: a difference without evidence there is a defect. */
export const DELIBERATE: readonly Deliberate[] = [
  {
    id: 'no-timestamp',
    reason: 'a finished.json without timestamp is no reason to lose the build',
    explains: ({ field, kettle }, { finished }) =>
      field === 'row' && kettle === undefined && finished !== undefined && finished.timestamp === undefined,
  },
  {
    id: 'batch-builds',
    reason: 'batches have no pointers, Kettle cannot find them',
    explains: ({ field, kettle, path }) =>
      field === 'row' && kettle === undefined && path.includes('/pull/batch/'),
  },
  {
    id: 'odd-times',
    reason: 'a time that is no number costs a test its time, not the build its row',
    explains: (difference, { cases, longerSiblings }) => {
      const odd = (found: CaseFact) => !PYTHON_FLOAT.test(attributeOf(found.tag, 'time') ?? '');
      // Kettle reads the files of build 10 for build 1 too, and stumbles over theirs.
      const read = [...cases, ...longerSiblings.flatMap((sibling) => sibling.cases)];
      if (difference.field === 'row') return difference.kettle === undefined && read.some(odd);
      return (
        difference.field === 'test.time' &&
        casesNamed(difference, cases).some((found) => odd(found) || !isPlainTime(found))
      );
    },
  },
  {
    id: 'passed-crier',
    reason: "the boolean is the truth; Kettle takes crier's lower-case success for a failure",
    explains: ({ field, ours }, { finished }) =>
      field === 'passed' && typeof finished?.passed === 'boolean' && ours === String(finished.passed),
  },
  {
    id: 'result-case',
    reason: "Prow's states are written in upper case, whoever reported them",
    explains: ({ field, kettle, ours }) =>
      field === 'result' && kettle !== undefined && ours === kettle.toUpperCase(),
  },
  {
    id: 'prefix-a',
    reason: "a build's tests are its own; Kettle gives build 1 those of build 10 too",
    explains: ({ field, test, ours }, { longerSiblings }) =>
      field === 'test' &&
      ours === undefined &&
      longerSiblings.some(({ cases }) => casesNamed({ test }, cases).length > 0),
  },
  {
    id: 'recursive-artifacts',
    reason: 'JUnit files are read at any depth, and as Bazel names them',
    explains: ({ field, test, kettle }, { cases }) =>
      field === 'test' &&
      kettle === undefined &&
      casesNamed({ test }, cases).some(({ file }) => !/^artifacts\/junit[^/]*\.xml$/.test(file.name)),
  },
  {
    id: 'salvaged-xml',
    reason: 'complete cases of a file that Kettle cannot parse are kept',
    explains: ({ field, test, kettle }, { cases }) =>
      field === 'test' &&
      kettle === undefined &&
      casesNamed({ test }, cases).some(({ file }) => !file.isWellFormed),
  },
  {
    id: 'nested-suites',
    reason: 'suites in suites are read',
    explains: ({ field, test, kettle }, { cases }) =>
      field === 'test' &&
      kettle === undefined &&
      casesNamed({ test }, cases).some(({ file }) =>
        /<testsuite\b[^>]*[^/]>\s*(<properties>.*?<\/properties>\s*)?<testsuite\b/s.test(file.text),
      ),
  },
  {
    id: 'bare-testcase',
    reason: 'a testcase without a suite is a test',
    explains: ({ field, test, kettle }, { cases }) =>
      field === 'test' &&
      kettle === undefined &&
      casesNamed({ test }, cases).some(({ file }) =>
        /^\s*(<\?xml.*?\?>)?\s*(<testsuites[^>]*>\s*)?<testcase\b/s.test(file.text),
      ),
  },
  {
    id: 'namespace',
    reason: 'elements in a namespace are read by their local names',
    explains: ({ field, test, kettle }, { cases }) =>
      field === 'test' &&
      kettle === undefined &&
      casesNamed({ test }, cases).some(({ file }) =>
        /<testsuites?\b[^>]*\sxmlns\s*=|<\w+:testsuites?\b/.test(file.text),
      ),
  },
  {
    id: 'error-counts',
    reason: 'a test with an <error> has failed',
    explains: (difference, { cases }) =>
      isNewFailure(difference) && casesNamed(difference, cases).some(({ body }) => /<error\b/.test(body)),
  },
  {
    id: 'status-attribute',
    reason: 'a status that says skipped or failed counts without an element for it',
    explains: (difference, { cases }) => {
      const statuses = casesNamed(difference, cases).map(({ tag }) => attributeOf(tag, 'status') ?? '');
      if (difference.field === 'test' && difference.ours === undefined)
        return statuses.some((status) => SKIPPED.test(status));
      return isNewFailure(difference) && statuses.some((status) => FAILED.test(status));
    },
  },
  {
    id: 'several-failures',
    reason: 'of several failures of one test all are kept',
    explains: ({ field, test }, { cases }) =>
      field === 'test.failure_text' &&
      casesNamed({ test }, cases).some(({ body }) => (body.match(/<(failure|error)\b/g) ?? []).length > 1),
  },
  {
    id: 'flaky-field',
    reason: 'a test that passed when it was tried again says so',
    explains: ({ field, kettle, ours }) => field === 'test.flaky' && kettle === undefined && ours === 'true',
  },
  {
    id: 'truncated-row',
    reason: "a row beyond BigQuery's bound is cut and says so",
    explains: ({ field, kettle }) => field === 'truncated' && kettle === undefined,
  },
];

/** We count a test as failed that Kettle counts as passed; a repeated one (`#`) it then leaves out. */
function isNewFailure({ field, test, kettle }: Difference): boolean {
  if (kettle !== undefined) return false;
  return (
    field === 'test.failed' ||
    field === 'test.failure_text' ||
    (field === 'test' && test?.includes('#') === true)
  );
}

/** A row's test carries the suite's name before the case's own. */
function casesNamed({ test }: Pick<Difference, 'test'>, cases: readonly CaseFact[]): readonly CaseFact[] {
  return cases.filter(({ name }) => test === name || test?.endsWith(` ${name}`));
}

function isPlainTime({ tag }: CaseFact): boolean {
  const time = Number(attributeOf(tag, 'time') ?? 0);
  return Number.isFinite(time) && time >= 0;
}
