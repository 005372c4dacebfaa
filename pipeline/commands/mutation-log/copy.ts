import pLimit from 'p-limit';
import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import { describeError } from '../../errors.ts';
import { type CopyOptions, type CopyResult, copyLog } from '../../jobs/mutation-copy.ts';
import type { BucketPlace } from '../../jobs/mutation-copy-hold.ts';
import { placeOfTemplate, type RepoName } from '../../jobs/mutation-copy-names.ts';
import { copyText, failures, type RepoOutcome } from '../../show/mutation-tools.ts';
import { byteSize } from '../../show/progress.ts';
import { type CommonArgs, commonOptions, print, withContext } from '../run.ts';
import { counted, namedRepos } from './tools-repos.ts';

const REQUESTS_IN_FLIGHT = 8;

type Args = CommonArgs & {
  readonly from: string;
  readonly to: string;
  readonly repo?: readonly string[] | undefined;
  readonly repos?: string | undefined;
  readonly replace: boolean;
  readonly check: boolean;
  readonly threads: number;
  readonly 'dry-run': boolean;
};

export const copyCommand: CommandModule<object, Args> = {
  command: 'copy',
  describe: 'Copy mutation logs from where they are to other buckets or prefixes, verified by their hashes',
  builder: (yargs) =>
    commonOptions(yargs)
      .option('from', {
        type: 'string',
        demandOption: true,
        describe: 'Where logs are, with {owner} and {repo}, or {hash} as maintner names buckets',
      })
      .option('to', { type: 'string', demandOption: true, describe: 'Where they are to be, likewise' })
      .option('repo', { type: 'string', array: true, describe: 'OWNER/REPO; may be given more than once' })
      .option('repos', { type: 'string', describe: 'File or bucket URL of repositories (SAMOVAR_REPOS)' })
      .option('replace', {
        type: 'boolean',
        default: false,
        describe: 'Archive a destination that has other records, then make it the copy',
      })
      .option('check', {
        type: 'boolean',
        default: false,
        describe: 'Read what the destination has already, too, and compare its hashes',
      })
      .option('threads', { type: 'number', default: 4, describe: 'Logs at once' })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Only say what would be copied' })
      .example(
        "$0 mutation-log copy --from 'gs://mtr-b-{hash}/' --to 'gs://logs/{owner}/{repo}/' --repos repos.json --dry-run",
        'from a bucket for each repository into one bucket',
      ),
  handler: (args) => withContext(args, (context) => copy(context, args), { mutationLog: true }),
};

async function copy(context: Context, args: Args): Promise<number> {
  const repos = await namedRepos(context, args);
  const places = repos.map((repo) => ({
    repo,
    from: placeOfTemplate(args.from, repo),
    to: placeOfTemplate(args.to, repo),
  }));
  const open = buckets(context);
  const dryRun = args['dry-run'];
  const outcomes = await counted(context, { label: 'copy', unit: 'logs' }, (counting, task) => {
    counting.total = places.length;
    let bytes = 0;
    const one = async ({ repo, from, to }: (typeof places)[number]) => {
      let before = 0;
      const outcome = await outcomeOf(repo, open(from), open(to), {
        nowMs: context.nowMs,
        signal: context.signal,
        dryRun,
        replace: args.replace,
        check: args.check,
        onProgress: (progress) => {
          bytes += progress.bytes - before;
          before = progress.bytes;
          counting.details = `${byteSize(bytes)}, ${repo.owner}/${repo.name}`;
          task.step(`${repo.owner}/${repo.name}`);
        },
      });
      counting.done += 1;
      task.step();
      return outcome;
    };
    const limit = pLimit(args.threads);
    return Promise.all(places.map((place) => limit(() => one(place))));
  });
  await print(context, args.json ? JSON.stringify({ dryRun, logs: outcomes }) : copyText(outcomes, dryRun));
  return failures(outcomes) > 0 ? 1 : 0;
}

/** One log that cannot be copied leaves the others alone. */
async function outcomeOf(
  { owner, name }: RepoName,
  from: BucketPlace,
  to: BucketPlace,
  options: CopyOptions,
): Promise<RepoOutcome<CopyResult>> {
  const repository = `${owner}/${name}`;
  try {
    options.signal?.throwIfAborted();
    return { repository, ...(await copyLog(from, to, options)) };
  } catch (error) {
    return { repository, failure: describeError(error) };
  }
}

/** Each bucket is opened once. */
export function buckets(context: Context) {
  const opened = new Map<string, BucketPlace['bucket']>();
  return ({ bucketUrl, prefix }: { readonly bucketUrl: string; readonly prefix: string }): BucketPlace => {
    const bucket =
      opened.get(bucketUrl) ?? context.openBucket(bucketUrl, { requestsInFlight: REQUESTS_IN_FLIGHT });
    opened.set(bucketUrl, bucket);
    return { bucket, prefix };
  };
}
