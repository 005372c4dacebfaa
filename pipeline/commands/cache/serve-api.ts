import type { Context } from '../../context.ts';
import { describeError } from '../../errors.ts';
import type { OpenedCache } from '../../jobs/cache-open.ts';
import { createMetrics } from '../../monitor/metrics.ts';
import { createCacheApi } from '../../serve/cache/app.ts';
import { type CacheApiOptions, RATE } from '../../serve/cache/options.ts';
import { startHttp } from '../../serve/http.ts';

const DAY_MS = 86_400_000;

export interface ServeArgs {
  readonly http?: string | undefined;
  readonly 'public-dashboard'?: boolean;
  /** Told to clients instead of the log's line. */
  readonly quiet?: boolean;
  /** Instead of the secret. */
  readonly adminToken?: string;
}

/** Serves until the command ends. Gives the address. */
export async function startApi(context: Context, opened: OpenedCache, args: ServeArgs): Promise<string> {
  const api = createCacheApi(apiOptions(context, opened, args));
  const { fetch } = api;
  const server = await startHttp({ address: args.http ?? context.settings.cache.address, fetch });
  context.onClose(() => server.close());
  if (args.quiet !== true) context.log.info({ url: server.url }, 'serving');
  return server.url;
}

function apiOptions(context: Context, { cache, store }: OpenedCache, args: ServeArgs): CacheApiOptions {
  const { settings, nowMs, log, progress } = context;
  const { environment, seenMs, publicUrl, proxies, corsOrigins } = settings.cache;
  const { oidc, oidcPrivateGroup, oidcAdminGroup } = settings.cache;
  return {
    cache,
    messages: store.cacheMessages,
    environment,
    visitDays: Math.round(seenMs / DAY_MS),
    publicUrl,
    auth: {
      adminToken: args.adminToken ?? context.secret('cache_admin_token'),
      sessionKey: context.secret('session_key'),
      motdSecret: context.secret('motd_password'),
      oidc:
        oidc === undefined
          ? undefined
          : {
              ...oidc,
              clientSecret: context.secret('oidc_client_secret'),
              privateGroup: oidcPrivateGroup,
              adminGroup: oidcAdminGroup,
            },
    },
    publicDashboard: args['public-dashboard'] === true,
    corsOrigins,
    rate: { ...RATE, proxies },
    metrics: createMetrics(progress),
    nowMs,
    log: (message, error) => log.warn({ reason: describeError(error) }, message),
  };
}
