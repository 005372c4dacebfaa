import Database from 'better-sqlite3';
import { SamovarError } from '../errors.ts';
import { storageError } from './storage-error.ts';
import { openTriageReads, type TriageReads } from './triage-reads.ts';
import { TRIAGE_APPLICATION_ID, TRIAGE_FORMAT, TRIAGE_TABLES } from './triage-tables.ts';

const BUSY_TIMEOUT_MS = 10_000;

/** A build whose present row was not read yet. */
export interface TriageBuild {
  /** In the database of builds. */
  readonly id: number;
  readonly path: string;
  readonly version: number;
  readonly job: string;
  readonly finishedAt: number;
  readonly testsFailed: number;
}

/** A test of one build that failed with one text so many times. */
export interface TriageFailure {
  readonly test: string;
  readonly text: number;
  readonly count: number;
}

export interface UnclusteredText {
  readonly text: string;
  /** Where it is seen most often; of equal ones the first by name. */
  readonly test: string;
  readonly failures: number;
}

/**
 * What triage keeps between runs: which builds it has read, their failures, and the clusters. A file of its own, so that it can be
 * written while a collector holds the database of builds, and thrown away without loss to that.
 */
export interface TriageStore extends TriageReads {
  readonly file: string;
  /** Of the attached database, in the order of time finished and path, after a build. */
  unread(sinceS: number, after: TriageBuild | undefined, limit: number): readonly TriageBuild[];
  /** The version that was read of a build. */
  versionOf(path: string): number | undefined;
  /** When the first and the last of the builds with failures ended, in epoch seconds. */
  finishedRange(): { readonly oldestS: number; readonly newestS: number } | undefined;
  /** The number of a normalised text, given when it is new. */
  textId(sha1: Uint8Array, text: string): number;
  /** What is known of a build becomes this. */
  record(build: Omit<TriageBuild, 'id' | 'testsFailed'>, failures: Iterable<TriageFailure>): void;
  unclustered(): readonly UnclusteredText[];
  clusters(): readonly { readonly id: string; readonly text: string }[];
  assign(sha1: Uint8Array, cluster: { readonly id: string; readonly text: string }): void;
  /** When each cluster was first and last seen, from what is recorded; what was known before the oldest of it stays. */
  refreshSeen(): void;
  /** Forgets builds finished before, and clusters that were last seen before. Gives the builds. */
  prune(buildsBeforeS: number, clustersBeforeS: number): number;
  transaction<T>(work: () => T): T;
  close(): void;
}

/** Opens or creates the file. `builds`: the database of builds, which is only read. Throws `storage` or `config`. */
export function openTriageStore(file: string, builds: string): TriageStore {
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { timeout: BUSY_TIMEOUT_MS });
    prepare(db, file);
    db.prepare('ATTACH DATABASE ? AS collected').run(builds);
    return assemble(db, file);
  } catch (cause) {
    db?.close();
    throw storageError(cause, `cannot use ${file}, where triage keeps what it has read`, file);
  }
}

function prepare(db: Database.Database, file: string): void {
  const fresh = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0;
  if (!fresh && db.pragma('application_id', { simple: true }) !== TRIAGE_APPLICATION_ID) {
    throw new SamovarError('config', `${file} is a SQLite database, but none of triage's`, {
      subject: file,
      remedy: 'Move it away: triage makes a new one.',
    });
  }
  db.pragma('journal_mode = WAL');
  // A power cut may take the last run away, which the next one does again.
  db.pragma('synchronous = NORMAL');
  const renew = db.transaction(() => {
    if (db.pragma('user_version', { simple: true }) === TRIAGE_FORMAT) return;
    db.exec(TRIAGE_TABLES);
    db.pragma(`application_id = ${TRIAGE_APPLICATION_ID}`);
    db.pragma(`user_version = ${TRIAGE_FORMAT}`);
  });
  renew.immediate();
}

function assemble(db: Database.Database, file: string): TriageStore {
  return {
    file,
    ...openTriageReads(db),
    ...openKnown(db),
    ...openIntake(db),
    ...openClusters(db),
    transaction: (work) => {
      try {
        return db.transaction(work).immediate();
      } catch (cause) {
        throw storageError(cause, `cannot write to ${file}`, file);
      }
    },
    close: () => {
      if (db.open) db.close();
    },
  };
}

type Known = Pick<TriageStore, 'versionOf' | 'finishedRange'>;

function openKnown(db: Database.Database): Known {
  const version = db.prepare<[string], number>('SELECT version FROM main.build WHERE path = ?').pluck();
  const range = db.prepare<[], { oldestS: number | null; newestS: number | null }>(
    'SELECT min(finished_at) AS oldestS, max(finished_at) AS newestS FROM main.build',
  );
  return {
    versionOf: (path) => version.get(path),
    finishedRange: () => {
      const { oldestS = null, newestS = null } = range.get() ?? {};
      return oldestS === null || newestS === null ? undefined : { oldestS, newestS };
    },
  };
}

