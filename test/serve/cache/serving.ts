import type { Cache } from '../../../pipeline/cache/engine.ts';
import { createCacheApi } from '../../../pipeline/serve/cache/app.ts';
import type { AuthOptions, CacheApiOptions } from '../../../pipeline/serve/cache/options.ts';
import { type Got, NO_METRICS } from '../doubles.ts';
import { type MemoryCache, memoryCache } from './memory-cache.ts';

export const START_MS = Date.parse('2026-05-04T10:00:00Z');
export const NO_AUTH: AuthOptions = {
  ...{ adminToken: undefined, sessionKey: 'a session key of a test', motdSecret: undefined, oidc: undefined },
};

/** An API over a cache, asked without a network. */
export function apiOf<C extends Cache = MemoryCache>(more: Partial<CacheApiOptions> = {}) {
  const clock = { ms: START_MS };
  const nowMs = () => clock.ms;
  const logged: string[] = [];
  const cache = (more.cache ?? memoryCache(nowMs)) as C;
  const options: CacheApiOptions = {
    messages: undefined,
    environment: 'stg',
    visitDays: 14,
    publicUrl: undefined,
    auth: NO_AUTH,
    publicDashboard: false,
    corsOrigins: [],
    rate: undefined,
    metrics: NO_METRICS,
    nowMs,
    log: (message, error) => logged.push(`${message}: ${String(error)}`),
    ...more,
    cache,
    // What changes is seen at once: the clock of a test stands still.
    limits: { answerMs: 0, ...more.limits },
  };
  const api = createCacheApi(options);
  const get = async (path: string, init: RequestInit = {}, env: unknown = {}): Promise<Got> => {
    const answer = await api.fetch(new Request(`http://cache.test${path}`, init), env);
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.includes('json') === true && text !== '';
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      json: isJson ? JSON.parse(text) : undefined,
    };
  };
  return { api, cache, clock, nowMs, get, logged };
}

export const STATIC = {
  maintainers: { users: ['kim'], groups: ['rust-sig'] },
  admins: { users: ['kim'], groups: [] },
  updates: [{ pretty_name: 'a-1 "quoted" \\ {[' }],
  overrides: [],
  koschei: [{ release: 'Fedora 43', status: 'failing' }],
  orphans: { orphaned: false, depends_on_orphaned: false },
  fails_to_install: [],
  calendars: null,
  package_versions: { 'Fedora 43': { stable: 'a-1', testing: null } },
  missing: [],
};

/** Kim has alpha (admin) and beta; her group gamma. Everything is cached. */
export function fill(cache: MemoryCache): void {
  cache.put('all_fedora_packages', '', ['alpha', 'beta', 'gamma']);
  cache.put('all_fedora_packagers', '', ['kim', 'lee']);
  cache.put('all_fedora_groups', '', ['rust-sig']);
  cache.put('user_packages', 'kim', {
    commit: ['alpha', 'beta'],
    admin: ['alpha'],
    groups: ['rust-sig'],
  });
  cache.put('user_packages', 'lee', { commit: [], admin: [], groups: [] });
  cache.put('group_packages', 'rust-sig', { commit: ['gamma'], admin: [], members: ['kim'] });
  for (const name of ['alpha', 'beta', 'gamma']) {
    cache.put('package_static', name, STATIC);
    cache.put('package_bugs', name, [{ bug_id: 1, title: `a bug of ${name}`, private: false }]);
    cache.put('package_prs', name, []);
    cache.put('abrt_issues', name, { outstanding_problems: [], problems_present: false });
    cache.put('package_private_bugs', name, [{ bug_id: 666, title: 'top secret', private: true }]);
  }
}
