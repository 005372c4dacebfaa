/** How caches are kept and served. Paths are relative to the working directory. */
export interface CacheSettings {
  /** SQLite file: one of its own, which scheduler, workers and servers open at once. */
  readonly db: string;
  /** YAML file of providers, hosts and their budgets; undefined: the shipped one. */
  readonly providersFile: string | undefined;
  /** `HOST:PORT`, or `PORT` for this machine only. */
  readonly address: string;
  /** Refreshes at once in one worker. */
  readonly refreshes: number;
  /** Whoever was not asked for so long is kept warm no longer. */
  readonly seenMs: number;
  /** All values together; undefined: no limit. */
  readonly bytesMax: number | undefined;
  /** How long the record of a refresh is kept. */
  readonly runsMs: number;
  /** Told to upstreams, so that their people know whom to ask. */
  readonly contact: string | undefined;
  readonly environment: 'prod' | 'stg';
  /** What the dashboard and the login call this server; needed for OIDC. Without a slash at its end. */
  readonly publicUrl: string | undefined;
  /** Proxies in front, each of which adds to X-Forwarded-For; 0: the header is not believed. */
  readonly proxies: number;
  /** Origins of other sites whose pages may read the API; `*`: all. */
  readonly corsOrigins: readonly string[];
  readonly oidc: { readonly issuer: string; readonly clientId: string } | undefined;
  /** Members may see private bugs, or work the dashboard. */
  readonly oidcPrivateGroup: string | undefined;
  readonly oidcAdminGroup: string | undefined;
}

const DAY_MS = 86_400_000;
const MB = 1e6;

/** `text` and `number` give a setting's value where something has set it. */
export function cacheSettings(
  text: (key: string) => string | undefined,
  number: (key: string) => number | undefined,
): CacheSettings {
  const issuer = text('oidc_issuer');
  const clientId = text('oidc_client_id');
  const megabytes = number('cache_megabytes');
  return {
    db: text('cache_db') ?? 'data/cache.db',
    providersFile: text('providers'),
    address: text('cache_address') ?? '8080',
    refreshes: number('cache_refreshes') ?? 8,
    seenMs: (number('cache_seen_days') ?? 14) * DAY_MS,
    bytesMax: megabytes === undefined ? undefined : megabytes * MB,
    runsMs: (number('cache_run_days') ?? 7) * DAY_MS,
    contact: text('cache_contact'),
    environment: text('cache_environment') === 'stg' ? 'stg' : 'prod',
    publicUrl: text('cache_url')?.replace(/\/+$/, ''),
    proxies: number('cache_proxies') ?? 0,
    corsOrigins: (text('cache_cors') ?? '').split(/[\s,]+/).filter((origin) => origin !== ''),
    oidc: issuer !== undefined && clientId !== undefined ? { issuer, clientId } : undefined,
    oidcPrivateGroup: text('oidc_private_group'),
    oidcAdminGroup: text('oidc_admin_group'),
  };
}
