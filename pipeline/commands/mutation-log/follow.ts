import { dirname, join } from 'node:path';
import type { CommandModule } from 'yargs';
import { RETRY_DEFAULTS, retry } from '../../collect/retry.ts';
import type { Context } from '../../context.ts';
import { describeError, SamovarError } from '../../errors.ts';
import { type FollowResult, followLog } from '../../jobs/mutation-replay-follow.ts';
import { openFollower } from '../../mutation-log/follow.ts';
import { byteSize } from '../../show/progress.ts';
import { type CommonArgs, commonOptions, print, withContext } from '../run.ts';
import { repoOf } from './log-place.ts';
import { shown } from './replay.ts';

/** A server that is being put up anew is waited for so long. */
const RETRY = { ...RETRY_DEFAULTS, attemptsMax: 10, budgetMs: 5 * 60_000 };

type Args = CommonArgs & {
  readonly url: string;
  readonly repo: string;
  readonly cache?: string | undefined;
  readonly once: boolean;
  readonly rebuild: boolean;
};

export const followCommand: CommandModule<object, Args> = {
  command: 'follow <url> <repo>',
  describe: "Follow the log of another server (maintner's, or `mutation-log serve`) into the database",
  builder: (yargs) =>
    commonOptions(yargs)
      .positional('url', {
        type: 'string',
        demandOption: true,
        describe: 'Of its list of segments: https://HOST/logs, or https://HOST/OWNER/REPO/logs',
      })
      .positional('repo', { type: 'string', demandOption: true, describe: 'OWNER/REPO' })
      .option('cache', {
        type: 'string',
        describe: 'Folder of its segments (default: beside the database, one for each repository)',
      })
      .option('once', { type: 'boolean', default: false, describe: 'End when what is there now is replayed' })
      .option('rebuild', {
        type: 'boolean',
        default: false,
        describe: 'Forget segments and what they added up to, and begin with the first record',
      })
      .example('$0 mutation-log follow https://maintner.golang.org/logs golang/go', 'until it is stopped')
      .example('$0 mutation-log follow http://localhost:8080/o/r/logs o/r --once --json', 'from a script'),
  handler: (args) => withContext(args, (context) => follow(context, args), { mutationLog: true }),
};

async function follow(context: Context, args: Args): Promise<number> {
  const { owner, name } = repoOf(args.repo);
  assertUrl(args.url);
  const { settings, signal, sleep } = context;
  const folder = args.cache ?? join(dirname(settings.db), 'mutation-log-follow', owner, name);
  const store = await context.holdStore('mutation-log follow');
  const follower = openFollower({
    url: args.url,
    folder,
    timeoutMs: settings.requestTimeoutMs,
    retry: (attempt, callSignal) => retry(attempt, retryOptions(context), callSignal),
  });
  const job = { store, repo: store.corpus.repo(owner, name), follower, sleep };
  const written: Promise<void>[] = [];
  const result = await shown(context, args.repo, (onProgress) =>
    followLog(job, {
      once: args.once,
      rebuild: args.rebuild,
      signal,
      onProgress,
      onReplayed: (replayed) => void written.push(tell(context, args, replayed)),
    }),
  );
  await Promise.all(written);
  if (args.once && !args.json) await print(context, text(args.repo, result));
  return 0;
}

function retryOptions(context: Context) {
  return {
    ...RETRY,
    random: context.random,
    clock: context.nowMs,
    sleep: context.sleep,
    signal: context.signal,
    onRetry: ({ attempt, delayMs, error }: { attempt: number; delayMs: number; error: unknown }) =>
      context.log.warn(
        { attempt, delayMs, reason: describeError(error) },
        'the server of the log is asked again',
      ),
  };
}

/** A line for each time that something came, for scripts and for logs. */
async function tell(context: Context, { repo, json, once }: Args, replayed: FollowResult): Promise<void> {
  if (json) await print(context, JSON.stringify({ repository: repo, ...replayed }));
  else if (!once) context.log.info({ ...replayed }, `${repo} is up to date`);
}

function text(repo: string, { records, bytes, position }: FollowResult): string {
  const at =
    position === undefined
      ? 'the log is empty'
      : `now at segment ${position.segment}, byte ${position.offset}`;
  return `${repo}: ${records} records (${byteSize(bytes)}) replayed; ${at}`;
}

function assertUrl(url: string): void {
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return;
  throw new SamovarError('config', `${JSON.stringify(url)} is no http or https URL`, {
    subject: url,
    remedy: "Give the URL of the server's list of segments, which ends in /logs.",
  });
}
