import type { Database } from 'better-sqlite3';

/** How one JUnit file of a build was read. */
export interface JunitFileRecord {
  /** Relative to the build: `artifacts/junit_01.xml`. */
  readonly name: string;
  readonly generation: string;
  /** Decoded bytes. */
  readonly bytes: number;
  readonly status: string;
  readonly reason: string | null;
  readonly run: number;
  readonly failed: number;
  readonly skipped: number;
  /** Names of tests that passed after a retry. */
  readonly flaky: readonly string[];
}

export interface RawFile {
  readonly name: string;
  readonly encoding: 'br' | 'zlib';
  /** Decoded bytes; null where Kettle stored the file and did not say. */
  readonly bytes: number | null;
  readonly data: Uint8Array;
}

export interface JunitStore {
  /** Replaces everything known of a build's files. */
  replaceFiles(build: number, files: readonly JunitFileRecord[], raw: readonly RawFile[]): void;
  /** Records how stored raw files were read, without touching them. */
  putFiles(build: number, files: readonly JunitFileRecord[]): void;
  files(build: number): readonly JunitFileRecord[];
  /** Names of raw files, in byte order. */
  rawNames(build: number): readonly string[];
  raw(build: number, name: string): RawFile | undefined;
  /** What pruning would drop: raw XML of builds finished before (epoch seconds). */
  prunable(finishedBefore: number): { readonly files: number; readonly bytes: number };
  /** Drops up to `limit` such files; gives how many. */
  prune(finishedBefore: number, limit: number): number;
  /** Files by parse status. */
  statuses(): readonly { readonly status: string; readonly files: number }[];
  /** Tests in all files: run and skipped. */
  totals(): {
    readonly files: number;
    readonly bytes: number;
    readonly run: number;
    readonly failed: number;
    readonly skipped: number;
  };
}

type FileRow = Omit<JunitFileRecord, 'flaky'> & { readonly flaky: string | null };

const PRUNABLE = `FROM junit_raw WHERE build IN (SELECT id FROM build WHERE finished_at < ?)`;

export function openJunit(db: Database): JunitStore {
  const dropFiles = db.prepare('DELETE FROM junit_file WHERE build = ?');
  const dropRaw = db.prepare('DELETE FROM junit_raw WHERE build = ?');
  const addFile = db.prepare(
    `INSERT OR REPLACE INTO junit_file(build, name, generation, bytes, status, reason, run, failed, skipped, flaky)
     VALUES (@build, @name, @generation, @bytes, @status, @reason, @run, @failed, @skipped, @flaky)`,
  );
  const addRaw = db.prepare(
    'INSERT INTO junit_raw(build, name, encoding, bytes, data) VALUES (@build, @name, @encoding, @bytes, @data)',
  );
  const files = db.prepare<[number], FileRow>(
    'SELECT name, generation, bytes, status, reason, run, failed, skipped, flaky FROM junit_file WHERE build = ? ORDER BY name',
  );
  const rawNames = db
    .prepare<[number], string>('SELECT name FROM junit_raw WHERE build = ? ORDER BY name')
    .pluck();
  const raw = db.prepare<[number, string], RawFile>(
    'SELECT name, encoding, bytes, data FROM junit_raw WHERE build = ? AND name = ?',
  );
  const prunable = db.prepare<[number], { files: number; bytes: number }>(
    `SELECT count(*) AS files, coalesce(sum(length(data)), 0) AS bytes ${PRUNABLE}`,
  );
  const prune = db.prepare(`DELETE FROM junit_raw WHERE rowid IN (SELECT rowid ${PRUNABLE} LIMIT ?)`);
  const statuses = db.prepare<unknown[], { status: string; files: number }>(
    'SELECT status, count(*) AS files FROM junit_file GROUP BY status ORDER BY status',
  );
  const totals = db.prepare<
    unknown[],
    { files: number; bytes: number; run: number; failed: number; skipped: number }
  >(
    `SELECT count(*) AS files, coalesce(sum(bytes), 0) AS bytes, coalesce(sum(run), 0) AS run, coalesce(sum(failed), 0) AS failed,
       coalesce(sum(skipped), 0) AS skipped FROM junit_file`,
  );
  const putFiles = (build: number, records: readonly JunitFileRecord[]) => {
    for (const file of records) {
      addFile.run({ ...file, build, flaky: file.flaky.length > 0 ? JSON.stringify(file.flaky) : null });
    }
  };
  return {
    putFiles,
    replaceFiles: (build, records, rawFiles) => {
      dropFiles.run(build);
      dropRaw.run(build);
      putFiles(build, records);
      for (const file of rawFiles) addRaw.run({ ...file, build });
    },
    files: (build) =>
      files
        .all(build)
        .map((row) => ({ ...row, flaky: row.flaky === null ? [] : (JSON.parse(row.flaky) as string[]) })),
    rawNames: (build) => rawNames.all(build),
    raw: (build, name) => raw.get(build, name),
    prunable: (finishedBefore) => prunable.get(finishedBefore) ?? { files: 0, bytes: 0 },
    prune: (finishedBefore, limit) => prune.run(finishedBefore, limit).changes,
    statuses: () => statuses.all(),
    totals: () => totals.get() ?? { files: 0, bytes: 0, run: 0, failed: 0, skipped: 0 },
  };
}
