import { compareNames } from '../../../pipeline/backends/bucket/order.ts';
import { randomFor } from '../../../pipeline/demo/random.ts';
import { snowflakeAt } from '../../../pipeline/records/ids.ts';
import type { ServedBucket } from './index.ts';

const DAY_MS = 86_400_000;
const SPAN_DAYS = 60;

/** Jobs with many builds that are nothing but their two documents: what listing costs, and the database without JUnit. */
export interface PlainCorpus {
  readonly kind: 'plain';
  readonly jobs: number;
  readonly perJob: number;
  /** So many of each job's newest builds are not there yet. */
  readonly hidden?: number;
  /** The newest build started two hours before this, epoch milliseconds. */
  readonly anchorMs: number;
}

export function plainCorpus({ jobs, perJob, hidden = 0, anchorMs }: PlainCorpus): ServedBucket {
  const names: string[] = [];
  const builds = new Map<string, number>();
  const latest = new Map<string, string>();
  const stepMs = (SPAN_DAYS * DAY_MS) / perJob;
  for (let job = 0; job < jobs; job += 1) {
    const folder = `logs/ci-plain-${String(job).padStart(5, '0')}`;
    for (let index = 0; index < perJob - hidden; index += 1) {
      const startedMs = Math.floor(anchorMs - 2 * 3_600_000 - (perJob - 1 - index) * stepMs);
      const id = String(BigInt(snowflakeAt(startedMs)) + BigInt(index & 0x3fffff));
      names.push(`${folder}/${id}/finished.json`, `${folder}/${id}/started.json`);
      builds.set(`${folder}/${id}`, startedMs);
      latest.set(`${folder}/latest-build.txt`, id);
    }
  }
  return {
    names: [...names, ...latest.keys()].sort(compareNames),
    read: (name) => {
      const id = latest.get(name);
      if (id !== undefined) return Buffer.from(id);
      const startedMs = builds.get(name.slice(0, name.lastIndexOf('/')));
      return startedMs === undefined ? undefined : documentOf(name, startedMs);
    },
    linkOf: () => undefined,
  };
}

/** A build's started.json or finished.json, by its name. */
export function documentOf(name: string, startedMs: number): Buffer {
  const started = Math.floor(startedMs / 1000);
  const commit = randomFor(1, 'commit', started).hex(40);
  const document = name.endsWith('/started.json')
    ? { timestamp: started, 'repo-commit': commit, repos: { 'kubernetes/kubernetes': `master:${commit}` } }
    : { timestamp: started + 600, passed: true, result: 'SUCCESS', revision: commit };
  return Buffer.from(JSON.stringify(document));
}
