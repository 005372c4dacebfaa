import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prowBucket } from '../../support/prow.ts';
import { bucketsYaml, expectedPaths, smallCorpus, TABLES, tablesYaml, writeBuild } from '../corpus.ts';
import { readTables } from '../warehouse-rows.ts';
import type { Bench, Prepared, Scenario, World } from '../world.ts';

export const WAREHOUSE_FILE = 'warehouse.duckdb';
const BUCKET_URL = 'file:bucket';
const RUN_BOUND_MS = 60_000;

/** Flags of a batch run in a world's folder. */
export function updateArgs(warehouse: string): readonly string[] {
  const files = ['--db', 'build.db', '--buckets', 'buckets.yaml', '--tables-file', 'tables.yaml'];
  return ['update', '--json', ...files, '--warehouse', warehouse, '--threads', '2'];
}

/** A folder of builds into an embedded warehouse: no server at all. */
export const fileToDuckDb: Scenario = {
  name: 'batch file -> DuckDB',
  prepare: async (bench) => {
    const bucket = bench.newFolder('bucket');
    const builds = smallCorpus(bench.nowMs);
    const prow = folderBucket(bucket);
    for (const build of builds) writeBuild(prow, build, bench.nowMs);
    return {
      expected: expectedPaths(builds, BUCKET_URL),
      boundMs: RUN_BOUND_MS,
      open: async () => openFileWorld(bench, (folder) => symlinkSync(bucket, folder)),
      close: async () => undefined,
    } satisfies Prepared;
  },
};

/** Paths in it are relative: rows are the same wherever the world's folder lies. */
export function folderBucket(folder: string) {
  return prowBucket((name, bytes) => {
    const file = join(folder, name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, bytes);
  }, BUCKET_URL);
}

/** `place` puts the bucket where the configuration looks for it. */
export function openFileWorld(bench: Bench, place: (folder: string) => void): World {
  const folder = bench.newFolder('world');
  place(join(folder, 'bucket'));
  writeFileSync(join(folder, 'buckets.yaml'), bucketsYaml(BUCKET_URL));
  writeFileSync(join(folder, 'tables.yaml'), tablesYaml());
  return {
    folder,
    args: updateArgs(`duckdb:${WAREHOUSE_FILE}`),
    env: {},
    db: join(folder, 'build.db'),
    rows: () => readTables(`duckdb:${join(folder, WAREHOUSE_FILE)}`, Object.keys(TABLES)),
    close: async () => undefined,
  };
}
