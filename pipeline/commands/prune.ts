import type { CommandModule } from 'yargs';
import type { Context } from '../context.ts';
import { byteSize } from '../show/progress.ts';
import { counting } from './counting.ts';
import { type CommonArgs, commonOptions, print, withContext } from './run.ts';

const BATCH_FILES = 500;
const DAY_S = 86_400;

type Args = CommonArgs & { readonly days?: number | undefined; readonly 'dry-run': boolean };

export const pruneCommand: CommandModule<object, Args> = {
  command: 'prune',
  describe: 'Drop raw JUnit XML that has outlived its retention; rows stay',
  builder: (yargs) =>
    commonOptions(yargs)
      .option('days', {
        type: 'number',
        describe:
          'Keep raw XML of builds finished in the last N days (default: raw_xml_days of the settings)',
      })
      .option('dry-run', { type: 'boolean', default: false, describe: 'Only say what would be dropped' })
      .example('$0 prune --days 7 --dry-run', 'how much a week of retention would free'),
  handler: (args) => withContext(args, (context) => prune(context, args)),
};

async function prune(context: Context, args: Args): Promise<number> {
  const days = args.days ?? context.settings.rawXmlDays;
  const before = Math.floor(context.nowMs() / 1000 - days * DAY_S);
  const store = context.openStore();
  const { files, bytes } = store.junit.prunable(before);
  if (!args['dry-run']) {
    // Small transactions: a collector may be writing at the same time.
    await counting(context, { label: 'prune', unit: 'files' }, async (state) => {
      state.total = files;
      while (!context.signal.aborted) {
        const dropped = store.transaction(() => store.junit.prune(before, BATCH_FILES));
        if (dropped === 0) break;
        state.done += dropped;
        // Lets the line be drawn.
        await new Promise((resolve) => setImmediate(resolve));
      }
      store.shrink();
    });
  }
  const verb = args['dry-run'] ? 'would be dropped' : 'dropped';
  const text = `${files} raw files (${byteSize(bytes)}) of builds finished more than ${days} days ago ${verb}`;
  await print(context, args.json ? JSON.stringify({ files, bytes, days, dryRun: args['dry-run'] }) : text);
  return 0;
}
