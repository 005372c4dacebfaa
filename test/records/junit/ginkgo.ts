import { type Random, randomOf } from './generate.ts';

const PHRASES = [
  'should create',
  'persistent volumes',
  'in a namespace',
  'when the pod restarts',
  'CSI Volumes',
  '[Driver: csi-hostpath]',
  '[Testpattern: Dynamic PV (ext4)]',
  'subPath',
  'read-only files',
  'provisioning',
];
const LOG_LINE = '&gt; Enter [BeforeEach] [sig-storage] at framework.go:178 @ 01/02/26 03:04:05.678\n';
const FAILURE_LINE =
  '[FAILED] Unexpected error:\n    &lt;*errors.errorString&gt;: timed out at volumes.go:123\n';

/** Yields an end-to-end report like a Kubernetes job's, in chunks of some 100 kB, until about `bytesMin`: nine of ten cases are skipped. */
export function* ginkgoReport(bytesMin: number): Generator<Buffer> {
  const random = randomOf(1);
  let bytes = 0;
  let chunk =
    '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites tests="7000" time="4123.4">\n<testsuite name="Kubernetes e2e suite" tests="7000">\n';
  for (let index = 0; bytes < bytesMin; index += 1) {
    chunk += testcase(random, index);
    if (chunk.length < 100_000) continue;
    bytes += chunk.length;
    yield Buffer.from(chunk);
    chunk = '';
  }
  yield Buffer.from(`${chunk}</testsuite>\n</testsuites>\n`);
}

function testcase(random: Random, index: number): string {
  const phrases = Array.from({ length: random(6) + 5 }, () => PHRASES[random(PHRASES.length)]);
  const head = `  <testcase name="[It] [sig-storage] ${phrases.join(' ')} [${index}]" classname="Kubernetes e2e suite" status=`;
  const kind = random(200);
  if (kind < 180)
    return `${head}"skipped" time="0">\n    <skipped message="skipped"></skipped>\n  </testcase>\n`;
  const time = random(100_000) / 1_000;
  if (kind < 197)
    return `${head}"passed" time="${time}">\n    <system-err>${LOG_LINE.repeat(8)}</system-err>\n  </testcase>\n`;
  const failure = `<failure message="timed out waiting for &#34;pvc&#34;" type="failed">${FAILURE_LINE.repeat(20)}</failure>`;
  return `${head}"failed" time="${time}">\n    ${failure}\n    <system-err>${LOG_LINE.repeat(60)}</system-err>\n  </testcase>\n`;
}