function openIntake(db: Database.Database): Pick<TriageStore, 'unread' | 'textId' | 'record'> {
  const unread = db.prepare<[Record<string, unknown>], TriageBuild>(
    `SELECT b.id, b.path, r.version, b.job, b.finished_at AS finishedAt, r.tests_failed AS testsFailed
     FROM collected.build b JOIN collected.build_row r ON r.build = b.id LEFT JOIN main.build t ON t.path = b.path
     WHERE b.finished_at >= @since AND (b.finished_at, b.path) > (@finishedAt, @path)
       AND (t.id IS NULL OR t.version <> r.version)
     ORDER BY b.finished_at, b.path LIMIT @limit`,
  );
  const findText = db.prepare<[Uint8Array], number>('SELECT id FROM text WHERE sha1 = ?').pluck();
  const addText = db.prepare('INSERT INTO text(sha1, text) VALUES (?, ?)');
  const findTest = db.prepare<[string], number>('SELECT id FROM test WHERE name = ?').pluck();
  const addTest = db.prepare('INSERT INTO test(name) VALUES (?)');
  const put = db
    .prepare<[Record<string, unknown>], number>(
      `INSERT INTO build(path, version, job, finished_at) VALUES (@path, @version, @job, @finishedAt)
       ON CONFLICT(path) DO UPDATE SET version = excluded.version, job = excluded.job, finished_at = excluded.finished_at
       RETURNING id`,
    )
    .pluck();
  const forget = db.prepare('DELETE FROM failure WHERE build = ?');
  const addFailure = db.prepare(
    `INSERT INTO failure(build, test, text, count) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET count = count + excluded.count`,
  );
  return {
    unread: (sinceS, after, limit) =>
      unread.all({
        since: Math.max(sinceS, after?.finishedAt ?? sinceS),
        finishedAt: after?.finishedAt ?? sinceS - 1,
        path: after?.path ?? '',
        limit,
      }),
    textId: (sha1, text) => findText.get(sha1) ?? Number(addText.run(sha1, text).lastInsertRowid),
    record: ({ path, version, job, finishedAt }, failures) => {
      const build = put.get({ path, version, job, finishedAt });
      forget.run(build);
      for (const { test, text, count } of failures) {
        const testId = findTest.get(test) ?? Number(addTest.run(test).lastInsertRowid);
        addFailure.run(build, testId, text, count);
      }
    },
  };
}

type Clusters = Pick<TriageStore, 'unclustered' | 'clusters' | 'assign' | 'refreshSeen' | 'prune'>;

function openClusters(db: Database.Database): Clusters {
  const unclustered = db.prepare<[], UnclusteredText>(
    `SELECT text, test, failures FROM (
       SELECT x.text AS text, t.name AS test, SUM(p.n) OVER (PARTITION BY p.text) AS failures,
         ROW_NUMBER() OVER (PARTITION BY p.text ORDER BY p.n DESC, t.name) AS place
       FROM (SELECT f.text, f.test, SUM(f.count) AS n FROM failure f JOIN text x ON x.id = f.text
         WHERE x.cluster IS NULL GROUP BY f.text, f.test) p
       JOIN text x ON x.id = p.text JOIN test t ON t.id = p.test)
     WHERE place = 1`,
  );
  const clusters = db.prepare<[], { id: string; text: string }>('SELECT id, text FROM cluster ORDER BY id');
  const addCluster = db.prepare('INSERT INTO cluster(id, text) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const assign = db.prepare('UPDATE text SET cluster = ? WHERE sha1 = ?');
  const seen = db.prepare(
    `UPDATE cluster SET first_seen = min(coalesce(first_seen, s.first), s.first), last_seen = max(coalesce(last_seen, s.last), s.last)
     FROM (SELECT x.cluster AS id, min(b.finished_at) AS first, max(b.finished_at) AS last
       FROM text x JOIN failure f ON f.text = x.id JOIN build b ON b.id = f.build GROUP BY x.cluster) s
     WHERE s.id = cluster.id`,
  );
  const pruneFailures = db.prepare(
    'DELETE FROM failure WHERE build IN (SELECT id FROM build WHERE finished_at < ?)',
  );
  const pruneBuilds = db.prepare('DELETE FROM build WHERE finished_at < ?');
  const pruneTexts = db.prepare(
    'DELETE FROM text WHERE NOT EXISTS (SELECT 1 FROM failure WHERE failure.text = text.id)',
  );
  const pruneTests = db.prepare(
    'DELETE FROM test WHERE NOT EXISTS (SELECT 1 FROM failure WHERE failure.test = test.id)',
  );
  const pruneClusters = db.prepare(
    `DELETE FROM cluster WHERE (last_seen IS NULL OR last_seen < ?)
       AND NOT EXISTS (SELECT 1 FROM text WHERE text.cluster = cluster.id)`,
  );
  return {
    unclustered: () => unclustered.all(),
    clusters: () => clusters.all(),
    assign: (sha1, { id, text }) => {
      addCluster.run(id, text);
      assign.run(id, sha1);
    },
    refreshSeen: () => void seen.run(),
    prune: (buildsBeforeS, clustersBeforeS) => {
      pruneFailures.run(buildsBeforeS);
      const { changes } = pruneBuilds.run(buildsBeforeS);
      pruneTexts.run();
      pruneTests.run();
      pruneClusters.run(clustersBeforeS);
      return changes;
    },
  };
}
