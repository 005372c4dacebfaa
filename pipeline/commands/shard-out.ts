import { join } from 'node:path';
import { parseRoot } from '../backends/bucket/index.ts';
import type { Selection } from '../collect/plan.ts';
import type { BucketRoot } from '../config/buckets.ts';
import { type TableConfig, tableSpec } from '../config/tables.ts';
import type { Context } from '../context.ts';
import { columnsHash, type ManifestProblem, type ShardSelection } from '../emit/shard-manifest.ts';
import { SamovarError } from '../errors.ts';
import { type ShardWriteRequest, type ShardWritten, writeShard } from '../jobs/shard-write.ts';
import type { Shard } from '../records/shard.ts';
import { byteSize, startProgress } from '../show/progress.ts';
import type { DeadLetter } from '../store/dead-letters.ts';
import type { Store } from '../store/open.ts';
import type { Collected } from './collecting.ts';

const PROBLEMS_LISTED_MAX = 200;
const PAGE = 1_000;
const UPLOADS_AT_ONCE = 4;
/** Another try reads the same bytes: these builds have no row whoever looks. */
const FINAL_CODES: readonly string[] = ['malformed', 'too-large', 'refused', 'missing'];

export interface ShardOut {
  /** URL and prefix. */
  readonly out: string;
  readonly shard: Shard;
  readonly selection: Selection;
  readonly roots: readonly BucketRoot[];
  readonly table: TableConfig;
  readonly keep: (path: string) => boolean;
  readonly collected: Collected;
  /** Epoch seconds. */
  readonly since: number;
  readonly before: number;
}

/**
 * The database of a shard: the one that was named, else one of its own, so that shards on one machine do not meet. It is kept: a
 * run after a stop reads nothing twice.
 */
export function shardDatabase(
  { settings }: Context,
  named: string | undefined,
  { index, count }: Shard,
): string {
  const isNamed = named !== undefined || settings.sources.db !== undefined;
  return isNamed ? settings.db : join(settings.workDir, `shard-${index}-of-${count}.db`);
}

/** Throws `config` for a time that another shard, started a little later, would understand otherwise. */
export function assertSameForAll(args: {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}): void {
  for (const [flag, text] of [
    ['--since', args.since],
    ['--until', args.until],
  ] as const) {
    if (text === undefined || /^\d{4}-/.test(text)) continue;
    throw new SamovarError(
      'config',
      `${flag} ${text}: shards would not agree on this time, each starts at another`,
      {
        remedy: 'Give a date (2026-11-01) or a time (2026-11-01T12:00Z).',
      },
    );
  }
}

/** Writes what was collected as files and a manifest. */
export async function writeOut(context: Context, store: Store, given: ShardOut): Promise<ShardWritten> {
  const { bucketUrl, prefix } = parseRoot(given.out);
  const bucket = context.openBucket(bucketUrl, { requestsInFlight: UPLOADS_AT_ONCE });
  const state = { files: 0, rows: 0, bytes: 0 };
  const stop = startProgress({
    label: 'backfill',
    unit: 'rows',
    interactive: context.interactive,
    stderr: context.stderr,
    log: context.log,
    nowMs: context.nowMs,
    read: () => ({ done: state.rows, total: 0, details: `${state.files} files, ${byteSize(state.bytes)}` }),
  });
  const { signal, nowMs } = context;
  const onFile = ({ rows, fileBytes }: { readonly rows: number; readonly fileBytes: number }) => {
    state.files += 1;
    state.rows += rows;
    state.bytes += fileBytes;
  };
  try {
    return await writeShard({ store, bucket, prefix, signal, nowMs, onFile }, await requestOf(store, given));
  } finally {
    stop();
  }
}

async function requestOf(store: Store, given: ShardOut): Promise<ShardWriteRequest> {
  const { shard, table, keep, collected, since, before } = given;
  const letters = lettersOf(store, given);
  const failed = letters.filter(({ code }) => !FINAL_CODES.includes(code)).length;
  return {
    shard,
    selection: selectionOf(given),
    table: table.name,
    schema: columnsHash((await tableSpec(table)).schema),
    complete: collected.failures.length === 0 && failed === 0,
    unfinished: unfinishedOf(store, given),
    failed,
    refused: letters.length - failed,
    problems: letters.slice(0, PROBLEMS_LISTED_MAX).map(asProblem),
    givenUp: collected.failures.map(({ root, reason }) => `${root}: ${reason}`),
    ...(table.partition !== undefined && { partition: table.partition }),
    since: Math.floor(since),
    before: Math.ceil(before),
    keep,
  };
}

function selectionOf({ roots, selection }: ShardOut): ShardSelection {
  const iso = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());
  return {
    roots: roots.map(({ url }) => url).sort(),
    job: selection.job ?? null,
    since: iso(selection.sinceMs),
    until: iso(selection.untilMs),
  };
}

/** Builds of this shard that have no row, or not the whole of it. */
function lettersOf(store: Store, { keep }: ShardOut): readonly DeadLetter[] {
  const kinds = ['collect', 'junit', 'row'] as const;
  return kinds.flatMap((kind) =>
    [...store.deadLetters.list({ kind })].filter(({ root, job, build, subject }) =>
      keep(root !== null && job !== null && build !== null ? `${root}${job}/${build}` : subject),
    ),
  );
}

const asProblem = ({ subject, code, reason }: DeadLetter): ManifestProblem => ({
  path: subject,
  code,
  reason,
});

function unfinishedOf(store: Store, { roots, keep }: ShardOut): number {
  let count = 0;
  for (const { url } of roots) {
    const root = store.cursors.findRoot(url);
    if (root === undefined) continue;
    for (let page = store.shards.unfinished(root, 0, PAGE); page.length > 0; ) {
      count += page.filter(({ job, build }) => keep(`${url}${job}/${build}`)).length;
      page = store.shards.unfinished(root, page.at(-1)?.id ?? 0, PAGE);
    }
  }
  return count;
}

export function writtenText({ manifest, url, replaced, reused }: ShardWritten): string {
  const { shard, rows, files, fileBytes, complete, failed, refused, unfinished, givenUp } = manifest;
  const lines = [
    `shard ${shard.index} of ${shard.count}: ${rows} rows in ${files.length} files (${byteSize(fileBytes)}), ${reused} of them written before`,
    ...(refused > 0 ? [`${refused} builds have no row or not all of it: broken, or past a limit`] : []),
    ...(unfinished > 0 ? [`${unfinished} builds have not finished`] : []),
    ...givenUp.map((text) => `given up: ${text}`),
    ...(complete ? [] : [`${failed} builds failed: the shard is not complete, run it again`]),
    replaced ? `manifest: ${url}` : `the complete manifest of an earlier run stays: ${url}`,
  ];
  return lines.join('\n');
}
