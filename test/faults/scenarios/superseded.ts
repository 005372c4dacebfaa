import { cpSync, existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { replay } from '../../support/fault-proxy.ts';
import type { ProwBucket } from '../../support/prow.ts';
import { type CorpusBuild, expectedPaths, smallCorpus, writeBuild } from '../corpus.ts';
import { type Bench, runIn, type Scenario, type World } from '../world.ts';
import { folderBucket, openFileWorld } from './file-duckdb.ts';
import { GS_URL, openGsWorld, startCorpusServer } from './gs-bigquery.ts';

const RUN_BOUND_MS = 60_000;
/** Builds of any age are looked at again. */
const SETTLE = { SAMOVAR_SETTLE_MINUTES: '100000' };
/** What a run leaves beside its configuration. */
const STATE = ['build.db', 'build.db-wal', 'warehouse.duckdb', 'warehouse.duckdb.wal', 'data'];

/** One build in each table is rewritten after everything was loaded: its newer row must take the older one's place. */
const REWRITTEN = [0, 4];

export const supersededInDuckDb: Scenario = {
  name: 'batch rewritten -> DuckDB',
  prepare: async (bench) => {
    const bucket = bench.newFolder('bucket');
    const builds = smallCorpus(bench.nowMs);
    const prow = folderBucket(bucket);
    for (const build of builds) writeBuild(prow, build, bench.nowMs);
    const first = openFileWorld(bench, (folder) => symlinkSync(bucket, folder));
    const rewritten = await rewrite(
      bench,
      { ...first, env: { ...first.env, ...SETTLE } },
      { builds, prow, bucketUrl: 'file:bucket' },
    );
    return {
      expected: expectedPaths(builds, 'file:bucket'),
      rewritten,
      boundMs: RUN_BOUND_MS,
      open: async () => {
        const world = openFileWorld(bench, (folder) => symlinkSync(bucket, folder));
        copyState(first.folder, world.folder);
        return { ...world, env: SETTLE };
      },
      close: () => first.close(),
    };
  },
};

export const supersededInBigQuery: Scenario = {
  name: 'batch rewritten -> BigQuery',
  prepare: async (bench) => {
    const { gcs, builds, prow } = await startCorpusServer(bench);
    const first = await openGsWorld(bench, gcs);
    const rewritten = await rewrite(
      bench,
      { ...first, env: { ...first.env, ...SETTLE } },
      { builds, prow, bucketUrl: GS_URL },
    );
    return {
      expected: expectedPaths(builds, GS_URL),
      rewritten,
      boundMs: RUN_BOUND_MS,
      open: async () => {
        const world = await openGsWorld(bench, gcs, { env: SETTLE });
        copyState(first.folder, world.folder);
        // The server of this world gets what the first one got: it has its tables, rows and jobs.
        await replay(first.proxies.bigquery.exchanges, world.bigquery.endpoint);
        return world;
      },
      close: async () => {
        await first.close();
        await gcs.close();
      },
    };
  },
};

/** Loads everything as it is, then rewrites some of it. */
export async function rewrite(
  bench: Bench,
  world: World,
  {
    builds,
    prow,
    bucketUrl,
  }: { readonly builds: readonly CorpusBuild[]; readonly prow: ProwBucket; readonly bucketUrl: string },
) {
  await firstRun(bench, world);
  const before = await world.rows();
  const chosen = REWRITTEN.flatMap((at) => builds.slice(at, at + 1));
  for (const build of chosen) writeBuild(prow, build, bench.nowMs, 1);
  return { paths: chosen.map(({ folder }) => `${bucketUrl}/${folder}`), before };
}

async function firstRun(bench: Bench, world: World): Promise<void> {
  const run = await runIn(bench, world, RUN_BOUND_MS);
  if (run.code !== 0) throw new Error(`the run before the rewriting failed:\n${run.stderr}`);
}

export function copyState(from: string, to: string): void {
  for (const name of STATE) {
    if (existsSync(join(from, name))) cpSync(join(from, name), join(to, name), { recursive: true });
  }
}
