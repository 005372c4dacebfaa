import { localImports, packageImports, pipeline, type SourceFile, type Tree } from './tree.ts';

/**
 * The import arrows: cli → commands → jobs → stages → store, records, backends' contracts. `contracts` are the contracts and
 * the pure helpers beside them; `backends` are their index files, which choose a driver.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  contracts: ['contracts', 'errors'],
  records: ['records', 'errors'],
  store: ['store', 'records', 'errors'],
  config: ['config', 'contracts', 'errors'],
  // Texts of queries to the table of builds: pure.
  queries: ['queries', 'records', 'contracts', 'config', 'errors'],
  // Failures whose texts are alike: pure.
  triage: ['triage', 'records', 'errors'],
  // Pages of the report and the dashboard: models and how they are drawn, pure.
  report: ['report', 'records', 'triage', 'errors'],
  // What all that listens shares: addresses, limits of HTTP, gRPC's codes.
  net: ['net', 'errors'],
  monitor: ['monitor', 'net', 'errors'],
  // The mutation log: segments in a bucket, and the log of another server.
  'mutation-log': ['mutation-log', 'monitor', 'records', 'contracts', 'config', 'errors'],
  // The cache of what upstreams say: its rules over the store. What providers there are is told to it.
  cache: ['cache', 'collect', 'monitor', 'store', 'records', 'contracts', 'config', 'errors'],
  providers: ['providers', 'cache', 'records', 'contracts', 'config', 'errors'],
  // What servers answer: a mutation log's, a cache's.
  serve: [
    ...['serve', 'report', 'monitor', 'net', 'mutation-log', 'cache'],
    ...['store', 'records', 'contracts', 'config', 'errors'],
  ],
  collect: ['collect', 'monitor', 'store', 'records', 'contracts', 'config', 'errors'],
  emit: ['emit', 'store', 'records', 'contracts', 'config', 'errors'],
  load: ['load', 'monitor', 'store', 'records', 'contracts', 'config', 'errors'],
  stream: ['stream', 'monitor', 'store', 'records', 'contracts', 'config', 'errors'],
  jobs: [
    'jobs',
    'monitor',
    'collect',
    'emit',
    'load',
    'stream',
    'mutation-log',
    'cache',
    'providers',
    'queries',
    'report',
    'triage',
    'store',
    'records',
    'contracts',
    'config',
    'errors',
  ],
  demo: ['demo', 'records', 'errors'],
  show: [
    'show',
    'jobs',
    'mutation-log',
    'cache',
    'collect',
    'emit',
    'load',
    'stream',
    'store',
    'records',
    'errors',
  ],
  k8s: ['k8s', 'net', 'config', 'errors'],
  context: ['backends', 'monitor', 'contracts', 'collect', 'store', 'config', 'show', 'errors'],
  commands: [
    ...[
      'commands',
      'context',
      'backends',
      'contracts',
      'jobs',
      'collect',
      'emit',
      'load',
      'stream',
      'demo',
      'k8s',
      'monitor',
      'mutation-log',
      'cache',
      'providers',
      'serve',
    ],
    ...['show', 'queries', 'report', 'triage', 'store', 'records', 'config', 'errors'],
  ],
  cli: ['commands', 'show', 'config', 'errors'],
};

/** Files beside a contract that every driver and stage may use: pure, of no driver. */
const HELPERS =
  /^pipeline\/backends\/\w+\/(contract|list-all|urls|order|limits|literals|file-generation)\.ts$/;

export function wrongArrows(tree: Tree): readonly string[] {
  return pipeline(tree).flatMap((file) => {
    const from = layerOf(file.path);
    if (from === 'driver' || from === 'backends') return driverArrows(file);
    const allowed = MAY_IMPORT[from];
    if (allowed === undefined) return [`${file.path}: its folder has no place among the layers`];
    return localImports(file)
      .filter((target) => target.startsWith('pipeline/') && !allowed.includes(layerOf(target)))
      .map((target) => `${file.path}: a file of ${from} may not import ${target} (${layerOf(target)})`);
  });
}

function layerOf(path: string): string {
  const [, folder = '', , name = ''] = path.split('/');
  if (folder !== 'backends') return folder.replace(/\.ts$/, '');
  if (HELPERS.test(path)) return 'contracts';
  return name === 'index.ts' ? 'backends' : 'driver';
}

