import { deflateSync } from 'node:zlib';
import Database from 'better-sqlite3';

export interface KettleBuild {
  readonly path: string;
  readonly started?: string;
  readonly finished?: string;
  readonly finishedTime?: number;
  readonly junitMissing?: boolean;
  readonly files?: Readonly<Record<string, string>>;
  /** Ledgers that have the build, with the generation. */
  readonly emitted?: Readonly<Record<string, number>>;
}

/** A database as Kettle leaves one: its tables, its types, its index, rowids in order. */
export function kettleDatabase(file: string, builds: readonly KettleBuild[]): void {
  const db = new Database(file);
  db.exec(`
    create table build(gcs_path primary key, started_json, finished_json, finished_time);
    create table file(path string primary key, data);
    create table build_junit_missing(build_id integer primary key);
    create index build_finished_time_idx on build(finished_time);
  `);
  for (const build of builds) {
    const values = [build.path, build.started ?? null, build.finished ?? null, build.finishedTime ?? null];
    const id = db.prepare('insert into build values (?, ?, ?, ?)').run(...values).lastInsertRowid;
    if (build.junitMissing) db.prepare('insert into build_junit_missing values (?)').run(id);
    for (const [name, xml] of Object.entries(build.files ?? {})) {
      db.prepare('insert into file values (?, ?)').run(
        `${build.path}/${name}`,
        deflateSync(xml, { level: 9 }),
      );
    }
    for (const [ledger, generation] of Object.entries(build.emitted ?? {})) {
      db.exec(`create table if not exists ${ledger}(build_id integer primary key, gen)`);
      db.prepare(`insert into ${ledger} values (?, ?)`).run(id, generation);
    }
  }
  db.close();
}
