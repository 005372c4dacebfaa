import { type CaseRun, countAttributes, type SuiteRun } from './case.ts';
import { attribute, cdata, content, timestamp, XML_HEAD } from './xml.ts';

/** pytest (xunit2): no indentation, errors in set-up as `<error>`. */
export function pytest(suite: SuiteRun): string {
  const cases = suite.cases.map(pytestCase).join('');
  const head = `<testsuite name="pytest" ${countAttributes(suite)} timestamp="${timestamp(suite.startedMs)}.000000+00:00" hostname="${attribute(suite.host)}">`;
  return `${XML_HEAD.trimEnd()}<testsuites name="pytest tests">${head}${cases}</testsuite></testsuites>`;
}

function pytestCase({ name, className, seconds, outcome, message, trace }: CaseRun): string {
  const head = `<testcase classname="${attribute(className)}" name="${attribute(name)}" time="${seconds.toFixed(3)}"`;
  if (outcome === 'skipped')
    return `${head}><skipped type="pytest.skip" message="needs a kettle">${content(className)}: needs a kettle</skipped></testcase>`;
  if (outcome === 'failed')
    return `${head}><failure message="${attribute(message)}">${content(trace)}</failure></testcase>`;
  if (outcome === 'error')
    return `${head}><error message="failed on setup with &quot;${attribute(message)}&quot;">${content(trace)}</error></testcase>`;
  return `${head} />`;
}

/** Maven surefire with rerunFailingTestsCount: a `testsuite` root, flaky and rerun tags, thousands separators in long times. */
export function surefire(suite: SuiteRun): string {
  const cases = suite.cases.map(surefireCase).join('');
  return `${XML_HEAD}<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" name="${attribute(suite.name)}" ${countAttributes(suite)}>
  <properties>
    <property name="java.version" value="21.0.5"/>
  </properties>
${cases}</testsuite>
`;
}

function surefireCase({ name, className, seconds, outcome, message, trace }: CaseRun): string {
  const time = seconds.toLocaleString('en-US', { minimumFractionDigits: 3, maximumFractionDigits: 3 });
  const head = `  <testcase name="${attribute(name)}" classname="${attribute(className)}" time="${time}"`;
  const attributes = `message="${attribute(message)}" type="java.lang.AssertionError"`;
  const stack = `<stackTrace>${cdata(trace)}</stackTrace>`;
  if (outcome === 'skipped') return `${head}>\n    <skipped/>\n  </testcase>\n`;
  if (outcome === 'retried')
    return `${head}>\n    <flakyFailure ${attributes}>${stack}<system-out>${cdata('first run\n')}</system-out></flakyFailure>\n  </testcase>\n`;
  if (outcome === 'failed' || outcome === 'error') {
    return `${head}>\n    <failure ${attributes}>${cdata(trace)}</failure>\n    <rerunFailure ${attributes}>${stack}</rerunFailure>\n  </testcase>\n`;
  }
  return `${head}/>\n`;
}

/** phpunit's way: suites in suites, cases at the bottom only. */
export function nested(suite: SuiteRun): string {
  const classes = [...new Set(suite.cases.map(({ className }) => className))];
  const inner = classes
    .map((className) => {
      const cases = suite.cases
        .filter((test) => test.className === className)
        .map(pytestCase)
        .join('\n      ');
      return `    <testsuite name="${attribute(className)}">\n      ${cases}\n    </testsuite>\n`;
    })
    .join('');
  return `${XML_HEAD}<testsuites>\n  <testsuite name="${attribute(suite.name)}" ${countAttributes(suite)}>\n${inner}  </testsuite>\n</testsuites>\n`;
}
