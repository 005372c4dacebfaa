import type { CacheRead, JobReason } from '../../cache/contract.ts';
import type { Cache } from '../../cache/engine.ts';

/** So long a wish is not told again by this server: a job is there, and a hundred pollers need not each look whether it is. */
const TOLD_MS = 5_000;
const TOLD_MAX = 50_000;

/** What readers miss, told to the cache. */
export interface Wishes {
  want(provider: string, keys: readonly string[], reason: JobReason): void;
  /** Wants what is missing, because somebody waits for it, and what is stale, when there is time. */
  wantRead(provider: string, reads: readonly CacheRead[]): void;
}

export function createWishes(
  cache: Cache,
  nowMs: () => number,
  log: (message: string, error: unknown) => void,
): Wishes {
  const told = new Map<string, number>();
  const derived = new Set(cache.providers.filter(({ kind }) => kind === 'derived').map(({ name }) => name));
  const want: Wishes['want'] = (provider, wanted, reason) => {
    const now = nowMs();
    // One job makes all keys of a derived provider.
    const keys = derived.has(provider) && wanted.length > 0 ? [''] : wanted;
    const fresh = keys.filter((key) => (told.get(`${provider}\n${key}\n${reason}`) ?? 0) <= now);
    if (fresh.length === 0) return;
    if (told.size + fresh.length > TOLD_MAX) told.clear();
    for (const key of fresh) told.set(`${provider}\n${key}\n${reason}`, now + TOLD_MS);
    try {
      cache.wantMany(provider, fresh, reason);
    } catch (error) {
      // A full disk or a long write of another process: what is cached is served all the same.
      log(`refreshes of ${provider} could not be wanted`, error);
    }
  };
  return {
    want,
    wantRead: (provider, reads) => {
      want(provider, reads.filter(isMissing).map(keyOf), 'waiting');
      want(provider, reads.filter(({ state }) => state === 'stale').map(keyOf), 'schedule');
    },
  };
}

/** Nothing to serve, and not because the upstream said that there is nothing. */
export function isMissing({ json, isAbsent }: CacheRead): boolean {
  return json === undefined && !isAbsent;
}

function keyOf({ key }: CacheRead): string {
  return key;
}
