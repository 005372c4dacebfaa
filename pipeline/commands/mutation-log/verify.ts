import { join } from 'node:path';
import type { CommandModule } from 'yargs';
import type { Bucket } from '../../backends/bucket/contract.ts';
import type { Context } from '../../context.ts';
import { SamovarError } from '../../errors.ts';
import { checkBucket } from '../../mutation-log/check-bucket.ts';
import { checkFolder } from '../../mutation-log/check-folder.ts';
import { listWalFiles } from '../../mutation-log/folder-files.ts';
import { checkText } from '../../show/mutation-check.ts';
import { byteSize } from '../../show/progress.ts';
import { type Counting, counting } from '../counting.ts';
import { type CommonArgs, commonOptions, print, withContext } from '../run.ts';
import { type LogPlace, logPlace, repoOf } from './log-place.ts';

export type LogArgs = CommonArgs & {
  readonly repo?: string | undefined;
  readonly log?: string | undefined;
  readonly wal?: boolean | undefined;
};

export const verifyCommand: CommandModule<object, LogArgs> = {
  command: 'verify [repo]',
  describe: 'Read a whole mutation log: hashes, offsets, every mutation; exit 1 when something is wrong',
  builder: (yargs) =>
    commonOptions(yargs)
      .positional('repo', { type: 'string', describe: 'OWNER/REPO, whose log is below mutation_logs' })
      .option('log', LOG_OPTION)
      .option('wal', WAL_OPTION)
      .example('$0 mutation-log verify golang/go', 'the log that sync writes')
      .example('$0 mutation-log verify --log gs://my-logs/golang/go/', 'any log in a bucket')
      .example('$0 mutation-log verify --log var/maintnerd', "maintner's daily files"),
  handler: (args) => withContext(args, (context) => verify(context, args), { mutationLog: true }),
};

export const LOG_OPTION = {
  type: 'string',
  describe: "gs://BUCKET/PREFIX/ or file:FOLDER/ of its segments, or a folder of maintner's daily files",
} as const;

export const WAL_OPTION = {
  type: 'boolean',
  default: false,
  describe: "What the repository's writer keeps on this machine (mutation_log_wal) until the bucket has it",
} as const;

async function verify(context: Context, args: LogArgs): Promise<number> {
  const { signal } = context;
  const place = await namedPlace(context, args);
  const check = await counting(context, { label: 'verify', unit: 'segments' }, (state) =>
    'folder' in place
      ? checkFolder(place.folder, { ...place, signal })
      : checkBucket(watchedBucket(place.bucket, state), place.prefix, { signal }),
  );
  await print(context, args.json ? JSON.stringify(check) : checkText(check));
  return check.findings.length > 0 ? 1 : 0;
}

/** Counts the segments that are read, and their bytes. */
function watchedBucket(bucket: Bucket, state: Counting): Bucket {
  let bytes = 0;
  const count = (chunk: Uint8Array) => {
    bytes += chunk.length;
    state.details = byteSize(bytes);
    return chunk;
  };
  return {
    ...bucket,
    stream: async (name, options) => {
      const found = await bucket.stream(name, options);
      state.done += 1;
      return found && { ...found, body: mapped(found.body, count) };
    },
  };
}

async function* mapped<T>(body: AsyncIterable<T>, work: (one: T) => T): AsyncGenerator<T> {
  for await (const one of body) yield work(one);
}

/** The log that the command line names, or what this machine keeps of it. Throws `config`. */
export async function namedPlace(context: Context, args: LogArgs): Promise<LogPlace> {
  if (args.wal !== true) return logPlace(context, placeOf(context, args));
  if (args.repo === undefined || args.log !== undefined)
    throw new SamovarError('config', '--wal is about a repository, and none is named', {
      remedy: 'Name it: OWNER/REPO.',
    });
  const { owner, name } = repoOf(args.repo);
  return { folder: join(context.settings.mutationLog.walDir, owner, name), list: listWalFiles };
}

/** Throws `config` when no log is named, or two are. */
export function placeOf(context: Context, { repo, log }: LogArgs): string {
  if ((repo === undefined) === (log === undefined)) {
    throw new SamovarError('config', 'which mutation log?', {
      remedy: 'Name a repository, OWNER/REPO, or a place with --log.',
    });
  }
  if (repo === undefined) return log ?? '';
  const { owner, name } = repoOf(repo);
  return `${context.settings.mutationLog.logs}/${owner}/${name}/`;
}
