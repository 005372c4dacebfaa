import type { Bucket } from '../../backends/bucket/contract.ts';
import type { Candidate, JobListing } from './candidate.ts';
import { folderListing, type ListingOptions } from './folders.ts';

/** Above this, latest-build.txt holds a timestamp or a snowflake id: counting down from it would never end. */
const NUMBER_MAX = 1_000_000;
/** Numbers below the last one seen that are tried again: their builds may have been slow to appear. */
const LOOK_BACK = 40;
const PAGE_SIZE = 200;

/** Builds numbered 1, 2, 3 …: counted down from latest-build.txt, without a listing. Falls back to listing for any other id. */
export function sequentialListing(
  bucket: Bucket,
  at: { readonly prefix: string; readonly job: string; readonly cursor: string },
  options: ListingOptions,
): JobListing {
  const folders = folderListing(bucket, at, options);
  return {
    ...folders,
    numbered: true,
    pages: async function* (from) {
      const latest = await latestNumber(bucket, at.prefix, options.signal);
      if (latest === undefined) {
        yield* folders.pages(undefined);
        return;
      }
      const lowest = Math.max(1, Number(from ?? 0) - LOOK_BACK);
      for (let top = latest; top >= lowest; top -= PAGE_SIZE) {
        const page: Candidate[] = [];
        for (let number = top; number > top - PAGE_SIZE && number >= lowest; number -= 1) {
          page.push({ job: at.job, build: String(number), folder: at.prefix + number, guessed: true });
        }
        yield page;
      }
    },
  };
}

async function latestNumber(
  bucket: Bucket,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  const read = await bucket.read(`${prefix}latest-build.txt`, { bytesMax: 1_024, ...(signal && { signal }) });
  if (read === undefined || read === 'unchanged') return undefined;
  const text = Buffer.from(read.bytes).toString('utf8').trim();
  if (!/^[0-9]{1,7}$/.test(text)) return undefined;
  const number = Number(text);
  return number >= 1 && number <= NUMBER_MAX ? number : undefined;
}
