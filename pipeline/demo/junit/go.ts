import { type CaseRun, countAttributes, countsOf, type SuiteRun } from './case.ts';
import { attribute, cdata, content, timestamp, XML_HEAD } from './xml.ts';

/** Ginkgo 2: one suite in a `testsuites`, a status in every case, message as attribute, trace in the body, mostly skipped cases. */
export function ginkgo(suite: SuiteRun): string {
  const { tests, failures, errors, skipped, seconds } = countsOf(suite);
  const attributes = `tests="${tests}" disabled="0" errors="${errors}" failures="${failures}" time="${seconds}"`;
  const cases = suite.cases.map(ginkgoCase).join('');
  return `${XML_HEAD}<testsuites ${attributes}>
  <testsuite name="${attribute(suite.name)}" package="/workspace/test/e2e" ${attributes} skipped="${skipped}" timestamp="${timestamp(suite.startedMs)}">
    <properties>
      <property name="SuiteSucceeded" value="${failures + errors === 0}"></property>
      <property name="RandomSeed" value="${Math.floor(suite.startedMs / 1000)}"></property>
    </properties>
${cases}  </testsuite>
</testsuites>
`;
}

const GINKGO_STATUS = {
  passed: 'passed',
  failed: 'failed',
  error: 'panicked',
  skipped: 'skipped',
  retried: 'passed',
} as const;

function ginkgoCase({ name, className, seconds, outcome, message, trace }: CaseRun): string {
  const time = outcome === 'skipped' ? '0' : seconds.toFixed(6);
  const head = `    <testcase name="[It] ${attribute(name)}" classname="${attribute(className)}" status="${GINKGO_STATUS[outcome]}" time="${time}">`;
  if (outcome === 'skipped') return `${head}<skipped message="skipped"></skipped></testcase>\n`;
  if (outcome === 'passed' || outcome === 'retried') return `${head}</testcase>\n`;
  const tag = outcome === 'error' ? 'error' : 'failure';
  const log = content(`> Enter [It] ${name}\n${message}\n< Exit [It] ${name}\n`);
  return `${head}<${tag} message="${attribute(message)}" type="${GINKGO_STATUS[outcome]}">${content(trace)}</${tag}><system-err>${log}</system-err></testcase>\n`;
}

/** gotestsum: the package is the class, a failure's body is the test's whole output. */
export function gotestsum(suite: SuiteRun): string {
  const { tests, failures, errors, skipped, seconds } = countsOf(suite);
  const cases = suite.cases
    .map(({ name, className, seconds: time, outcome, message, trace }) => {
      const head = `\t\t<testcase classname="${attribute(className)}" name="${attribute(name)}" time="${time.toFixed(6)}">`;
      if (outcome === 'skipped')
        return `${head}<skipped message="    ${attribute(name)}: not on this platform"></skipped></testcase>\n`;
      if (outcome === 'passed' || outcome === 'retried') return `${head}</testcase>\n`;
      const body = content(
        `=== RUN   ${name}\n    ${message}\n${trace}--- FAIL: ${name} (${time.toFixed(2)}s)\n`,
      );
      return `${head}<failure message="Failed" type="">${body}</failure></testcase>\n`;
    })
    .join('');
  return `${XML_HEAD}<testsuites tests="${tests}" failures="${failures + errors}" errors="0" time="${seconds}">
\t<testsuite tests="${tests}" failures="${failures + errors}" time="${seconds}" name="${attribute(suite.name)}" skipped="${skipped}" timestamp="${timestamp(suite.startedMs)}Z">
\t\t<properties><property name="go.version" value="go1.25.3 linux/amd64"></property></properties>
${cases}\t</testsuite>
</testsuites>
`;
}

/** kubetest's own steps: a bare `testsuite`, failures without a message attribute. */
export function kubetest(suite: SuiteRun): string {
  const cases = suite.cases
    .map(({ name, seconds, outcome, message }) => {
      const head = `    <testcase classname="e2e.go" name="${attribute(name)}" time="${seconds.toFixed(3)}"`;
      return outcome === 'failed'
        ? `${head}>\n        <failure>${content(message)}</failure>\n    </testcase>\n`
        : `${head}></testcase>\n`;
    })
    .join('');
  return `<testsuite ${countAttributes(suite)}>\n${cases}</testsuite>\n`;
}

/** Bazel's generated wrapper: one case a target, its whole log in system-out. */
export function bazel(suite: SuiteRun): string {
  const cases = suite.cases
    .map(({ name, seconds, outcome, message, trace }) => {
      const failed = outcome === 'failed' || outcome === 'error';
      const error = failed ? `<error message="exited with error code 1"></error>` : '';
      const log = cdata(
        `exec \${PAGER:-/usr/bin/less} "$0" || exit 1\nExecuting tests from //${name}\n${failed ? `${message}\n${trace}` : 'PASS\n'}`,
      );
      return `  <testcase name="${attribute(name)}" status="run" duration="${Math.round(seconds)}" time="${Math.round(seconds)}">${error}<system-out>${log}</system-out></testcase>\n`;
    })
    .join('');
  return `${XML_HEAD}<testsuites>\n<testsuite name="${attribute(suite.name)}" ${countAttributes(suite)}>\n${cases}</testsuite>\n</testsuites>\n`;
}
