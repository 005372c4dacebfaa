import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import { writeLog } from '../../jobs/mutation-disk.ts';
import { openFolderWriter } from '../../mutation-log/folder-writer.ts';
import { byteSize } from '../../show/progress.ts';
import { commonOptions, print, withContext } from '../run.ts';
import { openLog } from './log-place.ts';
import { counted } from './tools-repos.ts';
import { LOG_OPTION, type LogArgs, placeOf } from './verify.ts';

type Args = LogArgs & { readonly out: string; readonly 'dry-run': boolean };

export const diskCommand: CommandModule<object, Args> = {
  command: 'disk [repo]',
  describe:
    "Write a mutation log as maintner's daily files, which its own tools read; goes on where it stopped",
  builder: (yargs) =>
    commonOptions(yargs)
      .positional('repo', { type: 'string', describe: 'OWNER/REPO, whose log is below mutation_logs' })
      .option('log', LOG_OPTION)
      .option('out', { type: 'string', demandOption: true, describe: 'Folder of the files' })
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Only say how much the log has: what of it is in the folder is not written again',
      })
      .example('$0 mutation-log disk golang/go --out var/maintnerd', 'for a corpus in Go'),
  handler: (args) => withContext(args, (context) => disk(context, args), { mutationLog: true }),
};

async function disk(context: Context, args: Args): Promise<number> {
  const { signal, nowMs } = context;
  const source = await openLog(context, placeOf(context, args));
  if (args['dry-run']) {
    const segments = await source.segments();
    const bytes = segments.reduce((sum, { size }) => sum + size, 0);
    const json = { dryRun: true, log: source.url, folder: args.out, segments: segments.length, bytes };
    const said = `${source.url} has ${byteSize(bytes)} in ${segments.length} segments: what ${args.out} lacks of it would be written (dry run)`;
    await print(context, args.json ? JSON.stringify(json) : said);
    return 0;
  }
  const writer = await openFolderWriter({ folder: args.out, nowMs });
  try {
    const { records, before } = await counted(context, { label: 'disk', unit: 'records' }, (counting, task) =>
      writeLog(source, writer, {
        signal,
        onProgress: (progress) => {
          counting.done = progress.records;
          task.step();
        },
      }),
    );
    const json = { log: source.url, folder: args.out, records, written: records - before };
    const said = `${args.out}: ${records - before} records written, ${records} in all`;
    await print(context, args.json ? JSON.stringify(json) : said);
    return 0;
  } finally {
    await writer.close();
  }
}
