import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findGoogleCredentials, openBucket } from '../backends/bucket/index.ts';
import { openQueue, queueUrlOf } from '../backends/queue/index.ts';
import { openWarehouse } from '../backends/warehouse/index.ts';
import { type BucketRoot, loadRoots } from '../config/buckets.ts';
import { loadRepos } from '../config/repos.ts';
import { loadTables, type TableConfig } from '../config/tables.ts';
import { type Context, warehouseOptions } from '../context.ts';
import { type Check, ok, skipped, warning } from '../jobs/doctor.ts';
import { databaseChecks } from '../jobs/doctor-database.ts';
import {
  clockCheck,
  folderChecks,
  nearestFolder,
  secretChecks,
  versionChecks,
} from '../jobs/doctor-machine.ts';
import { placeChecks } from '../jobs/doctor-places.ts';
import { loadProviders } from '../providers/index.ts';
import { diskSpace } from '../store/headroom.ts';
import { lookAtHold } from '../store/hold.ts';
import { inspectDatabase } from '../store/inspect.ts';
import { openToLook } from './monitor.ts';

const GOOGLE = 'https://storage.googleapis.com/';
const CREDENTIALS_MS = 8_000;

interface Asked {
  readonly deep: boolean;
  readonly timeout: number;
}

/** Everything that is configured, as checks. A file that is wrong is a check that fails, and what it names is not looked for. */
export async function checksOf(context: Context, asked: Asked): Promise<readonly Check[]> {
  const { settings } = context;
  const roots = await loadRoots(settings.bucketsFile).catch((): readonly BucketRoot[] => []);
  const tables = await loadTables(settings.tablesFile).catch((): readonly TableConfig[] => []);
  const needsGoogle =
    settings.warehouse.startsWith('bigquery:') ||
    settings.stream.subscriptionPath !== undefined ||
    roots.some(({ url, anonymous }) => url.startsWith('gs:') && !anonymous);
  const usesGoogle = needsGoogle || roots.some(({ url }) => url.startsWith('gs:'));
  return [
    ...versionChecks({
      nodeVersion: process.version,
      openDuckDb: settings.warehouse.startsWith('duckdb:')
        ? () => openWarehouse('duckdb::memory:', warehouseOptions(settings))
        : undefined,
    }),
    ...folderChecks([dirname(settings.db), settings.workDir, ...warehouseFolder(settings.warehouse)]),
    ...(usesGoogle ? [clockCheck(settings.storageEndpoint ?? GOOGLE, dateOf, context.nowMs)] : []),
    ...fileChecks(context),
    ...secretChecks(secretFiles(context)),
    ...(needsGoogle ? [credentialsCheck(settings.storageEndpoint ?? settings.bigqueryEndpoint)] : []),
    ...allDatabases(context, asked),
    ...placeChecks({
      roots,
      demo: settings.demo,
      openBucket: (url, anonymous) =>
        openBucket(url, {
          timeoutMs: asked.timeout * 1000,
          connections: 1,
          anonymous,
          ...(settings.storageEndpoint !== undefined && { endpoint: settings.storageEndpoint }),
        }),
      warehouse: settings.warehouse,
      openWarehouse: () => openToLook(context, settings.warehouse),
      tables: tables.map(({ name }) => name),
      subscription: settings.stream.subscriptionPath,
      openQueue: (path) => {
        const { pubsubEndpoint: endpoint } = settings;
        return openQueue(queueUrlOf(path), {
          nowMs: context.nowMs,
          timeoutMs: asked.timeout * 1000,
          ...(endpoint !== undefined && { endpoint }),
        });
      },
    }),
  ];
}

function warehouseFolder(url: string): readonly string[] {
  return url.startsWith('duckdb:') && url !== 'duckdb::memory:' ? [dirname(url.slice('duckdb:'.length))] : [];
}

