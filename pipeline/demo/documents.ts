import { hostOf } from './run-suite.ts';
import type { DemoBuild } from './schedule.ts';

const REPO = 'samovar/samovar';

/** started.json as Prow's initupload writes it. */
export function startedJson(build: DemoBuild): string {
  return json({
    timestamp: Math.floor(build.startedMs / 1000),
    ...(build.pull !== undefined && { pull: String(build.pull) }),
    repos: reposOf(build),
    'repo-commit': build.commit,
    node: `gke-demo-pool-${Math.abs(Math.ceil(build.index)) % 3}`,
    ...(hasOwnMetadata(build)
      ? {}
      : {
          metadata: {
            pod: hostOf(build),
            links: { resultstore: { url: `https://results.example.test/${build.id}` } },
          },
        }),
  });
}

/** finished.json as Prow's sidecar writes it; jobs of a cluster add metadata of their own, some of it nested. */
export function finishedJson(build: DemoBuild, passed: boolean): string {
  return json({
    timestamp: Math.floor(build.finishedMs / 1000),
    passed,
    result: passed ? 'SUCCESS' : 'FAILURE',
    revision: build.commit,
    ...(hasOwnMetadata(build) && { metadata: clusterMetadata(build) }),
  });
}

/** finished.json as Prow's crier writes it when the pod did not live to do it: the state in lower case. */
export function crierFinishedJson(build: DemoBuild): string {
  return json({
    timestamp: Math.floor(build.finishedMs / 1000),
    passed: true,
    result: 'success',
    revision: build.commit,
    metadata: { uploader: 'crier' },
  });
}

/** build-log.txt: noise that no collector needs. */
export function buildLog(build: DemoBuild, passed: boolean): string {
  return [
    `I ${new Date(build.startedMs).toISOString()} cloning ${REPO} at ${build.commit}`,
    `I ${new Date(build.startedMs).toISOString()} running ${build.job.name}`,
    `${passed ? 'I' : 'E'} ${new Date(build.finishedMs).toISOString()} ${passed ? 'all tests passed' : 'some tests failed'}`,
    '',
  ].join('\n');
}

function hasOwnMetadata(build: DemoBuild): boolean {
  return build.job.name.endsWith('-e2e') || build.job.name.endsWith('-upgrade');
}

function clusterMetadata(build: DemoBuild) {
  return {
    'infra-commit': build.commit.slice(0, 9),
    'job-version': `v1.36.0-alpha.${build.commit.slice(0, 3)}`,
    'node-os': 'cos-121-lts',
    pod: hostOf(build),
    repo: '',
    repos: reposOf(build),
    cluster: { zones: ['a', 'b'], nodes: 3, spot: false, labels: { team: 'tea & samovar' } },
  };
}

function reposOf(build: DemoBuild) {
  const base = `main:${build.commit.split('').reverse().join('')}`;
  return {
    [REPO]: build.pull === undefined ? `main:${build.commit}` : `${base},${build.pull}:${build.commit}`,
  };
}

function json(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
