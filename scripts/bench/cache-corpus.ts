import type { Json, Provider, ProviderClocks } from '../../pipeline/cache/contract.ts';

/** What a bench's cache holds: packages with bugs, pull requests, crashes and the static block, and users who own 500 of them. */
export interface CacheCorpus {
  readonly packages: number;
  readonly seed: number;
  readonly users: number;
  readonly packagesPerUser: number;
}

const HOUR_MS = 3_600_000;
const CLOCKS: ProviderClocks = {
  intervalMs: 2 * HOUR_MS,
  ttlMs: 3 * HOUR_MS,
  staleMs: 24 * HOUR_MS,
  errorMs: 48 * HOUR_MS,
  negativeMs: HOUR_MS,
};

/** Providers of the names and shapes that the API reads, whose upstream is arithmetic. `round` makes values that differ. */
export function benchProviders(corpus: CacheCorpus, round: () => number): readonly Provider[] {
  const names = packageNames(corpus);
  const keyed = (name: string, value: (key: string) => Json): Provider => ({
    ...common(name),
    kind: 'keyed',
    dependsOn: ['all_fedora_packages'],
    keys: { rule: 'all', of: 'all_fedora_packages' },
    fetch: async ({ key }) => ({ kind: 'value', value: value(key) }),
  });
  const list = (name: string, value: Json): Provider => ({
    ...common(name),
    kind: 'single',
    dependsOn: [],
    fetch: async () => ({ kind: 'value', value }),
  });
  return [
    list('all_fedora_packages', names),
    list('all_fedora_packagers', userNames(corpus)),
    list('all_fedora_groups', []),
    keyed('package_bugs', (key) => bugsOf(key, corpus.seed, round())),
    keyed('package_prs', (key) => pullsOf(key, corpus.seed)),
    keyed('abrt_issues', () => ({
      problems_present: false,
      outstanding_problems: [],
      retrace_link: 'https://retrace.example/faf',
    })),
    {
      ...common('package_static'),
      kind: 'derived',
      dependsOn: ['all_fedora_packages'],
      derive: () => names.map((key) => ({ key, value: staticOf(key) })),
    },
    {
      ...common('user_packages'),
      kind: 'derived',
      dependsOn: ['all_fedora_packages'],
      derive: () =>
        userNames(corpus).map((key, at) => ({
          key,
          value: { commit: ownedBy(corpus, names, at), admin: [], groups: [] },
        })),
    },
    { ...common('group_packages'), kind: 'derived', dependsOn: ['all_fedora_packages'], derive: () => [] },
  ];
}

/** What is kept by package, one entry each. */
export const PER_PACKAGE = ['package_bugs', 'package_prs', 'abrt_issues'] as const;

function common(name: string) {
  return { name, title: name, schema: {}, version: 1, clocks: CLOCKS, concurrency: 64, tags: [] };
}

export function packageNames({ packages }: Pick<CacheCorpus, 'packages'>): readonly string[] {
  return Array.from({ length: packages }, (_, at) => `package-${String(at).padStart(6, '0')}`);
}

export function userNames({ users }: Pick<CacheCorpus, 'users'>): readonly string[] {
  return Array.from({ length: users }, (_, at) => `user${at}`);
}

function ownedBy(
  { packagesPerUser }: CacheCorpus,
  names: readonly string[],
  user: number,
): readonly string[] {
  const step = 37;
  return Array.from(
    { length: packagesPerUser },
    (_, at) => names[(user * packagesPerUser + at * step) % names.length] ?? '',
  );
}

/** 0 to 8 bugs, 2.4 on average, as long as real ones. */
function bugsOf(key: string, seed: number, round: number): Json {
  const count = [0, 1, 0, 2, 5, 1, 0, 8, 3, 4][hashOf(key, seed) % 10] ?? 0;
  return Array.from({ length: count }, (_, at) => ({
    bug_id: 2_000_000 + (hashOf(key, at) % 400_000),
    title: `${key} crashes when its configuration has a comment in line ${at}, seen on a fresh installation`,
    url: `https://bugzilla.example/show_bug.cgi?id=${2_000_000 + (hashOf(key, at) % 400_000)}`,
    status: 'NEW',
    release: 'Fedora Rawhide',
    keywords: at % 3 === 0 ? ['Triaged'] : [],
    priority: 'unspecified',
    severity: 'medium',
    priority_severity: 'medium',
    comments: (hashOf(key, at) + round) % 40,
    modified: '2026-11-01 12:00:00',
    reported: '2026-01-01 12:00:00',
    private: false,
  }));
}

function pullsOf(key: string, seed: number): Json {
  if (hashOf(key, seed + 1) % 8 !== 0) return [];
  const url = `https://src.example/rpms/${key}/pull-request/1`;
  const times = { date_created: '2026-10-01 12:00:00', last_updated: '2026-10-02 12:00:00' };
  return [
    {
      title: `Update ${key}`,
      url,
      author: 'somebody',
      release: 'Fedora Rawhide',
      ...times,
      comments: 1,
      ci_status: { CI: 'success' },
    },
  ];
}

function staticOf(key: string): Json {
  const koschei = ['Fedora Rawhide', 'Fedora 43'].map((release) => ({
    release,
    status: 'ok',
    url: `https://koschei.example/package/${key}`,
    last_success: null,
  }));
  return {
    maintainers: { users: ['user0', 'somebody'], groups: [] },
    updates: [],
    overrides: [],
    koschei,
    orphans: { orphaned: false, depends_on_orphaned: false },
    fails_to_install: [],
    package_versions: { 'Fedora Rawhide': { stable: `${key}-1.2.3-1.fc44`, testing: null } },
    calendars: null,
  };
}

function hashOf(text: string, salt: number): number {
  let hash = 2_166_136_261 ^ salt;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 16_777_619);
  return hash >>> 0;
}
