import type { CommandModule } from 'yargs';
import { SamovarError } from '../../errors.ts';
import { jobsText, runsText } from '../../show/cache.ts';
import { print } from '../run.ts';
import { type CacheArgs, cacheOptions, withCache } from './place.ts';

type Args = CacheArgs & {
  readonly provider?: string | undefined;
  readonly state?: 'waiting' | 'running' | 'failed' | undefined;
  readonly limit: number;
};
type OneArgs = CacheArgs & { readonly job: number };
type RunArgs = CacheArgs & {
  readonly provider?: string | undefined;
  readonly failed: boolean;
  readonly limit: number;
};

export const jobsCommand: CommandModule<object, object> = {
  command: 'jobs',
  describe: 'Refreshes that wait, run or failed: list, retry, cancel',
  builder: (yargs) =>
    yargs
      .command(listCommand)
      .command(oneCommand('retry'))
      .command(oneCommand('cancel'))
      .example('$0 cache jobs list --state failed', 'what failed, and why')
      .demandCommand(1, 'Say what to do: list, retry or cancel.')
      .strict(),
  handler: () => undefined,
};

const listCommand: CommandModule<object, Args> = {
  command: 'list',
  describe: 'Show jobs, the most urgent first',
  builder: (yargs) =>
    cacheOptions(yargs)
      .option('provider', { type: 'string', describe: 'Only of this provider' })
      .option('state', { choices: ['waiting', 'running', 'failed'] as const, describe: 'Only in this state' })
      .option('limit', { type: 'number', default: 50, describe: 'At most so many' })
      .example('$0 cache jobs list --state failed', 'what failed, and why'),
  handler: (args) =>
    withCache(args, async (context, { cache }) => {
      const { provider, state, limit } = args;
      if (provider !== undefined) cache.provider(provider);
      const jobs = cache.jobs({ limit, ...(provider && { provider }), ...(state && { state }) });
      await print(context, args.json ? JSON.stringify(jobs) : jobsText(jobs, context.nowMs()));
      return 0;
    }),
};

function oneCommand(verb: 'retry' | 'cancel'): CommandModule<object, OneArgs> {
  return {
    command: `${verb} <job>`,
    describe:
      verb === 'retry' ? 'Have a failed job done now' : 'Drop a job; the next schedule makes it again',
    builder: (yargs) =>
      cacheOptions(yargs)
        .positional('job', {
          type: 'number',
          demandOption: true,
          describe: 'Its number, as `cache jobs list` shows it',
        })
        .example(
          `$0 cache jobs ${verb} 17`,
          verb === 'retry' ? 'after its upstream was mended' : 'not wanted any more',
        ),
    handler: (args) =>
      withCache(args, async (context, { cache }) => {
        const done = verb === 'retry' ? cache.retry(args.job) : cache.cancel(args.job);
        if (!done)
          throw new SamovarError('missing', `there is no job ${args.job} to ${verb}`, {
            subject: String(args.job),
            remedy: 'See `samovar cache jobs list`; a job that has ended is gone.',
          });
        await print(
          context,
          args.json ? JSON.stringify({ job: args.job, [verb]: true }) : `job ${args.job}: ${verb} noted`,
        );
        return 0;
      }),
  };
}

export const runsCommand: CommandModule<object, RunArgs> = {
  command: 'runs',
  describe: 'The latest refreshes: outcome, time, size, reason',
  builder: (yargs) =>
    cacheOptions(yargs)
      .option('provider', { type: 'string', describe: 'Only of this provider' })
      .option('failed', { type: 'boolean', default: false, describe: 'Only those that failed' })
      .option('limit', { type: 'number', default: 30, describe: 'At most so many' })
      .example('$0 cache runs --failed', 'what went wrong lately'),
  handler: (args) =>
    withCache(args, async (context, { cache }) => {
      const { provider, failed: failedOnly, limit } = args;
      if (provider !== undefined) cache.provider(provider);
      const runs = cache.runs({ limit, failedOnly, ...(provider && { provider }) });
      await print(context, args.json ? JSON.stringify(runs) : runsText(runs, context.nowMs()));
      return 0;
    }),
};
