import type { Bucket } from '../../backends/bucket/contract.ts';
import type { BucketRoot } from '../../config/buckets.ts';
import type { JobListing } from './candidate.ts';
import { folderListing, folderNames, type ListingOptions } from './folders.ts';
import { pointerListings } from './pointers.ts';
import { sequentialListing } from './sequential.ts';

export interface RootListingOptions extends ListingOptions {
  /** True for jobs that were asked for and are not excluded. */
  readonly wants: (job: string) => boolean;
  /** The one job that was asked for by its full name: saves listing all jobs. */
  readonly onlyJob?: string;
}

/** Every listing of a root: its jobs' folders, or for presubmits its pointers and its batches. */
export async function* rootListings(
  bucket: Bucket,
  root: BucketRoot,
  prefix: string,
  options: RootListingOptions,
): AsyncGenerator<JobListing> {
  if (root.pr) {
    for await (const listing of pointerListings(bucket, prefix, options))
      if (options.wants(listing.job)) yield listing;
    // Batch builds have no pointers: Prow writes none for them.
    yield* jobFolders(bucket, `${prefix}pull/batch/`, options, (at) =>
      folderListing(bucket, { ...at, cursor: `batch/${at.job}` }, options),
    );
    return;
  }
  const listing = root.sequential ? sequentialListing : folderListing;
  yield* jobFolders(bucket, prefix, options, (at) => listing(bucket, at, options));
}

async function* jobFolders(
  bucket: Bucket,
  prefix: string,
  options: RootListingOptions,
  listing: (at: { prefix: string; job: string; cursor: string }) => JobListing,
): AsyncGenerator<JobListing> {
  const at = (job: string) => ({ prefix: `${prefix}${job}/`, job, cursor: job });
  if (options.onlyJob !== undefined) {
    if (options.wants(options.onlyJob)) yield listing(at(options.onlyJob));
    return;
  }
  for await (const jobs of folderNames(bucket, prefix, options.signal ? { signal: options.signal } : {})) {
    for (const job of jobs) if (options.wants(job)) yield listing(at(job));
  }
}
