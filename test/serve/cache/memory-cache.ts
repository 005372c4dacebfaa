import type { CacheRead, EntryState, JobReason, Json, Provider } from '../../../pipeline/cache/contract.ts';
import type {
  Cache,
  ClearResult,
  HostStatus,
  JobStatus,
  ProcessStatus,
  ProviderStatus,
  RunRecord,
} from '../../../pipeline/cache/engine.ts';

const HOUR_MS = 3_600_000;
export const CLOCKS = { ttlMs: HOUR_MS, staleMs: HOUR_MS, errorMs: 24 * HOUR_MS, negativeMs: HOUR_MS };

export function provider(name: string, more: Partial<Provider> = {}): Provider {
  return {
    ...{ name, title: `The ${name}`, kind: 'single', schema: {}, version: 1, clocks: CLOCKS, concurrency: 1 },
    ...{ tags: [], dependsOn: [] },
    ...more,
  };
}

/** All that the API knows by name. */
export const PROVIDERS: readonly Provider[] = [
  ...['fedora_releases', 'schedule', 'bodhi_updates', 'bodhi_overrides', 'koschei_data', 'orphans'].map(
    (name) => provider(name),
  ),
  ...['package_versions_generic', 'calendars'].map((name) => provider(name)),
  ...['all_fedora_packages', 'all_fedora_packagers', 'all_fedora_groups'].map((name) =>
    provider(name, { kind: 'derived' }),
  ),
  ...['user_packages', 'group_packages', 'package_static'].map((name) => provider(name, { kind: 'derived' })),
  ...['package_bugs', 'package_prs', 'abrt_issues'].map((name) => provider(name, { kind: 'keyed' })),
  provider('package_private_bugs', { kind: 'keyed', isPrivate: true }),
  provider('health_check', { kind: 'retired', empty: [] }),
];

interface Entry {
  readonly json: string | undefined;
  readonly isAbsent: boolean;
  readonly state: EntryState;
  readonly checkedAtMs: number;
  readonly error?: CacheRead['error'];
  readonly seq: number;
}

export interface MemoryCache extends Cache {
  put(
    provider: string,
    key: string,
    value: Json | undefined,
    more?: Partial<Omit<Entry, 'json' | 'seq'>>,
  ): void;
  drop(provider: string, key: string): void;
  readonly wanted: { readonly provider: string; readonly key: string; readonly reason: JobReason }[];
  readonly seenSubjects: string[];
  /** What operators did, in words. */
  readonly deeds: string[];
  /** What the lists of the dashboard give. */
  readonly shown: {
    states: readonly ProviderStatus[];
    hosts: readonly HostStatus[];
    jobs: readonly JobStatus[];
    runs: readonly RunRecord[];
    processes: readonly ProcessStatus[];
  };
  /** How often entries were looked at. */
  looks: number;
}

/** The cache's interface over a Map: states are what a test says, nothing passes by itself. */
export function memoryCache(nowMs: () => number, providers: readonly Provider[] = PROVIDERS): MemoryCache {
  const entries = new Map<string, Entry>();
  const jobs = new Set<string>();
  const deeds: string[] = [];
  const wanted: MemoryCache['wanted'] = [];
  const seenSubjects: string[] = [];
  const shown: MemoryCache['shown'] = { states: [], hosts: [], jobs: [], runs: [], processes: [] };
  let seq = 1;
  const read = (name: string, key: string): CacheRead => {
    cache.looks += 1;
    const entry = entries.get(`${name} ${key}`);
    const nothing = { changedAtMs: undefined, ageMs: undefined, checkedAtMs: undefined };
    if (entry === undefined)
      return { provider: name, key, state: 'missing', json: undefined, isAbsent: false, ...nothing, seq: 0 };
    const { checkedAtMs } = entry;
    return { provider: name, key, ...entry, changedAtMs: checkedAtMs, ageMs: nowMs() - checkedAtMs };
  };
  const want = (name: string, key: string, reason: JobReason) => {
    wanted.push({ provider: name, key, reason });
    const isNew = !jobs.has(`${name} ${key}`);
    jobs.add(`${name} ${key}`);
    return isNew;
  };
  const done = (text: string) => {
    deeds.push(text);
    seq += 1;
  };
  const cache: MemoryCache = {
    providers,
    looks: 0,
    ...{ wanted, seenSubjects, deeds, shown },
    put: (name, key, value, more = {}) => {
      seq += 1;
      const json = value === undefined ? undefined : JSON.stringify(value);
      const isAbsent = value === undefined;
      entries.set(`${name} ${key}`, { json, isAbsent, state: 'fresh', checkedAtMs: nowMs(), ...more, seq });
    },
    drop: (name, key) => {
      seq += 1;
      entries.delete(`${name} ${key}`);
    },
    provider: (name) => {
      const found = providers.find((one) => one.name === name);
      if (found === undefined) throw new Error(`no provider ${name}`);
      return found;
    },
    read,
    readMany: (name, keys) => keys.map((key) => read(name, key)),
    want,
    wantMany: (name, keys, reason) => keys.filter((key) => want(name, key, reason)).length,
    seq: () => seq,
    // It does not tell one by one: every answer is made anew.
    changesSince: () => undefined,
    seen: (kind, name) => void seenSubjects.push(`${kind} ${name}`),
    clear: (selection, { hard, dryRun, rewarm }): ClearResult => {
      const entriesOf = [...entries.keys()].filter(
        (key) =>
          key.startsWith(`${selection.provider} `) &&
          key.slice(key.indexOf(' ') + 1).startsWith(selection.prefix ?? ''),
      ).length;
      if (!dryRun)
        done(`clear ${JSON.stringify(selection)} ${hard ? 'hard' : 'soft'}${rewarm ? ' rewarm' : ''}`);
      const one = {
        provider: selection.provider ?? '',
        entries: entriesOf,
        bytes: 10 * entriesOf,
        derived: false,
      };
      return { providers: [one], wanted: entriesOf };
    },
    collectGarbage: () => ({ removed: [], runs: 0, left: { entries: entries.size, bytes: 0 } }),
    pause: (name, paused) => done(`${paused ? 'pause' : 'resume'} ${name ?? 'all'}`),
    retry: (job) => {
      done(`retry ${job}`);
      return true;
    },
    cancel: (job) => {
      done(`cancel ${job}`);
      return true;
    },
    providerStates: () => shown.states,
    hostStates: () => shown.hosts,
    jobs: (filter = {}) =>
      shown.jobs.filter(({ state }) => filter.state === undefined || state === filter.state),
    runs: (filter = {}) =>
      shown.runs.filter(({ outcome }) => filter.failedOnly !== true || outcome === 'failed'),
    processes: () => shown.processes,
    flush: () => undefined,
  };
  return cache;
}
