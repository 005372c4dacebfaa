import type { Database } from 'better-sqlite3';

/** Which failures are looked at. */
export interface TriageWindow {
  /** Epoch seconds of the builds' ends: from, and before. */
  readonly sinceS: number;
  readonly untilS: number;
  /** Only these; undefined: all. */
  readonly jobs?: readonly string[];
}

export interface ClusterCount {
  readonly id: string;
  readonly text: string;
  readonly builds: number;
  readonly failures: number;
  readonly firstSeen: number;
  readonly lastSeen: number;
}

export interface CountedName {
  readonly name: string;
  readonly builds: number;
  readonly failures: number;
}

/** Failures of one test in one job. */
export interface ClusterPlace {
  readonly test: string;
  readonly job: string;
  readonly failures: number;
}

export interface ClusterSample {
  readonly path: string;
  readonly job: string;
  readonly test: string;
  readonly finished: number;
}

export interface TriageReads {
  /** Every job with a failure. */
  jobs(): readonly string[];
  totals(window: TriageWindow): {
    readonly builds: number;
    readonly failures: number;
    readonly clusters: number;
  };
  /** Most builds first, then most failures, then by id. */
  counts(window: TriageWindow, limit: number): readonly ClusterCount[];
  /** Of one cluster. `day` counts days since 1970. */
  days(
    id: string,
    window: TriageWindow,
  ): readonly { readonly day: number; readonly builds: number; readonly failures: number }[];
  jobsOf(id: string, window: TriageWindow): readonly CountedName[];
  testsOf(id: string, window: TriageWindow): readonly CountedName[];
  places(id: string, window: TriageWindow): Iterable<ClusterPlace>;
  samples(id: string, window: TriageWindow, limit: number): readonly ClusterSample[];
}

const FROM = `failure f JOIN build b ON b.id = f.build JOIN text x ON x.id = f.text`;
const IN_WINDOW = `b.finished_at >= @since AND b.finished_at < @until
  AND (@jobs IS NULL OR b.job IN (SELECT value FROM json_each(@jobs)))`;
const COUNTS = 'COUNT(DISTINCT f.build) AS builds, SUM(f.count) AS failures';
const OF_CLUSTER = `FROM text x CROSS JOIN failure f ON f.text = x.id JOIN build b ON b.id = f.build JOIN test t ON t.id = f.test
  WHERE x.cluster = @id AND ${IN_WINDOW}`;

export function openTriageReads(db: Database): TriageReads {
  type Bound = [Record<string, unknown>];
  const jobs = db
    .prepare<[], string>(
      'SELECT DISTINCT job FROM build WHERE id IN (SELECT build FROM failure) ORDER BY job',
    )
    .pluck();
  const totals = db.prepare<Bound, { builds: number; failures: number | null; clusters: number }>(
    `SELECT ${COUNTS}, COUNT(DISTINCT x.cluster) AS clusters FROM ${FROM} WHERE ${IN_WINDOW}`,
  );
  const counts = db.prepare<Bound, ClusterCount>(
    `SELECT n.*, c.text, c.first_seen AS firstSeen, c.last_seen AS lastSeen
     FROM (SELECT x.cluster AS id, ${COUNTS} FROM ${FROM} WHERE ${IN_WINDOW} GROUP BY x.cluster) n JOIN cluster c ON c.id = n.id
     ORDER BY n.builds DESC, n.failures DESC, n.id LIMIT @limit`,
  );
  const days = db.prepare<Bound, { day: number; builds: number; failures: number }>(
    `SELECT b.finished_at / 86400 AS day, ${COUNTS} ${OF_CLUSTER} GROUP BY 1 ORDER BY 1`,
  );
  const named = (column: string) =>
    db.prepare<Bound, CountedName>(
      `SELECT ${column} AS name, ${COUNTS} ${OF_CLUSTER} GROUP BY 1 ORDER BY 2 DESC, 3 DESC, 1`,
    );
  const jobsOf = named('b.job');
  const testsOf = named('t.name');
  const places = db.prepare<Bound, ClusterPlace>(
    `SELECT t.name AS test, b.job, SUM(f.count) AS failures ${OF_CLUSTER} GROUP BY t.name, b.job`,
  );
  const samples = db.prepare<Bound, ClusterSample>(
    `SELECT b.path, b.job, t.name AS test, b.finished_at AS finished ${OF_CLUSTER}
     GROUP BY b.id, t.id ORDER BY b.finished_at DESC, b.path, t.name LIMIT @limit`,
  );
  return {
    jobs: () => jobs.all(),
    totals: (window) => {
      const found = totals.get(bound(window));
      return {
        builds: found?.builds ?? 0,
        failures: found?.failures ?? 0,
        clusters: found?.clusters ?? 0,
      };
    },
    counts: (window, limit) => counts.all({ ...bound(window), limit }),
    days: (id, window) => days.all({ ...bound(window), id }),
    jobsOf: (id, window) => jobsOf.all({ ...bound(window), id }),
    testsOf: (id, window) => testsOf.all({ ...bound(window), id }),
    places: (id, window) => places.iterate({ ...bound(window), id }),
    samples: (id, window, limit) => samples.all({ ...bound(window), id, limit }),
  };
}

function bound({ sinceS, untilS, jobs }: TriageWindow): Record<string, unknown> {
  return { since: sinceS, until: untilS, jobs: jobs === undefined ? null : JSON.stringify(jobs) };
}
