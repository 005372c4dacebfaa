import type { Bucket, ListOptions, ListPage } from '../backends/bucket/contract.ts';
import type { BucketRoot } from '../config/buckets.ts';
import { snowflakeAt } from '../records/ids.ts';
import { type Shard, shardOfDay, slotDay, slotStartMs } from '../records/shard.ts';

/** A page token of ours: where the next page begins. */
const FROM = 'shard-from:';
/** Days looked ahead in one go for one of this shard's. */
const DAYS_AHEAD_MAX = 4_000;

interface Listed {
  readonly bucket: Bucket;
  /** Of the root in its bucket: `logs/`. */
  readonly prefix: string;
}

/**
 * A root's bucket for one shard: in the listing of a job's builds, pages that hold only other shards' days are passed over. What
 * is left out are whole days, by the order of names, so nothing of this shard's is; what is given still has others' builds in it.
 * Each page begins where the plain listing's would, or later: it never costs more requests.
 */
export function shardedBucket({ bucket, prefix }: Listed, root: BucketRoot, shard: Shard): Bucket {
  if (shard.count === 1) return bucket;
  return {
    ...bucket,
    list: async (wanted, options = {}) => {
      const job = jobOf(root, prefix, wanted);
      if (job === undefined) return bucket.list(wanted, options);
      const page = await bucket.list(wanted, startOf(wanted, options));
      const from = page.nextPageToken === undefined ? undefined : nextStart(page, wanted, root, job, shard);
      return from === undefined ? page : { ...page, nextPageToken: `${FROM}${from}` };
    },
  };
}

/** The job whose builds, or whose builds' pointers, lie directly under `wanted`. */
function jobOf(root: BucketRoot, prefix: string, wanted: string): string | undefined {
  if (!wanted.startsWith(prefix)) return undefined;
  const path = wanted.slice(prefix.length);
  const pattern = root.pr ? /^(?:pull\/batch|directory)\/([^/]+)\/$/ : /^([^/]+)\/$/;
  return pattern.exec(path)?.[1];
}

function startOf(wanted: string, options: ListOptions): ListOptions {
  if (options.pageToken?.startsWith(FROM) !== true) return options;
  const { pageToken, ...rest } = options;
  return { ...rest, startOffset: wanted + pageToken.slice(FROM.length) };
}

/** Where this shard's next day begins when the page ended on another's. */
function nextStart(
  page: ListPage,
  wanted: string,
  root: BucketRoot,
  job: string,
  shard: Shard,
): string | undefined {
  const last = lastName(page)?.slice(wanted.length).replace(/\/$/, '');
  const day = last === undefined ? undefined : slotDay(last);
  if (last === undefined || day === undefined) return undefined;
  let next = day;
  const isOthers = () => shardOfDay(root.url, job, next, shard.count) !== shard.index;
  while (next - day < DAYS_AHEAD_MAX && isOthers()) next += 1;
  const start = snowflakeAt(slotStartMs(next));
  return next > day && start > last ? start : undefined;
}

function lastName({ objects, prefixes }: ListPage): string | undefined {
  const [object, folder] = [objects.at(-1)?.name, prefixes.at(-1)];
  if (object === undefined || folder === undefined) return object ?? folder;
  return object > folder ? object : folder;
}
