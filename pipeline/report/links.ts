import { createHash } from 'node:crypto';

export type ViewKind = 'overview' | 'jobs' | 'job' | 'tests' | 'test' | 'build' | 'clusters' | 'cluster';

/** Where everything is. Undefined: there is no page of it (a static site is bounded), and its name stands as text. */
export interface Links {
  readonly isStatic: boolean;
  overview(): string;
  jobs(): string;
  /** Flaky and failing tests; live with a search. */
  tests(search?: string): string;
  clusters(): string;
  job(job: string): string | undefined;
  test(test: string): string | undefined;
  build(path: string): string | undefined;
  cluster(id: string): string | undefined;
  /** A file of `ASSETS`. */
  asset(file: string): string;
  /** The same view as JSON, where something serves it. `name` is the job, test, build's path, or cluster's id. */
  api(kind: ViewKind, name?: string): string | undefined;
  /** A bucket's page of a build's files. Undefined where no browser can go: the path is shown as text. */
  artifacts(path: string): string | undefined;
}

/** Google's own page of a folder in a bucket. `https://gcsweb.k8s.io/gcs/` is another. */
export const ARTIFACTS_URL = 'https://console.cloud.google.com/storage/browser/';

export interface LinkOptions {
  /** What stands before `bucket/logs/...`. */
  readonly artifactsUrl?: string | undefined;
}

const API = '/api/v1';

/** Addresses of `samovar serve`. Names go into the query: they have slashes, brackets, and whatever else. */
export function liveLinks({ artifactsUrl }: LinkOptions = {}): Links {
  const at = (path: string, name: string, value: string) => `${path}?${name}=${encoded(value)}`;
  return {
    isStatic: false,
    overview: () => '/',
    jobs: () => '/jobs',
    tests: (search) => (search === undefined ? '/tests' : at('/tests', 'q', search)),
    clusters: () => '/clusters',
    job: (job) => at('/job', 'name', job),
    test: (test) => at('/test', 'name', test),
    build: (path) => at('/build', 'path', path),
    cluster: (id) => at('/cluster', 'id', id),
    asset: (file) => `/assets/${file}`,
    api: apiAddress,
    artifacts: (path) => artifactsOf(path, artifactsUrl),
  };
}

function apiAddress(kind: ViewKind, name = ''): string {
  switch (kind) {
    case 'overview':
    case 'jobs':
    case 'clusters':
      return `${API}/${kind}`;
    case 'job':
      return `${API}/jobs/${encoded(name)}`;
    case 'tests':
      return `${API}/tests?q=${encoded(name)}`;
    case 'test':
      return `${API}/tests/${encoded(name)}`;
    case 'build':
      return `${API}/builds?path=${encoded(name)}`;
    case 'cluster':
      return `${API}/clusters/${encoded(name)}`;
  }
}

/** What a static site has pages of. */
export interface StaticPages {
  readonly jobs: ReadonlySet<string>;
  readonly tests: ReadonlySet<string>;
  readonly builds: ReadonlySet<string>;
  readonly clusters: ReadonlySet<string>;
}

/** Addresses within a static site, relative, so that it works from a folder and below any address. */
export function staticLinks(depth: 0 | 1, pages: StaticPages, { artifactsUrl }: LinkOptions = {}): Links {
  const up = '../'.repeat(depth);
  const known = (names: ReadonlySet<string>, kind: StaticKind) => {
    // Every build's page links to the same tests.
    const addresses = new Map<string, string>();
    return (name: string) => {
      if (!names.has(name)) return undefined;
      const address = addresses.get(name) ?? `${up}${staticFile(kind, name)}`;
      addresses.set(name, address);
      return address;
    };
  };
  return {
    isStatic: true,
    overview: () => `${up}index.html`,
    jobs: () => `${up}jobs.html`,
    tests: () => `${up}tests.html`,
    clusters: () => `${up}clusters.html`,
    job: known(pages.jobs, 'job'),
    test: known(pages.tests, 'test'),
    build: known(pages.builds, 'build'),
    cluster: known(pages.clusters, 'cluster'),
    asset: (file) => `${up}assets/${file}`,
    api: () => undefined,
    artifacts: (path) => artifactsOf(path, artifactsUrl),
  };
}

export type StaticKind = 'job' | 'test' | 'build' | 'cluster';

const SLUG_CHARS = 40;
const HASH_CHARS = 16;

/** A file's name that any disk and any server can hold, whatever the name is: some of its letters, and a hash of all of it. */
export function staticFile(kind: StaticKind, name: string): string {
  const hash = createHash('sha256').update(JSON.stringify(name)).digest('hex').slice(0, HASH_CHARS);
  const slug = name
    .toLowerCase()
    .replace(/^\w+:\/\//, '')
    .replace(/[^a-z0-9]+/g, '-')
    .slice(-SLUG_CHARS)
    .replace(/^-+|-+$/g, '');
  return `${kind}/${slug === '' ? '' : `${slug}-`}${hash}.html`;
}

/** Only `gs://` has pages for people; anything else stays text, whatever it calls itself. */
function artifactsOf(path: string, artifactsUrl = ARTIFACTS_URL): string | undefined {
  if (!path.startsWith('gs://') || !/^https?:\/\//.test(artifactsUrl)) return undefined;
  const steps = path.slice('gs://'.length).split('/');
  return `${artifactsUrl.replace(/\/*$/, '/')}${steps.map(encoded).join('/')}`;
}

/** Half a pair of surrogates has no encoding: it would throw. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