/** A driver knows its own files, its folder's common ones, contracts and errors; only index.ts knows drivers. */
function driverArrows(file: SourceFile): readonly string[] {
  const folder = folderOf(file.path);
  return localImports(file)
    .filter((target) => {
      const layer = layerOf(target);
      if (layer === 'errors' || layer === 'contracts') return false;
      if (layer !== 'driver' || folderOf(target) !== folder) return true;
      const isIndex = layerOf(file.path) === 'backends';
      const owner = driverOf(target);
      return owner !== undefined && owner !== driverOf(file.path) && !isIndex;
    })
    .map((target) => `${file.path}: may not import ${target}`);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** `gs` for gs.ts and gs-list.ts; undefined for what a folder's drivers share. */
function driverOf(path: string): string | undefined {
  return /\/(gs|file|bigquery|duckdb|pubsub)(-[\w-]+)?\.ts$/.exec(path)?.[1];
}

/** Who may import which package. */
const SDK_HOMES: Readonly<Record<string, RegExp>> = {
  '@google-cloud/storage': /^pipeline\/backends\/bucket\/gs/,
  '@google-cloud/bigquery': /^pipeline\/backends\/warehouse\/bigquery/,
  '@google-cloud/pubsub': /^pipeline\/backends\/queue\/pubsub/,
  'google-auth-library': /^pipeline\/backends\//,
  '@google-cloud/bigquery-storage': /^pipeline\/backends\/warehouse\/bigquery/,
  protobufjs: /^pipeline\/(backends\/warehouse\/bigquery|records\/mutation\/|serve\/|k8s\/router\/)/,
  '@octokit/core': /^pipeline\/collect\/sources\/github\//,
  '@octokit/plugin-throttling': /^pipeline\/collect\/sources\/github\//,
  '@octokit/plugin-retry': /^pipeline\/collect\/sources\/github\//,
  '@octokit/auth-app': /^pipeline\/collect\/sources\/github\//,
  '@octokit/webhooks-methods': /^pipeline\/serve\//,
  '@grpc/grpc-js': /^pipeline\/serve\//,
  '@opentelemetry/api': /^pipeline\/k8s\/router\/tracing/,
  '@opentelemetry/sdk-trace-base': /^pipeline\/k8s\/router\/tracing/,
  '@opentelemetry/exporter-trace-otlp-http': /^pipeline\/k8s\/router\/tracing/,
  'simple-git': /^pipeline\/k8s\/gitops\//,
  croner: /^pipeline\/k8s\/idler\//,
  '@marcbachmann/cel-js': /^pipeline\/serve\//,
  chokidar: /^pipeline\/backends\/queue\/file/,
  'prom-client': /^pipeline\/(monitor|k8s)\//,
  hono: /^pipeline\/(monitor|serve|k8s|report)\//,
  uplot: /^pipeline\/report\/assets/,
  '@duckdb/node-api': /^pipeline\/backends\/warehouse\/duckdb/,
  'better-sqlite3': /^pipeline\/store\//,
  'openid-client': /^pipeline\/serve\//,
  '@jmespath-community/jmespath': /^pipeline\/providers\//,
  'ical.js': /^pipeline\/(providers|records)\//,
  undici: /^pipeline\/(backends\/bucket|collect|k8s)\//,
  '@kubernetes/client-node': /^pipeline\/k8s\/client-node/,
  yargs: /^pipeline\/(cli\.ts|commands\/)/,
};

export function strayPackages(tree: Tree): readonly string[] {
  return pipeline(tree).flatMap((file) =>
    packageImports(file)
      .filter((name) => SDK_HOMES[name]?.test(file.path) === false)
      .map((name) => `${file.path}: ${name} belongs only where ${String(SDK_HOMES[name])} matches`),
  );
}

/** Of Node's modules, those that touch nothing outside the process. */
const PURE_MODULES = [
  'node:zlib',
  'node:crypto',
  'node:buffer',
  'node:util',
  'node:events',
  'node:string_decoder',
  'node:stream/promises',
];

export function impureRecords(tree: Tree): readonly string[] {
  return pipeline(tree)
    .filter(({ path }) => path.startsWith('pipeline/records/'))
    .flatMap((file) =>
      packageImports(file)
        .filter((name) => name.startsWith('node:') && !PURE_MODULES.includes(name))
        .map((name) => `${file.path}: records are pure, ${name} is not`),
    );
}

/** Files no import chain from the command line reaches. */
export function deadFiles(tree: Tree): readonly string[] {
  const files = new Map(pipeline(tree).map((file) => [file.path, file]));
  const reached = new Set<string>();
  const queue = ['pipeline/cli.ts'];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const file = files.get(path);
    if (file === undefined || reached.has(path)) continue;
    reached.add(path);
    // A worker's entry is named by its built form in some loaders.
    queue.push(...localImports(file).flatMap((target) => [target, target.replace(/\.js$/, '.ts')]));
  }
  return [...files.keys()]
    .filter((path) => !reached.has(path))
    .map((path) => `${path}: nothing leads to it from pipeline/cli.ts`);
}
