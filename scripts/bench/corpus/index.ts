import { randomFor } from '../../../pipeline/demo/random.ts';
import { type CorpusBuild, corpusBuilds } from './builds.ts';
import { corpusJobs } from './jobs.ts';
import { type FileTemplate, fileTemplates, junitFile } from './xml.ts';

/** The bucket Kettle looks for presubmits in, whatever it is told. */
export const BUCKET = 'kubernetes-ci-logs';
const JOBS = 40;
const NODE_LOGS = 14;

/** A bucket's content as the bench server gives it. */
export interface ServedBucket {
  /** In byte order. */
  readonly names: readonly string[];
  read(name: string): Buffer | undefined;
  /** Custom metadata of an object. */
  linkOf(name: string): string | undefined;
}

export interface CorpusOptions {
  readonly seed: number;
  readonly builds: number;
  /** Days that the builds are spread over; default sixty. */
  readonly spanDays?: number;
  /** So many of the newest builds are not there yet. */
  readonly hidden?: number;
  /** The newest build started two hours before this, epoch milliseconds. */
  readonly anchorMs: number;
}

/** A corpus of builds. Nothing is kept but names: every object's content is made when it is asked for. */
export function createCorpus(options: CorpusOptions): ServedBucket {
  const jobs = corpusJobs(options.seed, JOBS);
  const templates = new Map(jobs.map((job) => [job.name, fileTemplates(job, options.seed)]));
  const contents = new Map<string, () => Buffer>();
  const links = new Map<string, string>();
  for (const build of corpusBuilds(jobs, options).slice(0, options.builds - (options.hidden ?? 0))) {
    for (const [name, content] of buildObjects(build, templates.get(build.job.name) ?? []))
      contents.set(name, content);
    if (build.pointer === undefined)
      contents.set(`logs/${build.job.name}/latest-build.txt`, () => Buffer.from(build.id));
    else {
      const link = `gs://${BUCKET}/${build.folder}`;
      links.set(build.pointer, link);
      contents.set(build.pointer, () => Buffer.from(link));
      contents.set(`pr-logs/directory/${build.job.name}/latest-build.txt`, () => Buffer.from(build.id));
    }
  }
  return {
    names: [...contents.keys()].sort(),
    read: (name) => contents.get(name)?.(),
    linkOf: (name) => links.get(name),
  };
}

function* buildObjects(
  build: CorpusBuild,
  templates: readonly FileTemplate[],
): Generator<readonly [string, () => Buffer]> {
  const at = (name: string, text: () => string) =>
    [`${build.folder}/${name}`, () => Buffer.from(text())] as const;
  yield at('started.json', () => startedJson(build));
  if (!build.isUnfinished) yield at('finished.json', () => finishedJson(build));
  yield at('prowjob.json', () => JSON.stringify({ kind: 'ProwJob', metadata: { name: build.id } }));
  for (const name of [
    'build-log.txt',
    'clone-log.txt',
    'clone-records.json',
    'podinfo.json',
    'sidecar-logs.json',
  ])
    yield at(name, () => `${name}\n`);
  if (build.isUnfinished) return;
  for (let node = 0; node < NODE_LOGS; node += 1)
    yield at(`artifacts/node-${node}/kubelet.log`, () => `node ${node}\n`);
  for (const [index, template] of templates.entries()) {
    const name = `${build.folder}/artifacts/junit_${String(index + 1).padStart(2, '0')}.xml`;
    yield [name, () => junitFile(template, build, index)] as const;
  }
}

function startedJson({ startedMs, commit, pull, id }: CorpusBuild): string {
  const repos = {
    'kubernetes/kubernetes':
      pull === undefined ? `master:${commit}` : `master:${commit},${pull}:${randomFor(id).hex(40)}`,
  };
  return JSON.stringify({
    timestamp: Math.floor(startedMs / 1000),
    ...(pull !== undefined && { pull: String(pull) }),
    repos,
    'repo-commit': commit,
    node: `pool-${id.slice(-2)}`,
  });
}

function finishedJson({ finishedMs, passed, commit, pull }: CorpusBuild): string {
  const metadata = {
    'infra-commit': commit.slice(0, 9),
    'job-version': `v1.36.0-alpha.1.${commit.slice(0, 3)}+${commit.slice(0, 14)}`,
    pod: commit.slice(0, 32),
    repo: 'kubernetes/kubernetes',
    repos: { 'kubernetes/kubernetes': pull === undefined ? 'master' : `master,${pull}` },
  };
  return JSON.stringify({
    timestamp: Math.floor(finishedMs / 1000),
    passed,
    result: passed ? 'SUCCESS' : 'FAILURE',
    revision: commit,
    metadata,
  });
}
