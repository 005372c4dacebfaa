import type { BucketEvent } from '../backends/queue/contract.ts';
import { type BucketRoot, findRoot } from '../config/buckets.ts';

const FINISHED = '/finished.json';

/** A build of which an event tells that it has finished. */
export interface FinishedBuild {
  readonly root: BucketRoot;
  readonly job: string;
  readonly build: string;
  /** Where it lies in its bucket, without trailing slash. */
  readonly folder: string;
  /** `<bucket url>/<folder>`: its identity. */
  readonly path: string;
  /** Of its finished.json. */
  readonly generation: string;
  readonly publishedMs: number;
}

/**
 * The build that an event is about; undefined for all that is none of ours: other objects, other kinds of news, other roots, jobs
 * that the configuration excludes. The filters are the collector's own.
 */
export function finishedBuildOf(event: BucketEvent, roots: readonly BucketRoot[]): FinishedBuild | undefined {
  const { type, bucketUrl, object, generation, publishedMs } = event;
  if (type !== 'finalized' || !object.endsWith(FINISHED)) return undefined;
  const folder = object.slice(0, -FINISHED.length);
  const path = `${bucketUrl}/${folder}`;
  const root = findRoot(roots, path);
  if (root === undefined) return undefined;
  const parts = path.slice(root.url.length).split('/');
  const [job = '', build = ''] = parts.slice(-2);
  if (!isPlace(root, parts) || root.excludes(job) !== undefined) return undefined;
  return { root, job, build, folder, path, generation, publishedMs };
}

/** `job/build`, and under `pull/` whatever says of which change it is. Deeper ones are artifacts that happen to have the name. */
function isPlace(root: BucketRoot, parts: readonly string[]): boolean {
  if (parts.some((part) => part === '' || part === '.' || part === '..')) return false;
  if (!root.pr) return parts.length === 2;
  // pull/REPOSITORY/NUMBER/JOB/BUILD, pull/NUMBER/JOB/BUILD and pull/batch/JOB/BUILD.
  return parts[0] === 'pull' && parts.length >= 4 && parts.length <= 5;
}
