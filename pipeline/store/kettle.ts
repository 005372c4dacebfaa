import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  statfsSync,
  statSync,
} from 'node:fs';
import type { Database } from 'better-sqlite3';
import { SamovarError } from '../errors.ts';

/** True for a database that Kettle made and nobody has upgraded yet. */
export function isKettleDatabase(db: Database): boolean {
  return db.prepare(`SELECT 1 FROM pragma_table_info('build') WHERE name = 'gcs_path'`).get() !== undefined;
}

export interface UpgradeSteps {
  /** Makes our tables; called inside the transaction, when Kettle's are out of the way. */
  readonly migrate: () => void;
  readonly notice: (text: string) => void;
}

/**
 * Turns Kettle's tables into ours, in one transaction, after a copy of the file was made beside it. Builds keep their rowids as
 * ids, so that Kettle's ledgers carry over; raw XML is carried over as it is; rows are made from it later, without a request.
 */
export function upgradeFromKettle(db: Database, file: string, steps: UpgradeSteps): void {
  const backup = `${file}.kettle-backup`;
  steps.notice(`${file} was made by Kettle: copying it to ${backup}, then upgrading it in place`);
  db.pragma('foreign_keys = OFF');
  db.exec('BEGIN IMMEDIATE');
  try {
    if (file !== ':memory:') copyAside(file, backup);
    const ledgers = renameTables(db);
    steps.migrate();
    copyBuilds(db);
    copyRaw(db);
    for (const ledger of ledgers) copyLedger(db, ledger);
    for (const table of ['build', 'file', 'build_junit_missing', ...ledgers])
      db.exec(`DROP TABLE IF EXISTS "kettle_${table}"`);
    db.exec('COMMIT');
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw error;
  }
  const builds = db.prepare('SELECT count(*) FROM build').pluck().get();
  steps.notice(`upgraded: ${String(builds)} builds; Kettle's own file is kept as ${backup}`);
}

/** The copy is whole or absent: written under another name, synced, renamed. The write lock is held. */
function copyAside(file: string, backup: string): void {
  if (existsSync(backup)) return;
  const needed = statSync(file).size;
  const disk = statfsSync(file);
  const free = disk.bavail * disk.bsize;
  // The copy, and about as much again for the upgraded tables before the old ones are dropped.
  if (free < needed * 2) {
    throw new SamovarError(
      'storage',
      `upgrading ${file} needs ${mebibytes(needed * 2)} MiB of free disk, there are ${mebibytes(free)} MiB`,
      {
        subject: file,
        remedy: 'Free space, or copy the database to a larger disk and give that copy with --db.',
      },
    );
  }
  const partial = `${backup}.partial`;
  copyFileSync(file, partial);
  const handle = openSync(partial, 'r+');
  fsyncSync(handle);
  closeSync(handle);
  renameSync(partial, backup);
}

const mebibytes = (bytes: number) => Math.ceil(bytes / 2 ** 20);

function renameTables(db: Database): readonly string[] {
  const tables = db
    .prepare<unknown[], string>(`SELECT name FROM sqlite_schema WHERE type = 'table'`)
    .pluck()
    .all();
  // Names come from Kettle's own pattern; anything else in the file is left alone.
  const ledgers = tables.filter((name) => /^build_emitted(_[0-9_]+)?$/.test(name));
  db.exec('DROP INDEX IF EXISTS build_finished_time_idx');
  for (const table of ['build', 'file', 'build_junit_missing', ...ledgers]) {
    if (tables.includes(table)) db.exec(`ALTER TABLE "${table}" RENAME TO "kettle_${table}"`);
    else db.exec(`CREATE TABLE "kettle_${table}"(path, data, build_id, gen)`);
  }
  return ledgers;
}

/** The root of a path: presubmits lie under `<root>pull/…`, all else under `<root><job>/<build>`. */
function rootOf(path: string): string {
  const pull = path.indexOf('/pull/');
  if (pull >= 0) return path.slice(0, pull + 1);
  return `${path.split('/').slice(0, -2).join('/')}/`;
}

const jobOf = (path: string) => path.split('/').at(-2) ?? '';
const buildOf = (path: string) => path.split('/').at(-1) ?? '';

function copyBuilds(db: Database): void {
  db.function('kettle_root', { deterministic: true }, (path) => rootOf(String(path)));
  db.function('kettle_job', { deterministic: true }, (path) => jobOf(String(path)));
  db.function('kettle_id', { deterministic: true }, (path) => buildOf(String(path)));
  db.exec(`
    INSERT INTO root(url) SELECT DISTINCT kettle_root(gcs_path) FROM kettle_build;
    INSERT INTO build(id, path, root, job, build, state, junit, started_json, finished_json, finished_at, first_seen_at, checked_at)
      SELECT k.rowid, gcs_path, r.id, kettle_job(gcs_path), kettle_id(gcs_path),
        CASE WHEN finished_json IS NULL THEN 'running' ELSE 'complete' END,
        CASE WHEN EXISTS (SELECT 1 FROM kettle_build_junit_missing m WHERE m.build_id = k.rowid) THEN 'pending' ELSE 'done' END,
        started_json, finished_json,
        CASE WHEN finished_json IS NULL THEN NULL
          ELSE coalesce(CAST(finished_time AS INTEGER), CAST(iif(json_valid(started_json), started_json ->> '$.timestamp', 0) AS INTEGER), 0) END,
        1000 * coalesce(CAST(iif(json_valid(started_json), started_json ->> '$.timestamp', 0) AS INTEGER), CAST(finished_time AS INTEGER), 0), 0
      FROM kettle_build k JOIN root r ON r.url = kettle_root(gcs_path)
      WHERE started_json IS NOT NULL OR finished_json IS NOT NULL;
  `);
}

function copyRaw(db: Database): void {
  db.exec(`
    INSERT OR IGNORE INTO junit_raw(build, name, encoding, data)
      SELECT b.id, substr(f.path, length(b.path) + 2), 'zlib', f.data
      FROM kettle_file f JOIN build b ON b.path = substr(f.path, 1, instr(f.path, '/artifacts/') - 1)
      WHERE typeof(f.data) = 'blob';
  `);
}

/** One committed batch per generation; version 0 stands for whatever the row was when Kettle emitted it. */
function copyLedger(db: Database, table: string): void {
  const destination = db.prepare('INSERT INTO destination(name) VALUES (?) RETURNING id').pluck().get(table);
  db.prepare(
    `INSERT INTO batch(destination, generation, state, replaces, rows, created_at, committed_at)
       SELECT ?, coalesce(CAST(gen AS INTEGER), 0), 'committed', 0, count(*), 0, 0 FROM "kettle_${table}" GROUP BY 2`,
  ).run(destination);
  db.prepare(
    `INSERT OR IGNORE INTO ledger(destination, item, batch, version)
       SELECT b.destination, k.build_id, b.id, 0 FROM "kettle_${table}" k
       JOIN batch b ON b.destination = ? AND b.generation = coalesce(CAST(k.gen AS INTEGER), 0)
       WHERE k.build_id IN (SELECT id FROM build)`,
  ).run(destination);
}
