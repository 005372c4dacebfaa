import type { CommandModule } from 'yargs';
import type { Context } from '../../context.ts';
import { SamovarError } from '../../errors.ts';
import type { OpenedCache } from '../../jobs/cache-open.ts';
import { noteReads, schedule, work } from '../../jobs/cache-roles.ts';
import { type CacheArgs, cacheOptions, withCache } from './place.ts';
import { startApi } from './serve-api.ts';
import { rolesOf } from './upstream.ts';

type Args = CacheArgs & {
  readonly http?: string | undefined;
  readonly refreshes?: number | undefined;
  readonly 'public-dashboard'?: boolean;
};

const REFRESHES = { type: 'number', describe: 'Refreshes at once (cache_refreshes, 8)' } as const;
const HTTP = {
  type: 'string',
  describe: 'HOST:PORT or PORT of the API and the dashboard (cache_address, 8080)',
} as const;
const PUBLIC = {
  type: 'boolean',
  default: false,
  describe: 'Whoever comes may look at the dashboard; working it needs the token all the same',
} as const;

export const runCommand: CommandModule<object, Args> = {
  command: 'run',
  describe: 'Worker, scheduler, API and dashboard in one process',
  builder: (yargs) =>
    cacheOptions(yargs)
      .option('http', HTTP)
      .option('refreshes', REFRESHES)
      .option('public-dashboard', PUBLIC)
      .example('$0 cache run --http 0.0.0.0:8080', 'all of it')
      .example('SAMOVAR_CACHE_ADMIN_TOKEN=... $0 cache run', 'with a dashboard at /dashboard'),
  handler: (args) =>
    withRoles(args, async (context, opened) => {
      const roles = rolesOf(context, opened, args.refreshes);
      await startApi(context, opened, args);
      await Promise.all([work(roles), schedule(roles), noteReads(roles)]);
    }),
};

export const workerCommand: CommandModule<object, Args> = {
  command: 'worker',
  describe: 'Carry out refreshes; as many workers as you like share one database',
  builder: (yargs) =>
    cacheOptions(yargs)
      .option('refreshes', REFRESHES)
      .example('$0 cache worker --refreshes 16', 'until it is stopped'),
  handler: (args) => withRoles(args, (context, opened) => work(rolesOf(context, opened, args.refreshes))),
};

export const schedulerCommand: CommandModule<object, Args> = {
  command: 'scheduler',
  describe:
    'Want what is due refreshed, and remove garbage; of several schedulers one works, the others stand by',
  builder: (yargs) => cacheOptions(yargs).example('$0 cache scheduler', 'until it is stopped'),
  handler: (args) => withRoles(args, (context, opened) => schedule(rolesOf(context, opened))),
};

export const serveCommand: CommandModule<object, Args> = {
  command: 'serve',
  describe: 'Serve the API and the dashboard; misses become jobs for workers',
  builder: (yargs) =>
    cacheOptions(yargs)
      .option('http', HTTP)
      .option('public-dashboard', PUBLIC)
      .example('$0 cache serve --http 8080', 'until it is stopped'),
  handler: (args) =>
    withRoles(args, async (context, opened) => {
      await startApi(context, opened, args);
      await noteReads(rolesOf(context, opened));
    }),
};

/** Runs until it is told to stop; what is being refreshed then gets the grace time of the settings. */
function withRoles(
  args: Args,
  run: (context: Context, opened: OpenedCache) => Promise<unknown>,
): Promise<void> {
  const { refreshes } = args;
  return withCache(
    args,
    async (context, opened) => {
      if (refreshes !== undefined && !(Number.isInteger(refreshes) && refreshes >= 1 && refreshes <= 256))
        throw new SamovarError('config', `--refreshes ${refreshes} is no whole number from 1 to 256`, {
          remedy: 'Leave it out, or give such a number: --refreshes 8',
        });
      await run(context, opened);
      return 0;
    },
    { graceful: true },
  );
}
