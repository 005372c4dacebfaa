import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { replay } from '../../support/fault-proxy.ts';
import { type FaultPubSub, type FaultSubscription, startFaultPubSub } from '../../support/fault-pubsub.ts';
import {
  type CorpusBuild,
  expectedPaths,
  STREAM_TABLES,
  smallCorpus,
  tablesYaml,
  writeBuild,
} from '../corpus.ts';
import { readAppended, readRaw, readTables, repeated } from '../warehouse-rows.ts';
import type { Bench, Prepared, Scenario, World } from '../world.ts';
import { folderBucket, openFileWorld, WAREHOUSE_FILE } from './file-duckdb.ts';
import { BIGQUERY_URL, GS_URL, type GsWorld, openGsWorld, startCorpusServer } from './gs-bigquery.ts';
import { copyState, rewrite } from './superseded.ts';

const RUN_BOUND_MS = 120_000;
/** A killed run never gets there. */
const IDLE_SECONDS = 1;

export const STREAM_ENV = {
  SAMOVAR_ARTIFACTS_WAIT_SECONDS: '0',
  SAMOVAR_LOAD_INTERVAL_SECONDS: '1.2',
};

export function streamArgs(world: World, idleSeconds: number, poll?: string): readonly string[] {
  const [, ...flags] = world.args;
  return [
    'stream',
    ...flags,
    '--until-idle',
    String(idleSeconds),
    ...(poll === undefined ? [] : ['--poll', poll]),
  ];
}

/** Folders are watched, and a listing at the start finds what is there already. */
export const streamFileToDuckDb: Scenario = {
  name: 'stream file -> DuckDB',
  prepare: async (bench) => {
    const bucket = bench.newFolder('bucket');
    const builds = smallCorpus(bench.nowMs);
    const prow = folderBucket(bucket);
    for (const build of builds) writeBuild(prow, build, bench.nowMs);
    return {
      expected: expectedPaths(builds, 'file:bucket'),
      boundMs: RUN_BOUND_MS,
      open: async () => {
        // A copy, not a link: what a link leads to is not watched.
        const world = openFileWorld(bench, (folder) => cpSync(bucket, folder, { recursive: true }));
        return { ...world, args: streamArgs(world, IDLE_SECONDS), env: STREAM_ENV };
      },
      close: async () => undefined,
    };
  },
};

export type StreamWriter = 'load' | 'storage-write' | 'insert-all';

/**
 * Builds that were rewritten long after they were complete: no listing looks at them again, only the messages tell. One that is
 * acknowledged before its row is in is lost.
 */
export function streamPubSub(
  warehouse: 'DuckDB' | 'BigQuery',
  writer: StreamWriter,
  /** Before each answer of the bucket's. */
  slowMs?: number,
): Scenario {
  return {
    name: `stream Pub/Sub -> ${warehouse}${warehouse === 'DuckDB' ? '' : `, ${writer}`}`,
    prepare: (bench) => prepareStream(bench, { warehouse, writer, slowMs }),
  };
}

export interface StreamPrepared extends Prepared {
  open(): Promise<StreamWorld>;
}

export async function prepareStream(
  bench: Bench,
  {
    warehouse,
    writer,
    slowMs,
  }: {
    readonly warehouse: 'DuckDB' | 'BigQuery';
    readonly writer: StreamWriter;
    readonly slowMs?: number | undefined;
  },
): Promise<StreamPrepared> {
  const pubsub = await startFaultPubSub();
  const { gcs, builds, prow } = await startCorpusServer(bench);
  const openFirst = () => openStreamWorld(bench, { gcs, warehouse, writer });
  const first = await openFirst();
  const rewritten = await rewrite(bench, first, { builds, prow, bucketUrl: GS_URL });
  return {
    expected: expectedPaths(builds, GS_URL, STREAM_TABLES),
    rewritten,
    boundMs: RUN_BOUND_MS,
    open: async () => {
      const world = await openFirst();
      copyState(first.folder, world.folder);
      await replay(first.proxies.bigquery.exchanges, world.bigquery.endpoint);
      if (slowMs !== undefined) world.proxies.gcs.choose(() => ({ kind: 'latency', ms: slowMs }));
      return follow(world, pubsub, noticesOf(builds, gcs));
    },
    close: async () => {
      await first.close();
      await gcs.close();
      await pubsub.stop();
    },
  };
}

