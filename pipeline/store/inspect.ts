import { existsSync, statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { SamovarError } from '../errors.ts';
import { type InspectReads, openInspectReads } from './inspect-reads.ts';
import { isKettleDatabase } from './kettle.ts';
import { MIGRATIONS } from './migrations.ts';
import { APPLICATION_ID } from './open.ts';
import { storageError } from './storage-error.ts';

const BUSY_TIMEOUT_MS = 2_000;

/** What kind of file stands where a database should be. */
export type DatabaseKind =
  /** Of this version, or of an earlier one, which the next run that writes brings up to date. */
  | 'samovar'
  /** Of Kettle: the next run that writes upgrades it. */
  | 'kettle'
  /** Made by a newer Samovar. */
  | 'newer'
  | 'empty'
  | 'foreign';

/** How large a database is, and how much larger it may get. */
export interface DatabaseSize {
  readonly pageBytes: number;
  readonly pages: number;
  /** Of these, pages that hold nothing. */
  readonly pagesFree: number;
  /** Under SQLite's own limit. */
  readonly pagesLeft: number;
  readonly fileBytes: number;
  /** What is written and not yet in the file itself. */
  readonly walBytes: number;
}

/**
 * A look at a database that changes nothing in it and waits for nobody: whoever holds it goes on writing. What it says is of one
 * moment each, not of one moment in all.
 */
export interface Inspection extends InspectReads {
  readonly file: string;
  readonly kind: DatabaseKind;
  /** Number of the last step of migration it has had; this program knows `schemaKnown`. */
  readonly schema: number;
  readonly schemaKnown: number;
  size(): DatabaseSize;
  /** SQLite's own words for what is wrong; none when all is well. Reads the whole file. */
  quickCheck(): readonly string[];
  /** Rows that point at nothing, by table; none when all is well. Reads the whole file. */
  foreignKeys(): readonly { readonly table: string; readonly rows: number }[];
  close(): void;
}

/** Opens to read only. Undefined: there is no such file. Throws `storage` when it is no database or cannot be read. */
export function inspectDatabase(file: string): Inspection | undefined {
  if (!existsSync(file)) return undefined;
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
    return guarded(assemble(db, file));
  } catch (cause) {
    db?.close();
    throw storageError(cause, `cannot look into the database ${file}`, file);
  }
}

/** A page that is damaged shows at the read that needs it. */
function guarded(inspection: Inspection): Inspection {
  const { file } = inspection;
  const guard =
    (read: (...args: unknown[]) => unknown) =>
    (...args: unknown[]) => {
      try {
        return read(...args);
      } catch (cause) {
        throw storageError(cause, `cannot read the database ${file}`, file);
      }
    };
  const entries = Object.entries(inspection).map(([name, part]) => [
    name,
    typeof part === 'function' ? guard(part as (...args: unknown[]) => unknown) : part,
  ]);
  return Object.fromEntries(entries) as Inspection;
}

function assemble(db: Database.Database, file: string): Inspection {
  const pragma = (name: string) => Number(db.pragma(name, { simple: true }));
  const schema = pragma('user_version');
  const kind = kindOf(db, schema);
  return {
    file,
    kind,
    schema,
    schemaKnown: MIGRATIONS.length,
    ...openInspectReads(db, kind === 'samovar' ? schema : 0),
    size: () => ({
      pageBytes: pragma('page_size'),
      pages: pragma('page_count'),
      pagesFree: pragma('freelist_count'),
      pagesLeft: pragma('max_page_count') - pragma('page_count'),
      fileBytes: bytesOf(file),
      walBytes: bytesOf(`${file}-wal`),
    }),
    quickCheck: () => {
      const lines = db.prepare<unknown[], string>('PRAGMA quick_check(20)').pluck().all();
      return lines.length === 1 && lines[0] === 'ok' ? [] : lines;
    },
    foreignKeys: () =>
      db
        .prepare<unknown[], { table: string; rows: number }>(
          'SELECT "table", count(*) AS rows FROM pragma_foreign_key_check GROUP BY 1 ORDER BY 1',
        )
        .all(),
    close: () => db.close(),
  };
}

function kindOf(db: Database.Database, schema: number): DatabaseKind {
  if (db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0) return 'empty';
  if (isKettleDatabase(db)) return 'kettle';
  if (db.pragma('application_id', { simple: true }) !== APPLICATION_ID) return 'foreign';
  return schema > MIGRATIONS.length ? 'newer' : 'samovar';
}

function bytesOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** The version of SQLite that is built in. Throws where its binding cannot be loaded. */
export function sqliteVersion(): string {
  const db = new Database(':memory:');
  try {
    return String(db.prepare('SELECT sqlite_version()').pluck().get());
  } catch (cause) {
    throw new SamovarError('internal', 'SQLite does not answer', { cause });
  } finally {
    db.close();
  }
}
