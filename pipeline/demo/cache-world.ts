import { randomFor } from './random.ts';

/** What the recorded upstreams of packagers talk about: packages, people, groups and releases of no real distribution's day. */
export interface CacheWorld {
  readonly seed: number;
  /** All times are counted back from here. */
  readonly nowMs: number;
  readonly packages: readonly DemoPackage[];
  readonly users: readonly string[];
  readonly groups: readonly DemoGroup[];
}

export interface DemoPackage {
  readonly name: string;
  readonly version: string;
  /** The first is the point of contact; `orphan`: nobody. */
  readonly users: readonly string[];
  readonly group: string | undefined;
}

export interface DemoGroup {
  readonly name: string;
  readonly members: readonly string[];
  readonly admin: readonly string[];
  readonly commit: readonly string[];
}

export const STABLE = [41, 42] as const;
export const BRANCHED = 43;
export const RAWHIDE = 44;
export const DAY_MS = 86_400_000;

const PACKAGES = [
  ...['python-flask', 'python-requests', 'python-attrs', 'python-lxml', 'python-yarl', 'python-idna'],
  ...['rust-serde', 'rust-libc', 'rust-clap', 'rust-tokio', 'rust-regex', 'rust-rand', 'rust-syn', 'ripgrep'],
  ...['gnome-shell', 'gnome-terminal', 'mutter', 'gtk4', 'glib2', 'nautilus', 'gjs', 'epiphany'],
  ...['kf6-kio', 'kf6-solid', 'plasma-desktop', 'dolphin', 'konsole', 'okular', 'kate', 'ark'],
  ...['maven', 'ant', 'log4j', 'junit5', 'slf4j', 'jetty', 'guava', 'xmvn'],
  ...['kernel', 'bash', 'coreutils', 'gcc', 'glibc', 'systemd', 'openssl', 'curl', 'zlib-ng', 'sqlite'],
  ...['vim', 'emacs', 'tmux', 'git', 'nginx', 'httpd', 'postgresql', 'redis', 'podman', 'libreoffice'],
  // Names that are more than a name to careless code.
  ...['constructor', 'gtk+', 'libstdc++-compat', '0ad'],
];

const USERS = [
  ...['adamova', 'bruno', 'cecile', 'dmitri', 'elena', 'fatima', 'gregor', 'hanako', 'ivan', 'jolana'],
  ...['karim', 'lucia'],
];

const GROUPS = [
  ['python-sig', /^python-/],
  ['rust-sig', /^(rust-|ripgrep)/],
  ['gnome-sig', /^(gnome-|mutter|g(tk4|lib2|js)|nautilus)/],
  ['kde-sig', /^(kf6-|plasma|dolphin|konsole|okular|kate|ark)/],
  ['java-sig', /^(maven|ant|log4j|junit5|slf4j|jetty|guava|xmvn)/],
] as const;

/** The same for the same seed. */
export function cacheWorld(seed: number, nowMs: number): CacheWorld {
  const groups = GROUPS.map(([name, pattern]) => demoGroup(seed, name, pattern));
  const packages = PACKAGES.map((name, at) => demoPackage(seed, name, at));
  return { seed, nowMs, packages, users: USERS, groups };
}

function demoGroup(seed: number, name: string, pattern: RegExp): DemoGroup {
  const random = randomFor(seed, 'group', name);
  const commit = PACKAGES.filter((one) => pattern.test(one));
  return {
    name,
    members: USERS.filter(() => random.next() < 0.4),
    commit,
    admin: commit.filter(() => random.next() < 0.5),
  };
}

function demoPackage(seed: number, name: string, at: number): DemoPackage {
  const random = randomFor(seed, 'package', name);
  const pick = () => USERS[random.below(USERS.length)] ?? '';
  const others = Array.from({ length: random.below(3) }, pick);
  const first = at % 11 === 10 ? 'orphan' : pick();
  return {
    name,
    version: `${random.below(9) + 1}.${random.below(30)}.${random.below(10)}`,
    users: [...new Set([first, ...others])],
    group: GROUPS.find(([, pattern]) => pattern.test(name))?.[0],
  };
}

export function nvrOf({ name, version }: DemoPackage, release: string, build = 1): string {
  return `${name}-${version}-${build}.${release}`;
}

/** `YYYY-MM-DD HH:mm:ss`, so many days before now. */
export function daysAgo({ nowMs }: CacheWorld, days: number): string {
  return new Date(nowMs - Math.round(days * DAY_MS)).toISOString().slice(0, 19).replace('T', ' ');
}

/** A page of a list, as servers cut it: their own limit holds, whatever was asked for. */
export function pageOf<T>(items: readonly T[], page: number, size: number): readonly T[] {
  return items.slice((page - 1) * size, page * size);
}

/** A whole number of a query, at least 1. */
export function numberIn(query: URLSearchParams, name: string, standard: number): number {
  const number = Number(query.get(name) ?? standard);
  return Number.isInteger(number) && number >= 1 ? number : standard;
}

/** Longer than any title: such things happen, and must not get into a cache. */
export const HUGE_TEXT = 'x'.repeat(100_000);
