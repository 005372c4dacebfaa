import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import { knownRepos, repoStats } from '../../jobs/mutation-stats.ts';
import { statsText } from '../../show/mutation-tools.ts';
import { type CommonArgs, commonOptions, print, withContext } from '../run.ts';
import { lagReader } from './lag.ts';
import { openLog } from './log-place.ts';

type Args = CommonArgs & { readonly repositories?: readonly string[] | undefined };

export const statsCommand: CommandModule<object, Args> = {
  command: 'stats [repositories..]',
  describe: 'How much is known of repositories, and how large their mutation logs are',
  builder: (yargs) =>
    commonOptions(yargs)
      .positional('repositories', {
        type: 'string',
        array: true,
        describe: 'OWNER/REPO; default: all that are known',
      })
      .example('$0 mutation-log stats', 'a table')
      .example('$0 mutation-log stats golang/go --json', 'for a monitor'),
  handler: (args) => withContext(args, (context) => stats(context, args), { mutationLog: true }),
};

async function stats(context: Context, args: Args): Promise<number> {
  const store = context.openStore({ dryRun: true });
  const { logs } = context.settings.mutationLog;
  const repos = knownRepos(store.corpus, args.repositories ?? []);
  const lagsOf = await lagReader(context, store, args['tables-file']);
  const found = await repoStats({
    repos,
    lags: lagsOf(repos),
    segments: async ({ owner, name }) => {
      const log = await openLog(context, `${logs}/${owner}/${name}/`);
      return log.segments({ signal: context.signal });
    },
  });
  await print(context, args.json ? JSON.stringify(found) : statsText(found));
  return 0;
}
