import { access } from 'node:fs/promises';
import { SamovarError } from '../errors.ts';
import { type CacheSettings, cacheSettings } from './cache-settings.ts';
import { type MutationSettings, mutationSettings } from './mutation-settings.ts';
import type { JsonSchema } from './schema.ts';
import { readSchema, shippedFile } from './shipped.ts';
import { type Environment, mergeSources, type Sourced, type Sources } from './sources.ts';
import { readConfig } from './yaml.ts';

/** Looked for in the working directory; need not exist. */
export const SETTINGS_FILE = 'config/samovar.yaml';
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 1440 * MINUTE_MS;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Everything a run was told, with defaults filled in. Paths are relative to the working directory. */
export interface Settings {
  /** SQLite file. */
  readonly db: string;
  readonly bucketsFile: string;
  readonly tablesFile: string;
  /** `bigquery:PROJECT:DATASET` or `duckdb:FILE`. */
  readonly warehouse: string;
  /** Folder of emitted files. */
  readonly workDir: string;
  /** Builds read at once, per root. */
  readonly threads: number;
  /** Threads that read JUnit files; 0: none, the main thread does; absent: by the machine's cores. */
  readonly readers: number | undefined;
  /** Only the newest so many builds of each job; 0: all. */
  readonly buildLimit: number;
  readonly deployment: 'prod' | 'staging' | undefined;
  /** How a stream runs. */
  readonly stream: StreamSettings;
  readonly mutationLog: MutationSettings;
  readonly cache: CacheSettings;
  /** Of one request. */
  readonly requestTimeoutMs: number;
  /** Of one load job. */
  readonly loadTimeoutMs: number;
  /** A task without progress for so long ends the process. */
  readonly stallMs: number;
  /** How long a stream that is told to end may take. */
  readonly graceMs: number;
  /** How long to wait for a database that another process holds. */
  readonly holdWaitMs: number;
  /** What one build may take: time, and bytes of its objects. */
  readonly buildMs: number;
  readonly buildBytesMax: number;
  /** Of one question to BigQuery. */
  readonly queryBytesMax: number;
  /** A finished build younger than this may still get files. */
  readonly settleMs: number;
  /** A build without finished.json is looked at again for so long. */
  readonly giveUpMs: number;
  /** How many days `prune` keeps raw XML. */
  readonly rawXmlDays: number;
  /** URLs without a slash at their end; absent: Google's. */
  readonly storageEndpoint: string | undefined;
  readonly bigqueryEndpoint: string | undefined;
  /** `HOST:PORT`, without TLS. */
  readonly storageWriteEndpoint: string | undefined;
  readonly pubsubEndpoint: string | undefined;
  /** `HOST:PORT` or `PORT` of the health page; absent: none. */
  readonly monitorAddress: string | undefined;
  /** BigQuery's region; absent: BigQuery decides. */
  readonly location: string | undefined;
  readonly logLevel: LogLevel;
  readonly logFormat: 'auto' | 'json';
  /** Make the demo's buckets and use them. */
  readonly demo: boolean;
  /** Folder that holds the demo's buckets. */
  readonly demoDir: string;
  /** What set each setting that is no default, by its name in config/samovar.yaml. */
  readonly sources: Readonly<Record<string, string>>;
}

export interface StreamSettings {
  /** Pub/Sub subscription that tells of new builds; absent: `file:` buckets are watched. */
  readonly subscriptionPath: string | undefined;
  /** Messages taken and not yet acknowledged, at most. */
  readonly outstandingMessages: number;
  /** Between two load jobs of one table; absent: by warehouse. */
  readonly loadIntervalMs: number | undefined;
  /** How long after its finished.json a build without JUnit files waits for them. */
  readonly artifactsWaitMs: number;
  /** Between two listings of the buckets. */
  readonly reconcileMs: number;
}

/** Flags that settle a setting, as yargs gives them; others are ignored. */
export interface SettingsFlags {
  readonly db?: string | undefined;
  readonly buckets?: string | undefined;
  readonly 'tables-file'?: string | undefined;
  readonly warehouse?: string | undefined;
  readonly threads?: number | undefined;
  readonly buildlimit?: number | undefined;
  readonly 'log-level'?: string | undefined;
  readonly poll?: string | undefined;
  readonly monitor?: string | undefined;
  readonly wait?: number | undefined;
  /** The settings file. */
  readonly config?: string | undefined;
}

const FLAGS: Readonly<Record<string, Exclude<keyof SettingsFlags, 'config'>>> = {
  db: 'db',
  buckets: 'buckets',
  tables: 'tables-file',
  warehouse: 'warehouse',
  threads: 'threads',
  build_limit: 'buildlimit',
  log_level: 'log-level',
  subscription_path: 'poll',
  monitor_address: 'monitor',
  hold_wait_seconds: 'wait',
};

/**
 * Flags over environment over config/samovar.yaml over defaults. Throws one `config` error that names each wrong line, flag or
 * variable.
 */
