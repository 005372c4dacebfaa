import type { Bucket } from '../../backends/bucket/contract.ts';
import { listAll } from '../../backends/bucket/list-all.ts';
import { isSnowflake, snowflakeAt, snowflakeTimeMs } from '../../records/ids.ts';
import type { Candidate, JobListing } from './candidate.ts';

/** A build may show up this long after younger ones of its job: pods wait for nodes. Listing starts that much earlier. */
const LATE_START_MS = 6 * 3_600_000;

/** What every listing of a root is told. */
export interface ListingOptions {
  readonly signal?: AbortSignal;
  /** Epoch milliseconds; applied where ids tell their time, the rest is filtered after reading. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

/** Folder names directly under `prefix`, a page at a time. */
export async function* folderNames(
  bucket: Bucket,
  prefix: string,
  range: { readonly startOffset?: string; readonly endOffset?: string; readonly signal?: AbortSignal } = {},
): AsyncGenerator<readonly string[]> {
  const { signal, startOffset, endOffset } = range;
  const options = {
    delimited: true,
    ...(signal && { signal }),
    ...(startOffset !== undefined && { startOffset: prefix + startOffset }),
    ...(endOffset !== undefined && { endOffset: prefix + endOffset }),
  };
  for await (const page of listAll(bucket, prefix, options)) {
    yield page.prefixes.map((name) => name.slice(prefix.length, -1)).filter((name) => name !== '');
  }
}

/**
 * Where listing may start: ids of 19 digits sort as text in the order of time, so only what is younger than the last listing
 * (and a margin for late starters) is asked for. Other ids are listed whole.
 */
export function listingStart(cursor: string | undefined, sinceMs: number | undefined): string | undefined {
  if (cursor === undefined || !isSnowflake(cursor)) return undefined;
  const sinceCursor = snowflakeTimeMs(cursor) - LATE_START_MS;
  return snowflakeAt(sinceMs === undefined ? sinceCursor : sinceMs);
}

/** Builds that are folders: `<prefix><build>/…`. */
export function folderListing(
  bucket: Bucket,
  at: { readonly prefix: string; readonly job: string; readonly cursor: string },
  options: ListingOptions,
): JobListing {
  return {
    job: at.job,
    cursor: at.cursor,
    pages: async function* (from) {
      const startOffset = listingStart(from, options.sinceMs);
      const endOffset =
        startOffset !== undefined && options.untilMs !== undefined ? snowflakeAt(options.untilMs) : undefined;
      const range = {
        ...(options.signal && { signal: options.signal }),
        ...(startOffset !== undefined && { startOffset }),
        ...(endOffset !== undefined && { endOffset }),
      };
      for await (const names of folderNames(bucket, at.prefix, range)) {
        yield names.map((build): Candidate => ({ job: at.job, build, folder: at.prefix + build }));
      }
    },
  };
}
