import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandModule } from 'yargs';
import { workOnce } from '../../cache/worker.ts';
import type { Context } from '../../context.ts';
import { demoProviders } from '../../demo/cache-config.ts';
import { startCacheUpstreams } from '../../demo/cache-server.ts';
import type { OpenedCache } from '../../jobs/cache-open.ts';
import { noteReads, schedule, work } from '../../jobs/cache-roles.ts';
import { type DemoWarmed, demoText } from '../../show/cache-demo.ts';
import { print, withContext } from '../run.ts';
import { type CacheArgs, cacheOptions, openedCache } from './place.ts';
import { startApi } from './serve-api.ts';
import { rolesOf } from './upstream.ts';
import { warmed } from './warm.ts';

const SEED = 1;
/** Who is logged in to the recorded dashboards: packagers, and a group. */
const SEEN = { user: ['adamova', 'karim'], group: ['rust-sig'] } as const;

type Args = CacheArgs & { readonly dir: string; readonly http?: string | undefined; readonly once: boolean };

export const demoCommand: CommandModule<object, Args> = {
  command: 'demo',
  describe: 'See it work offline: worker, scheduler, API and dashboard on recorded upstreams',
  builder: (yargs) =>
    cacheOptions(yargs)
      .option('dir', {
        type: 'string',
        default: 'demo',
        describe: 'Folder for all of it; remove it to begin anew',
      })
      .option('http', {
        type: 'string',
        describe: 'HOST:PORT or PORT of API and dashboard (default: a free port)',
      })
      .option('once', {
        type: 'boolean',
        default: false,
        describe: 'Fill the cache, show an answer, and end',
      })
      .example('$0 cache demo', 'takes seconds, then serves until it is stopped')
      .example('$0 cache demo --once --json', 'for scripts'),
  handler: ({ wait: _wait, ...args }: Args & { readonly wait?: unknown }) =>
    withContext(
      { ...args, db: args.db ?? join(args.dir, 'cache.db') },
      async (context) => {
        const upstreams = await startCacheUpstreams({ seed: SEED, nowMs: context.nowMs() });
        context.onClose(upstreams.close);
        await mkdir(args.dir, { recursive: true });
        const providers = join(args.dir, 'cache-providers.yaml');
        await writeFile(providers, demoProviders(upstreams.urls));
        const opened = await openedCache(context, { providers });
        return demo(context, opened, args, () => upstreams.requests());
      },
      { cache: true, graceful: true },
    ),
};

async function demo(
  context: Context,
  opened: OpenedCache,
  args: Args,
  requests: () => number,
): Promise<number> {
  const { cache } = opened;
  const beganMs = context.nowMs();
  const failed = await warmed(context, opened, { refreshes: 8 });
  await fetchKeyed(context, opened, see(opened));
  const result: DemoWarmed = {
    providers: cache.providerStates(),
    failed,
    requests: requests(),
    seconds: (context.nowMs() - beganMs) / 1000,
  };
  const adminToken = context.secret('cache_admin_token') ?? randomBytes(12).toString('base64url');
  const url = await startApi(context, opened, { http: args.http ?? '0', quiet: true, adminToken });
  const answer = await fetch(`${url}/api/v2/packager_dashboard?users=${SEEN.user[0]}`);
  const { status, packages } = (await answer.json()) as { status: number; packages: Record<string, unknown> };
  const shown = { user: SEEN.user[0], status, packages: Object.keys(packages).length };
  if (args.once) {
    await print(
      context,
      args.json ? JSON.stringify({ ...result, answer: shown }) : demoText(result, shown, undefined),
    );
    return failed.length > 0 ? 1 : 0;
  }
  await print(context, demoText(result, shown, { url, adminToken }));
  const roles = rolesOf(context, opened);
  await Promise.all([work(roles), schedule(roles), noteReads(roles)]);
  return 0;
}

/** What the schedule would fetch bit by bit. */
async function fetchKeyed(context: Context, opened: OpenedCache, packages: readonly string[]): Promise<void> {
  const { cache, parts } = opened;
  for (const { name, kind, keys } of cache.providers) {
    if (kind !== 'keyed') continue;
    cache.wantMany(name, keys?.rule === 'given' ? keys.keys : packages, 'manual');
  }
  const { http, name, refreshes, sleep, random, signal } = rolesOf(context, opened);
  await workOnce({ ...parts, http, name, concurrency: refreshes, sleep, random, signal });
}

/** As if these had opened their dashboards. Gives their packages. */
function see({ cache }: OpenedCache): readonly string[] {
  const packages = new Set<string>();
  const kinds = [
    ['user', 'user_packages', SEEN.user],
    ['group', 'group_packages', SEEN.group],
  ] as const;
  for (const [kind, provider, names] of kinds) {
    for (const name of names) {
      const { commit = [] } = JSON.parse(cache.read(provider, name).json ?? '{}') as { commit?: string[] };
      cache.seen(kind, name);
      for (const owned of commit) packages.add(owned);
    }
  }
  for (const name of packages) cache.seen('package', name);
  cache.flush();
  return [...packages];
}
