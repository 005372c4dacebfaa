import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import { loadSloRules, sloOfCorpus } from '../../jobs/mutation-queries-slo.ts';
import { sloText } from '../../show/mutation-query.ts';
import { type CommonArgs, commonOptions, print, withContext } from '../run.ts';

type Args = CommonArgs & { readonly rules?: string | undefined; readonly strict: boolean };

export const sloCommand: CommandModule<object, Args> = {
  command: 'slo',
  describe: 'How far service levels of issues are kept, from what is known here',
  builder: (yargs) =>
    commonOptions(yargs)
      .option('rules', { type: 'string', describe: 'YAML file of service levels (default: config/slo.yaml)' })
      .option('strict', { type: 'boolean', default: false, describe: 'Exit 1 when an issue is overdue' })
      .example('$0 mutation-log slo --rules my-slo.yaml --json', 'for a monitor'),
  handler: (args) => withContext(args, (context) => slo(context, args), { mutationLog: true }),
};

async function slo(context: Context, args: Args): Promise<number> {
  const rules = await loadSloRules(args.rules);
  const store = context.openStore({ dryRun: true });
  const summaries = sloOfCorpus(store.corpus, rules, context.nowMs());
  await print(context, args.json ? JSON.stringify(summaries) : sloText(summaries));
  return args.strict && summaries.some(({ overdue }) => overdue > 0) ? 1 : 0;
}
