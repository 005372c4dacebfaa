import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import { SamovarError } from '../../errors.ts';
import { type ReplayProgress, type ReplayResult, replayLog } from '../../jobs/mutation-replay.ts';
import { byteSize, duration, startProgress } from '../../show/progress.ts';
import { type CommonArgs, commonOptions, print, withContext } from '../run.ts';
import { openLog, repoOf } from './log-place.ts';

const MIB = 2 ** 20;

type Args = CommonArgs & {
  readonly repo: string;
  readonly log?: string | undefined;
  readonly rebuild: boolean;
};

export const replayCommand: CommandModule<object, Args> = {
  command: 'replay <repo>',
  describe: 'Bring what is known of a repository up to the end of its mutation log',
  builder: (yargs) =>
    commonOptions(yargs)
      .positional('repo', { type: 'string', demandOption: true, describe: 'OWNER/REPO' })
      .option('log', {
        type: 'string',
        describe:
          "gs://BUCKET/PREFIX/ or file:FOLDER/ of its segments, or a folder of maintner's daily files (default: below mutation_logs of the settings)",
      })
      .option('rebuild', {
        type: 'boolean',
        default: false,
        describe: 'Forget what is known of it, and begin with the first record',
      })
      .example('$0 mutation-log replay golang/go', 'what is new in the log')
      .example(
        '$0 mutation-log replay golang/go --log gs://my-logs/golang/go/ --rebuild',
        'the whole log, after it was replaced',
      ),
  handler: (args) => withContext(args, (context) => replay(context, args), { mutationLog: true }),
};

async function replay(context: Context, args: Args): Promise<number> {
  const { owner, name } = repoOf(args.repo);
  const source = await openLog(context, args.log ?? `${context.settings.mutationLog.logs}/${owner}/${name}/`);
  const store = await context.holdStore('mutation-log replay');
  const startedMs = context.nowMs();
  const result = await shown(context, args.repo, (onProgress) =>
    replayLog(
      { store, repo: store.corpus.repo(owner, name), source },
      { rebuild: args.rebuild, signal: context.signal, onProgress },
    ).catch((cause) => {
      throw isMissing(cause) ? noLog(source.url, cause) : cause;
    }),
  );
  const seconds = (context.nowMs() - startedMs) / 1000;
  const { records, bytes, position } = result;
  const json = { repository: args.repo, log: source.url, records, bytes, position, seconds };
  await print(context, args.json ? JSON.stringify(json) : text(args.repo, result, seconds));
  return 0;
}

function isMissing(error: unknown): boolean {
  return error instanceof SamovarError && error.code === 'missing';
}

function noLog(url: string, cause: unknown): SamovarError {
  return new SamovarError('missing', `there is no log at ${url}`, {
    subject: url,
    remedy: 'Say where it is with --log, or make one with `samovar mutation-log sync`.',
    cause,
  });
}

function text(repo: string, { records, bytes, position }: ReplayResult, seconds: number): string {
  const at =
    position === undefined
      ? 'its log is empty'
      : `now at segment ${position.segment}, byte ${position.offset}`;
  return `${repo}: ${records} records (${byteSize(bytes)}) replayed in ${duration(seconds)}; ${at}`;
}

/** Runs a replay while its progress is shown and watched. */
export async function shown<T>(
  context: Context,
  label: string,
  work: (onProgress: (progress: ReplayProgress) => void) => Promise<T>,
): Promise<T> {
  let last: ReplayProgress = { records: 0, bytes: 0, bytesTotal: 0 };
  const task = context.progress.stage('replay').task(label);
  const stop = startProgress({
    label,
    unit: 'MiB',
    interactive: context.interactive,
    stderr: context.stderr,
    log: context.log,
    nowMs: context.nowMs,
    read: () => ({
      done: Math.floor(last.bytes / MIB),
      total: Math.ceil(last.bytesTotal / MIB),
      details: `${last.records} records`,
    }),
  });
  try {
    return await work((progress) => {
      last = progress;
      task.step();
    });
  } finally {
    stop();
    task.end();
  }
}
