import { randomFor } from '../../../pipeline/demo/random.ts';
import type { CorpusBuild } from './builds.ts';
import type { CorpusJob } from './jobs.ts';

const SUITE = 'Kubernetes e2e suite';
const SIGS = [
  'sig-network',
  'sig-storage',
  'sig-node',
  'sig-apps',
  'sig-api-machinery',
  'sig-auth',
  'sig-cli',
  'sig-scheduling',
];
const WORDS = [
  'volume',
  'service',
  'endpoint',
  'pod',
  'node',
  'quota',
  'secret',
  'restart',
  'rollout',
  'affinity',
  'ephemeral',
  'topology',
  'snapshot',
  'webhook',
];
/** One end-to-end build in so many melts down: every test that ran failed, each with pages of output. */
const MELTDOWN_ONE_IN = 500;

/** What is the same in every build of a job: its files' text, with gaps where a test ran. */
export interface FileTemplate {
  readonly head: Buffer;
  readonly tail: Buffer;
  /** Text before each test that ran: skipped tests, and the test's own tag up to its time. */
  readonly pieces: readonly Buffer[];
}

/** The job's JUnit files as templates. Most of an end-to-end file is skipped tests, which never change. */
export function fileTemplates(job: CorpusJob, seed: number): readonly FileTemplate[] {
  return job.casesPerFile.map((cases, index) =>
    fileTemplate(job, cases, randomFor(seed, 'file', job.name, index)),
  );
}

function fileTemplate(job: CorpusJob, cases: number, random: ReturnType<typeof randomFor>): FileTemplate {
  const pieces: Buffer[] = [];
  let text = '';
  for (let index = 0; index < cases; index += 1) {
    const name = caseName(job, index, random);
    if (random.next() < job.skippedShare)
      text += `      <testcase name="${name}" classname="${SUITE}" status="skipped" time="0">\n          <skipped message="skipped"></skipped>\n      </testcase>\n`;
    else {
      pieces.push(Buffer.from(`${text}      <testcase name="${name}" classname="${SUITE}" `));
      text = '';
    }
  }
  const counts = `tests="${cases}" time="1234.5"`;
  const head = `<?xml version="1.0" encoding="UTF-8"?>\n  <testsuites ${counts}>\n      <testsuite name="${SUITE}" package="/workspace" ${counts}>\n`;
  return {
    head: Buffer.from(head),
    tail: Buffer.from(`${text}      </testsuite>\n  </testsuites>\n`),
    pieces,
  };
}

function caseName(job: CorpusJob, index: number, random: ReturnType<typeof randomFor>): string {
  const words = () => WORDS[random.below(WORDS.length)];
  const long =
    job.kind === 'e2e'
      ? ` with ${words()} and ${words()} when the ${words()} is gone [Feature:${words()}${index % 40}] [Slow]`
      : '';
  return `[It] [${SIGS[random.below(SIGS.length)]}] ${words()} ${words()} should keep its ${words()} ${index}${long}`;
}

/** One JUnit file of one build: the template with this build's times and failures in its gaps. */
export function junitFile(template: FileTemplate, build: CorpusBuild, fileIndex: number): Buffer {
  const random = randomFor(build.id, fileIndex);
  const isMeltdown = build.job.kind === 'e2e' && randomFor(build.id, 'meltdown').below(MELTDOWN_ONE_IN) === 0;
  const parts: Buffer[] = [template.head];
  const failureShare = build.passed ? 0 : Math.min(0.5, 3 / (template.pieces.length + 1));
  for (const piece of template.pieces) {
    const failed = isMeltdown || random.next() < failureShare;
    parts.push(piece, Buffer.from(failed ? failedCase(random, isMeltdown ? 250 : 12) : passedCase(random)));
  }
  parts.push(template.tail);
  return Buffer.concat(parts);
}

function passedCase(random: ReturnType<typeof randomFor>): string {
  return `status="passed" time="${(random.next() * 60).toFixed(6)}">\n      </testcase>\n`;
}

function failedCase(random: ReturnType<typeof randomFor>, lines: number): string {
  const trace = Array.from(
    { length: lines },
    (_, line) =>
      `k8s.io/kubernetes/test/e2e/framework.run${line}(0xc000${random.hex(6)})\n\ttest/e2e/framework/util.go:${100 + line}\n`,
  ).join('');
  return `status="failed" time="${(random.next() * 600).toFixed(6)}">\n          <failure message="timed out waiting for the condition &lt;${random.hex(8)}&gt;" type="failed">${trace}</failure>\n      </testcase>\n`;
}
