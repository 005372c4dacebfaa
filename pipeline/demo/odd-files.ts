import type { BuildFiles } from './build-files.ts';
import { hostOf } from './run-suite.ts';
import type { DemoBuild } from './schedule.ts';

const JUNIT = 'artifacts/junit_unit.xml';

type Oddity = (files: BuildFiles, build: DemoBuild) => BuildFiles;

/** What is wrong with which build of the odd job, by index. The others are well. */
const ODDITIES: Readonly<Record<number, Oddity>> = {
  1: (files) => replaced(files, JUNIT, cutOff(textOf(files, JUNIT))),
  2: (files) =>
    replaced(
      files,
      'artifacts/junit.xml',
      '<!doctype html>\n<html><head><title>502</title></head><body>Bad Gateway<br></body></html>\n',
    ),
  3: (files) => replaced(files, 'finished.json', '{"timestamp": 17\n'),
  4: (files, build) =>
    replaced(files, 'finished.json', `{"passed":true,"result":"SUCCESS","revision":"${build.commit}"}\n`),
  5: (files) => replaced(files, 'artifacts/junit_states.xml', STATES),
  6: (files, build) => replaced(files, 'artifacts/junit_odd_times.xml', oddTimes(build)),
  // Killed with its node and never heard of again.
  7: (files) => new Map([...files].filter(([name]) => name === 'started.json')),
  8: (files) =>
    replaced(
      files,
      JUNIT,
      Buffer.from(`\ufeff${textOf(files, JUNIT).replace('UTF-8', 'UTF-16')}`, 'utf16le'),
    ),
  9: (files) => replaced(files, 'artifacts/junit_ansi.xml', ANSI),
  10: (files) =>
    replaced(
      files,
      'artifacts/junit_bare.xml',
      '<testcase classname="pkg/brew" name="TestAlone" time="0.25"/>\n',
    ),
  11: (files) => replaced(files, 'artifacts/junit_namespace.xml', NAMESPACE),
};

/** Several failures of one test, and states that only an attribute tells. */
const STATES = `<testsuite name="states">
  <testcase name="TestTwice" time="1"><failure message="first">a</failure><failure message="second">b</failure></testcase>
  <testcase name="TestNotRun" status="notrun" time="0"/>
  <testcase name="TestTimedOut" status="timedout" time="60"/>
</testsuite>
`;

const NAMESPACE = `<testsuite xmlns="https://example.test/junit" name="xmlns"><testcase name="TestSpace" time="0.1"/></testsuite>\n`;

/** The files of a build of the odd job as they are found in the bucket. */
export function oddFiles(files: BuildFiles, build: DemoBuild): BuildFiles {
  return ODDITIES[build.index]?.(files, build) ?? files;
}

const ANSI = `<testsuite name="terminal" tests="1" failures="1"><testcase classname="pkg/tty" name="TestColours" time="0.1"><failure message="want \u001b[32mok\u001b[0m">got \u001b[31mred\u001b[0m\u0000 \uffff</failure></testcase></testsuite>\n`;

function oddTimes(build: DemoBuild): string {
  const cases = ['', '1,234.5', '0.1s', 'NaN', '-1', '1e400']
    .map((time, index) => `<testcase classname="pkg/time" name="TestTime${index}" time="${time}"></testcase>`)
    .join('');
  return `<testsuite name="odd times" hostname="${hostOf(build)}">${cases}</testsuite>\n`;
}

/** As if the node had gone while the file was written: inside a tag, some complete cases before it. */
function cutOff(text: string): string {
  const half = text.indexOf('<testcase', Math.floor(text.length / 2));
  return text.slice(0, half + 40);
}

function replaced(files: BuildFiles, name: string, content: string | Buffer): BuildFiles {
  return new Map([...files, [name, content]]);
}

function textOf(files: BuildFiles, name: string): string {
  return String(files.get(name) ?? '');
}
