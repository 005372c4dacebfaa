import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import { repairBucket } from '../../mutation-log/repair-bucket.ts';
import { repairFolder } from '../../mutation-log/repair-folder.ts';
import { repairText } from '../../show/mutation-check.ts';
import { commonOptions, print, withContext } from '../run.ts';
import { LOG_OPTION, type LogArgs, namedPlace, WAL_OPTION } from './verify.ts';

type Args = LogArgs & { readonly yes: boolean; readonly 'dry-run': boolean };

export const repairCommand: CommandModule<object, Args> = {
  command: 'repair [repo]',
  describe:
    'Cut a damaged mutation log behind the last good record of each segment and put the rest into quarantine/; without --yes only shown',
  builder: (yargs) =>
    commonOptions(yargs)
      .positional('repo', { type: 'string', describe: 'OWNER/REPO, whose log is below mutation_logs' })
      .option('log', LOG_OPTION)
      .option('wal', WAL_OPTION)
      .option('yes', {
        type: 'boolean',
        default: false,
        describe: 'Do it. Stop whoever writes to the log first',
      })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Only show what would be done, as without --yes',
      })
      .example('$0 mutation-log repair golang/go', 'what would be done; exit 1 when there is something to do')
      .example('$0 mutation-log repair golang/go --wal --yes', 'what a writer keeps on this machine')
      .example('$0 mutation-log repair --log gs://my-logs/golang/go/ --yes', 'do it'),
  handler: (args) => withContext(args, (context) => repair(context, args), { mutationLog: true }),
};

async function repair(context: Context, args: Args): Promise<number> {
  const { signal, nowMs } = context;
  const place = await namedPlace(context, args);
  const dryRun = !args.yes || args['dry-run'];
  const result =
    'folder' in place
      ? await repairFolder(place.folder, { ...place, dryRun, signal })
      : await repairBucket(place.bucket, place.prefix, { dryRun, signal, nowMs });
  await print(context, args.json ? JSON.stringify(result) : repairText(result));
  return dryRun && result.steps.length > 0 ? 1 : 0;
}
