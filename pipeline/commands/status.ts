import { stat } from 'node:fs/promises';
import type { CommandModule } from 'yargs';
import { loadRoots } from '../config/buckets.ts';
import { loadTables } from '../config/tables.ts';
import type { Context } from '../context.ts';
import { status } from '../jobs/status.ts';
import { statusText } from '../show/status.ts';
import { diskFreeBytes } from '../store/headroom.ts';
import { lookAtHold } from '../store/hold.ts';
import { inspectDatabase } from '../store/inspect.ts';
import { type CommonArgs, placeOptions, print, withContext } from './run.ts';

export const statusCommand: CommandModule<object, CommonArgs> = {
  command: 'status',
  describe: 'In ten lines: how everything stands, and what to do next',
  builder: (yargs) =>
    placeOptions(yargs)
      .example('$0 status', 'after coming back to it')
      .example('$0 status --json', 'for a program')
      .epilogue(
        'Looks at the files of this machine only: nothing is asked over the network, and nothing is written. ' +
          'Exit status: 0, whatever it finds; 2 when the configuration is wrong. `samovar monitor` has limits, `samovar doctor` checks.',
      ),
  handler: (args) => withContext(args, (context) => run(context, args)),
};

/** Where `samovar report` writes unless it is told otherwise. */
const REPORT = 'data/report/index.html';

/** Epoch milliseconds; undefined: there is no such file. */
function writtenAt(file: string): Promise<number | undefined> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => undefined,
  );
}

async function run(context: Context, args: CommonArgs): Promise<number> {
  const { settings } = context;
  const report = status({
    file: settings.db,
    warehouse: settings.warehouse,
    mutationFile: settings.mutationLog.db,
    cacheFile: settings.cache.db,
    tables: await loadTables(settings.tablesFile),
    roots: (await loadRoots(settings.bucketsFile)).map(({ url }) => url),
    demo: settings.demo,
    subscription: settings.stream.subscriptionPath,
    inspect: inspectDatabase,
    hold: lookAtHold(settings.db),
    diskFreeBytes: await diskFreeBytes(settings.db).catch(() => undefined),
    reportAt: await writtenAt(REPORT),
    nowMs: context.nowMs(),
  });
  await print(context, args.json ? JSON.stringify(report) : statusText(report));
  return 0;
}
