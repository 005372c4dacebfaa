import { buildLog, crierFinishedJson, finishedJson, startedJson } from './documents.ts';
import { oddFiles } from './odd-files.ts';
import { hasFailed, runSuite } from './run-suite.ts';
import type { DemoBuild } from './schedule.ts';

/** Names below the build's folder, and what they hold. */
export type BuildFiles = ReadonlyMap<string, string | Buffer>;

/** Everything a finished build leaves in the bucket. Pure: the same build and seed give the same bytes. */
export function finishedFiles(build: DemoBuild, seed: number): BuildFiles {
  const { job, index } = build;
  if (job.crierEvery !== undefined && Math.abs(index) % job.crierEvery === job.crierEvery - 1) {
    return new Map([...startedFiles(build), ['finished.json', crierFinishedJson(build)]]);
  }
  const runs = job.suites.map((suite) => ({ suite, run: runSuite(build, suite, seed) }));
  const passed = !runs.some(({ run }) => hasFailed(run));
  const files: BuildFiles = new Map([
    ...startedFiles(build),
    ...runs.map(({ suite, run }) => [`artifacts/${suite.file}`, suite.render(run)] as const),
    ['build-log.txt', buildLog(build, passed)],
    ['finished.json', finishedJson(build, passed)],
  ]);
  return job.odd ? oddFiles(files, build) : files;
}

/** What a build leaves while it runs. */
export function startedFiles(build: DemoBuild): BuildFiles {
  return new Map([['started.json', startedJson(build)]]);
}
