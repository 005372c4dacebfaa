import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import { demoHistories, RECORDED_UNTIL_MS } from '../../demo/mutation-history.ts';
import { runDemo } from '../../jobs/mutation-demo.ts';
import type { Destination } from '../../jobs/mutation-migrate-destination.ts';
import { loadMutationTables } from '../../jobs/mutation-tables-config.ts';
import { openBucketLog } from '../../mutation-log/bucket-log.ts';
import { openLogWriter } from '../../mutation-log/writer.ts';
import { demoText } from '../../show/mutation-tools-demo.ts';
import { openTables } from '../open-tables.ts';
import { type CommonArgs, commonOptions, print, withContext } from '../run.ts';
import { counted } from './tools-repos.ts';

const REQUESTS_IN_FLIGHT = 4;
const LOGS = 'mutation-log';

type Args = CommonArgs & { readonly dir: string };

export const demoCommand: CommandModule<object, Args> = {
  command: 'demo',
  describe:
    'See it work offline: a made-up history into a log, the database, DuckDB, and some answers from there',
  builder: (yargs) =>
    commonOptions(yargs)
      .option('dir', {
        type: 'string',
        default: 'demo',
        describe: 'Folder for all of it; remove it to begin anew',
      })
      .example('$0 mutation-log demo', 'takes seconds; a second run adds nothing'),
  handler: (args) => {
    const { dir } = args;
    const warehouse = args.warehouse ?? `duckdb:${join(dir, `${LOGS}.duckdb`)}`;
    const own = { ...args, db: args.db ?? join(dir, `${LOGS}.db`), warehouse };
    return withContext(own, (context) => demo(context, own), { mutationLog: true });
  },
};

async function demo(context: Context, args: Args & { readonly db: string; readonly warehouse: string }) {
  const { dir } = args;
  await mkdir(dir, { recursive: true });
  const settings = await writeSettings(args);
  const bucket = context.openBucket(`file:${absolute(dir)}`, { requestsInFlight: REQUESTS_IN_FLIGHT });
  const destination = ({ owner, name }: { owner: string; name: string }): Destination => {
    const prefix = `${LOGS}/${owner}/${name}/`;
    const folder = join(dir, `${LOGS}-wal`, owner, name);
    return {
      log: openBucketLog(bucket, prefix),
      openWriter: () =>
        openLogWriter({ bucket, prefix, folder, nowMs: context.nowMs, signal: context.signal }),
      discard: () => rm(folder, { recursive: true, force: true }),
    };
  };
  const tables = { ...(await openTables(context, 'mutation-log demo')), workDir: join(dir, `${LOGS}-work`) };
  const result = await counted(context, { label: 'demo', unit: 'steps' }, async (counting, task) =>
    runDemo({
      tables,
      configured: await loadMutationTables(),
      histories: demoHistories(),
      destination,
      asOfMs: RECORDED_UNTIL_MS,
      onStep: (step) => {
        counting.done += 1;
        counting.details = step;
        task.step(step);
      },
    }),
  );
  const text = demoText(result, { logs: join(dir, LOGS), settings });
  await print(context, args.json ? JSON.stringify(result) : text);
  return 0;
}

/** `file:` takes three slashes before an absolute path. */
const absolute = (dir: string) => (dir.startsWith('/') ? `//${dir}` : dir);

/** All other commands find the demo by this file. */
async function writeSettings({
  dir,
  db,
  warehouse,
}: {
  dir: string;
  db: string;
  warehouse: string;
}): Promise<string> {
  const file = join(dir, `${LOGS}.yaml`);
  const lines = [
    '# Where the demo of mutation logs is.',
    `mutation_logs: ${JSON.stringify(`file:${absolute(join(dir, LOGS))}`)}`,
    `mutation_log_db: ${JSON.stringify(db)}`,
    `mutation_log_wal: ${JSON.stringify(join(dir, `${LOGS}-wal`))}`,
    `warehouse: ${JSON.stringify(warehouse)}`,
  ];
  await writeFile(`${file}.partial`, `${lines.join('\n')}\n`);
  await rename(`${file}.partial`, file);
  return file;
}
