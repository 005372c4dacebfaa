import type { Bucket, BucketDriverOptions } from './contract.ts';
import { openFileBucket } from './file.ts';
import { openGsBucket } from './gs.ts';
import { parseBucketUrl } from './urls.ts';

export { parseRoot } from './urls.ts';

/**
 * Opens the bucket a URL names, with the driver of its scheme. Sends no request: a bucket that does not exist shows at the
 * first list. Throws `config` for a URL no driver takes.
 */
export function openBucket(url: string, options: BucketDriverOptions): Bucket {
  const { scheme, place } = parseBucketUrl(url);
  return scheme === 'gs' ? openGsBucket(place, url, options) : openFileBucket(place, url, options);
}

/** What notifications of buckets need: the storage client's own calls, read when a setup asks for them. */
export function bucketSetup() {
  return import('./gs-setup.ts');
}

/** Google's credentials: where they come from, and whether they are good for a token. Read when a check asks for them. */
export async function findGoogleCredentials(timeoutMs: number) {
  const { findCredentials } = await import('./gs-credentials.ts');
  return findCredentials(timeoutMs);
}
