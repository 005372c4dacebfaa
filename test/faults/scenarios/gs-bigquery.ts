import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BigQueryFake, startBigQueryFake } from '../../support/bigquery-fake.ts';
import { type FaultProxy, type ProxyChoice, startFaultProxy } from '../../support/fault-proxy.ts';
import { type GcsServer, startGcsServer } from '../../support/gcs-server.ts';
import { prowBucket } from '../../support/prow.ts';
import { bucketsYaml, expectedPaths, smallCorpus, TABLES, tablesYaml, writeBuild } from '../corpus.ts';
import { readTables } from '../warehouse-rows.ts';
import type { Bench, Scenario, World } from '../world.ts';
import { updateArgs } from './file-duckdb.ts';

export const GS_URL = 'gs://ci-logs';
export const BIGQUERY_URL = 'bigquery:fake-project:fake';
const RUN_BOUND_MS = 60_000;

/** A bucket of Cloud Storage into BigQuery: servers that go on while the process dies. */
export const gsToBigQuery: Scenario = {
  name: 'batch gs -> BigQuery',
  prepare: async (bench) => {
    const { gcs, builds } = await startCorpusServer(bench);
    return {
      expected: expectedPaths(builds, GS_URL),
      boundMs: RUN_BOUND_MS,
      open: () => openGsWorld(bench, gcs),
      close: () => gcs.close(),
    };
  },
};

export async function startCorpusServer(bench: Bench) {
  const gcs = await startGcsServer();
  const prow = gcsBucket(gcs);
  const builds = smallCorpus(bench.nowMs);
  for (const build of builds) writeBuild(prow, build, bench.nowMs);
  return { gcs, builds, prow };
}

export function gcsBucket(gcs: GcsServer) {
  return prowBucket((name, bytes) => void gcs.put(`${GS_URL.slice('gs://'.length)}/${name}`, bytes), GS_URL);
}

export interface GsWorld extends World {
  readonly bigquery: BigQueryFake;
  /** Before the bucket, and before the warehouse. */
  readonly proxies: { readonly gcs: FaultProxy; readonly bigquery: FaultProxy };
}

/** A warehouse and two proxies of its own before one bucket for all. */
export async function openGsWorld(
  bench: Bench,
  gcs: GcsServer,
  more: {
    readonly choices?: { readonly gcs?: ProxyChoice; readonly bigquery?: ProxyChoice };
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<GsWorld> {
  const folder = bench.newFolder('world');
  writeFileSync(join(folder, 'buckets.yaml'), bucketsYaml(GS_URL));
  writeFileSync(join(folder, 'tables.yaml'), tablesYaml());
  const bigquery = await startBigQueryFake();
  const proxies = {
    gcs: await startFaultProxy(gcs.endpoint, more.choices?.gcs),
    bigquery: await startFaultProxy(bigquery.endpoint, more.choices?.bigquery),
  };
  return {
    folder,
    args: updateArgs(BIGQUERY_URL),
    env: {
      SAMOVAR_STORAGE_ENDPOINT: proxies.gcs.endpoint,
      SAMOVAR_BIGQUERY_ENDPOINT: proxies.bigquery.endpoint,
      ...more.env,
    },
    db: join(folder, 'build.db'),
    rows: () => readTables(BIGQUERY_URL, Object.keys(TABLES), { endpoint: bigquery.endpoint }),
    bigquery,
    proxies,
    close: async () => {
      await Promise.all([proxies.gcs.stop(), proxies.bigquery.stop()]);
      await bigquery.stop();
    },
  };
}
