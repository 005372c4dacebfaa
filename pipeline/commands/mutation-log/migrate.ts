import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import type { BucketPlace } from '../../jobs/mutation-copy-hold.ts';
import { placeOfTemplate, type RepoName } from '../../jobs/mutation-copy-names.ts';
import { type Migrated, migrateLog } from '../../jobs/mutation-migrate.ts';
import type { Destination } from '../../jobs/mutation-migrate-destination.ts';
import { openBucketLog } from '../../mutation-log/bucket-log.ts';
import { openLogWriter } from '../../mutation-log/writer.ts';
import { migrateText } from '../../show/mutation-tools.ts';
import { type CommonArgs, commonOptions, print, withContext } from '../run.ts';
import { buckets } from './copy.ts';
import { openLog } from './log-place.ts';
import { counted, namedRepos } from './tools-repos.ts';

const MIB = 2 ** 20;

type Args = CommonArgs & {
  readonly source: string;
  readonly repo?: readonly string[] | undefined;
  readonly repos?: string | undefined;
  readonly to?: string | undefined;
  readonly 'keep-git': boolean;
  readonly 'dry-run': boolean;
};

export const migrateCommand: CommandModule<object, Args> = {
  command: 'migrate <source>',
  describe: 'Write what one mutation log has of some repositories into a log for each of them',
  builder: (yargs) =>
    commonOptions(yargs)
      .positional('source', {
        type: 'string',
        demandOption: true,
        describe:
          "gs://BUCKET/PREFIX/ or file:FOLDER/ of a log's segments, or a folder of maintner's daily files",
      })
      .option('repo', { type: 'string', array: true, describe: 'OWNER/REPO; may be given more than once' })
      .option('repos', { type: 'string', describe: 'File or bucket URL of repositories (SAMOVAR_REPOS)' })
      .option('to', {
        type: 'string',
        describe:
          'Where logs are to be, with {owner} and {repo} or {hash} (default: mutation_logs of the settings)',
      })
      .option('keep-git', {
        type: 'boolean',
        default: false,
        describe: 'Git and Gerrit mutations go to every repository; else nowhere',
      })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Only say how much would be written' })
      .example(
        '$0 mutation-log migrate gs://golang-maintner-log/ --repo golang/go',
        'one repository of many',
      ),
  handler: (args) => withContext(args, (context) => migrate(context, args), { mutationLog: true }),
};

async function migrate(context: Context, args: Args): Promise<number> {
  const repos = await namedRepos(context, args);
  const template = args.to ?? `${context.settings.mutationLog.logs}/{owner}/{repo}/`;
  const open = buckets(context);
  const source = await openLog(context, args.source);
  const dryRun = args['dry-run'];
  const result = await counted(context, { label: 'migrate', unit: 'MiB' }, (counting, task) =>
    migrateLog({
      source,
      repos,
      destination: (repo) => destinationOf(context, repo, open(placeOfTemplate(template, repo))),
      keepGit: args['keep-git'],
      dryRun,
      signal: context.signal,
      onProgress: ({ records, bytes, bytesTotal }) => {
        counting.done = Math.floor(bytes / MIB);
        counting.total = Math.ceil(bytesTotal / MIB);
        counting.details = `${records} records`;
        task.step();
      },
    }),
  );
  await print(context, args.json ? JSON.stringify({ dryRun, ...result }) : migrateText(result, dryRun));
  return failed(result) ? 1 : 0;
}

const failed = ({ repositories }: Migrated) => repositories.some((one) => 'failure' in one);

/** What is not yet in the bucket lies apart from what a sync keeps: the two are different writers. */
function destinationOf(context: Context, { owner, name }: RepoName, place: BucketPlace): Destination {
  const folder = join(context.settings.mutationLog.walDir, '.migrate', owner, name);
  return {
    log: openBucketLog(place.bucket, place.prefix),
    openWriter: () => openLogWriter({ ...place, folder, nowMs: context.nowMs, signal: context.signal }),
    discard: () => rm(folder, { recursive: true, force: true }),
  };
}
