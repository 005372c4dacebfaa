import type { Bucket, BucketObject, ListPage } from '../../backends/bucket/contract.ts';
import { listAll } from '../../backends/bucket/list-all.ts';
import type { Candidate, JobListing } from './candidate.ts';
import { folderNames, type ListingOptions, listingStart } from './folders.ts';

/** Presubmits: `<root>directory/<job>/<id>.txt` says where under `<root>pull/` the build lies. */
const DIRECTORY = 'directory/';

/**
 * The presubmit jobs of a root. A small directory comes whole in one request; a large one is listed job by job, each from where
 * it ended last time.
 */
export async function* pointerListings(
  bucket: Bucket,
  prefix: string,
  options: ListingOptions,
): AsyncGenerator<JobListing> {
  const directory = prefix + DIRECTORY;
  const first = await bucket.list(directory, {
    metadata: true,
    ...(options.signal && { signal: options.signal }),
  });
  if (first.nextPageToken === undefined) {
    yield* wholeDirectory(first, directory);
    return;
  }
  for await (const jobs of folderNames(bucket, directory, options.signal ? { signal: options.signal } : {})) {
    for (const job of jobs) yield pointerListing(bucket, `${directory}${job}/`, job, options);
  }
}

function* wholeDirectory(page: ListPage, directory: string): Generator<JobListing> {
  const jobs = new Map<string, Candidate[]>();
  for (const object of page.objects) {
    const candidate = asCandidate(object, directory);
    if (candidate === undefined) continue;
    const builds = jobs.get(candidate.job) ?? [];
    builds.push(candidate);
    jobs.set(candidate.job, builds);
  }
  for (const [job, builds] of jobs) {
    yield {
      job,
      cursor: job,
      pages: async function* () {
        yield builds;
      },
    };
  }
}

function pointerListing(bucket: Bucket, prefix: string, job: string, options: ListingOptions): JobListing {
  const directory = prefix.slice(0, -job.length - 1);
  return {
    job,
    cursor: job,
    pages: async function* (from) {
      const start = listingStart(from, options.sinceMs);
      const range = {
        metadata: true,
        ...(options.signal && { signal: options.signal }),
        ...(start !== undefined && { startOffset: prefix + start }),
      };
      for await (const page of listAll(bucket, prefix, range)) {
        yield page.objects
          .map((object) => asCandidate(object, directory))
          .filter((found) => found !== undefined);
      }
    },
  };
}

/** latest-build.txt files lie among the pointers; anything deeper or of another kind is not one. */
function asCandidate(object: BucketObject, directory: string): Candidate | undefined {
  const parts = object.name.slice(directory.length).split('/');
  const [job, file] = parts;
  if (parts.length !== 2 || !job || !file?.endsWith('.txt')) return undefined;
  const build = file.slice(0, -'.txt'.length);
  if (build === '' || build === 'latest-build') return undefined;
  const link = object.metadata?.link?.trim();
  return { job, build, pointer: object.name, ...(link && { link }) };
}