/** Configuration files, each read as a run reads it. */
function fileChecks(context: Context): readonly Check[] {
  const { bucketsFile, tablesFile, mutationLog, cache, sources } = context.settings;
  const check = (name: string, read: () => Promise<string>): Check => ({
    area: 'configuration',
    name,
    remedy: 'Correct the lines that are named, and see `samovar config check`.',
    run: async () => ok(await read()),
  });
  const set = Object.keys(sources).length;
  return [
    check('settings', async () =>
      set === 0 ? 'none: the defaults hold' : `${set} set, see \`samovar config show\``,
    ),
    check('buckets', async () => `${bucketsFile}: ${(await loadRoots(bucketsFile)).length} roots`),
    check(
      'tables',
      async () => `${tablesFile}: ${(await loadTables(tablesFile)).map(({ name }) => name).join(', ')}`,
    ),
    ...(mutationLog.reposFile === undefined || /^(gs|file):/.test(mutationLog.reposFile)
      ? []
      : [check('repositories', async () => repositories(mutationLog.reposFile ?? ''))]),
    ...(cache.providersFile === undefined && !existsSync(cache.db)
      ? []
      : [check('providers', () => providers(context))]),
  ];
}

async function repositories(file: string): Promise<string> {
  const repos = await loadRepos(file, async () => '');
  return `${file}: ${repos.length} repositories`;
}

async function providers({ settings, secret }: Context): Promise<string> {
  const file = settings.cache.providersFile;
  const loaded = await loadProviders(file, {
    secret: (name) => secret(name),
    // Only opened when a provider is refreshed.
    openWarehouse: () => openWarehouse('duckdb::memory:', warehouseOptions(settings)),
  });
  return `${file ?? 'the shipped ones'}: ${loaded.providers.length} providers`;
}

function secretFiles({ settings: { mutationLog } }: Context): Readonly<Record<string, string>> {
  const { githubTokenFile, webhookSecretFile, githubApp } = mutationLog;
  return {
    ...(githubTokenFile !== undefined && { 'GitHub tokens': githubTokenFile }),
    ...(webhookSecretFile !== undefined && { 'webhook secret': webhookSecretFile }),
    ...(githubApp !== undefined && { 'GitHub app key': githubApp.keyFile }),
  };
}

function credentialsCheck(endpoint: string | undefined): Check {
  return {
    area: 'credentials',
    name: 'Google',
    network: true,
    remedy:
      'Log in with `gcloud auth application-default login`, or name a key file in GOOGLE_APPLICATION_CREDENTIALS.',
    run: async () => {
      // An emulator asks for none.
      if (endpoint !== undefined) return skipped(`${endpoint} is asked instead of Google`);
      const found = await findGoogleCredentials(CREDENTIALS_MS);
      if (found !== undefined)
        return ok(found.account === undefined ? found.kind : `${found.kind} ${found.account}`);
      return warning(
        'there are none: only public buckets can be read, and no BigQuery',
        'Log in with `gcloud auth application-default login`, or name a key file in GOOGLE_APPLICATION_CREDENTIALS.',
      );
    },
  };
}

/** That of builds always; the others where there are any. */
function allDatabases(context: Context, { deep }: Asked): readonly Check[] {
  const { settings, nowMs } = context;
  const all = [
    ['database of builds', settings.db],
    ['database of mutation logs', settings.mutationLog.db],
    ['database of caches', settings.cache.db],
  ] as const;
  return all
    .filter(([, file]) => file === settings.db || existsSync(file))
    .flatMap(([area, file]) =>
      databaseChecks(area, {
        file,
        inspect: () => inspectDatabase(file),
        hold: () => lookAtHold(file),
        // The folder may still have to be made.
        disk: async () => diskSpace(join(await nearestFolder(dirname(file)), 'b.db')),
        deep,
        nowMs: nowMs(),
      }),
    );
}

async function dateOf(url: string, signal: AbortSignal): Promise<string | null> {
  const answer = await fetch(url, { method: 'HEAD', redirect: 'manual', signal });
  await answer.body?.cancel();
  return answer.headers.get('date');
}