type Gcs = Parameters<typeof openGsWorld>[1];
type Notices = readonly Parameters<FaultSubscription['publish']>[0][];

async function openStreamWorld(
  bench: Bench,
  given: {
    readonly gcs: Gcs;
    readonly warehouse: 'DuckDB' | 'BigQuery';
    readonly writer: StreamWriter;
  },
): Promise<GsWorld> {
  const world = await openGsWorld(bench, given.gcs);
  const { bigquery } = world;
  const url = given.warehouse === 'DuckDB' ? `duckdb:${WAREHOUSE_FILE}` : BIGQUERY_URL;
  writeFileSync(join(world.folder, 'tables.yaml'), tablesYaml(`  writer: ${given.writer}\n`, STREAM_TABLES));
  const endpoints = { endpoint: bigquery.endpoint, storageWriteEndpoint: bigquery.storageWriteEndpoint };
  const tables = Object.keys(STREAM_TABLES);
  return {
    ...world,
    args: world.args.map((arg) => (arg === BIGQUERY_URL ? url : arg)),
    env: { ...world.env, ...STREAM_ENV, SAMOVAR_STORAGE_WRITE_ENDPOINT: bigquery.storageWriteEndpoint },
    rows: () =>
      given.warehouse === 'DuckDB'
        ? readTables(`duckdb:${join(world.folder, WAREHOUSE_FILE)}`, tables)
        : given.writer === 'load'
          ? readTables(url, tables, endpoints)
          : readAppended(url, tables, endpoints, given.writer === 'storage-write'),
  };
}

export interface StreamWorld extends GsWorld {
  readonly subscription: FaultSubscription;
  readonly notices: Notices;
  /** Rows of which the tables have another of the same build and version. */
  rawDoubles(): Promise<number>;
}

async function countRepeated(
  { endpoint }: { readonly endpoint: string },
  tables: readonly string[],
): Promise<number> {
  const rows = await readRaw(BIGQUERY_URL, tables, { endpoint });
  return [...rows.values()].reduce((sum, raw) => sum + repeated(raw).length, 0);
}

/** With a subscription of its own, in which all messages lie already. */
function follow(world: GsWorld, pubsub: FaultPubSub, notices: Notices): StreamWorld {
  const subscription = pubsub.subscribe();
  for (const notice of notices) subscription.publish(notice);
  return {
    ...world,
    subscription,
    notices,
    rawDoubles: () => countRepeated(world.bigquery, Object.keys(STREAM_TABLES)),
    unfinished: () => subscription.left().length > 0,
    problems: () => subscription.left().map((object) => `${object}: its message was never acknowledged`),
    args: streamArgs(world, IDLE_SECONDS, subscription.path),
    env: { ...world.env, SAMOVAR_PUBSUB_ENDPOINT: pubsub.endpoint },
  };
}

/** Of every build, the rewritten ones twice, and some that are about nothing. */
export function noticesOf(builds: readonly CorpusBuild[], gcs: Gcs): Notices {
  const bucket = GS_URL.slice('gs://'.length);
  const notice = (object: string) => ({
    bucket,
    object,
    generation: gcs.get(`${bucket}/${object}`)?.generation ?? '1',
  });
  const finished = builds.map(({ folder }) => notice(`${folder}/finished.json`));
  const noise = builds.map(({ folder }) => notice(`${folder}/started.json`));
  return [...finished, ...noise, ...finished.slice(0, 1)];
}