export async function loadSettings(given: {
  readonly flags: SettingsFlags;
  readonly env: Environment;
}): Promise<Settings> {
  const schema = await readSchema('samovar');
  const name = given.flags.config ?? given.env.SAMOVAR_CONFIG ?? (await existing(SETTINGS_FILE));
  const file =
    name === undefined || name === ''
      ? undefined
      : { name, document: await readConfig(name, { file: name, schema, mayBeEmpty: true }) };
  return resolveSettings(schema, { flags: flagValues(given.flags), env: given.env, ...(file && { file }) });
}

/** As `loadSettings`, of sources that were read already. */
export function resolveSettings(schema: JsonSchema, sources: Sources): Settings {
  const merged = mergeSources(schema, sources);
  const settings = assemble(merged);
  if (settings.demo && merged.buckets !== undefined) throw demoConflict(merged.buckets);
  return settings;
}

function assemble(merged: Readonly<Record<string, Sourced>>): Settings {
  // The schema has checked every type.
  const text = (key: string) => merged[key]?.value as string | undefined;
  const number = (key: string) => merged[key]?.value as number | undefined;
  const deployment = text('deployment') as Settings['deployment'];
  const demo = isDemo(merged);
  return {
    db: text('db') ?? 'data/build.db',
    bucketsFile: text('buckets') ?? shippedFile(demo ? 'config/demo-buckets.yaml' : 'config/buckets.yaml'),
    tablesFile:
      text('tables') ??
      shippedFile(deployment === 'staging' ? 'config/tables-staging.yaml' : 'config/tables.yaml'),
    warehouse: text('warehouse') ?? 'duckdb:data/warehouse.duckdb',
    workDir: text('work_dir') ?? 'data/out',
    threads: number('threads') ?? 32,
    readers: number('readers'),
    buildLimit: number('build_limit') ?? 0,
    deployment,
    stream: {
      subscriptionPath: text('subscription_path'),
      outstandingMessages: number('outstanding_messages') ?? 1_000,
      loadIntervalMs: seconds(number('load_interval_seconds')),
      artifactsWaitMs: (number('artifacts_wait_seconds') ?? 20) * SECOND_MS,
      reconcileMs: (number('reconcile_minutes') ?? 15) * MINUTE_MS,
    },
    mutationLog: mutationSettings(text, number),
    cache: cacheSettings(text, number),
    requestTimeoutMs: (number('request_timeout_seconds') ?? 30) * SECOND_MS,
    loadTimeoutMs: (number('load_timeout_minutes') ?? 60) * MINUTE_MS,
    stallMs: (number('stall_minutes') ?? 15) * MINUTE_MS,
    graceMs: (number('grace_seconds') ?? 25) * SECOND_MS,
    holdWaitMs: (number('hold_wait_seconds') ?? 5) * SECOND_MS,
    buildMs: (number('build_minutes') ?? 30) * MINUTE_MS,
    buildBytesMax: (number('build_megabytes') ?? 4_096) * 1e6,
    queryBytesMax: Math.round((number('query_gigabytes') ?? 1_000) * 1e9),
    settleMs: (number('settle_minutes') ?? 60) * MINUTE_MS,
    giveUpMs: (number('give_up_days') ?? 5) * DAY_MS,
    rawXmlDays: number('raw_xml_days') ?? 30,
    storageEndpoint: endpoint(text('storage_endpoint')),
    bigqueryEndpoint: endpoint(text('bigquery_endpoint')),
    storageWriteEndpoint: text('storage_write_endpoint'),
    pubsubEndpoint: text('pubsub_endpoint'),
    monitorAddress: text('monitor_address'),
    location: text('location'),
    logLevel: (text('log_level') as LogLevel | undefined) ?? 'info',
    logFormat: (text('log_format') as Settings['logFormat'] | undefined) ?? 'auto',
    demo,
    demoDir: 'data',
    sources: Object.fromEntries(Object.entries(merged).map(([key, { source }]) => [key, source])),
  };
}

const seconds = (value: number | undefined) => (value === undefined ? undefined : value * SECOND_MS);

/** Settings that say where builds come from or rows go to. Any of them means that somebody has configured a real run. */
const REAL = ['db', 'buckets', 'tables', 'warehouse', 'deployment', 'subscription_path'];

/** The demo is for those who have configured nothing: made-up builds never get into a real database unasked. */
function isDemo(merged: Readonly<Record<string, Sourced>>): boolean {
  const asked = merged.demo?.value;
  return typeof asked === 'boolean' ? asked : REAL.every((key) => merged[key] === undefined);
}

function demoConflict({ source }: Sourced): SamovarError {
  return new SamovarError('config', `the demo has its own buckets, and ${source} names others`, {
    remedy: `Leave out either the setting demo (SAMOVAR_DEMO) or ${source}.`,
  });
}

/** `127.0.0.1:4443`, as emulators' variables often are, becomes `http://127.0.0.1:4443`. */
function endpoint(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = text.replace(/\/+$/, '');
  return url.includes('://') ? url : `http://${url}`;
}

function flagValues(flags: SettingsFlags): Readonly<Record<string, Sourced>> {
  const values: Record<string, Sourced> = {};
  for (const [setting, flag] of Object.entries(FLAGS)) {
    if (flags[flag] !== undefined) values[setting] = { value: flags[flag], source: `--${flag}` };
  }
  return values;
}

async function existing(file: string): Promise<string | undefined> {
  return access(file).then(
    () => file,
    () => undefined,
  );
}
