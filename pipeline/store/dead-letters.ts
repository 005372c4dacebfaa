import type { Database } from 'better-sqlite3';

/** What could not be done for one thing, kept until it is done or somebody looks. */
export interface DeadLetter {
  readonly id: number;
  /** collect: a build's documents; junit: its files; row: its line; load: a batch or a row into a table; event: a message. */
  readonly kind: 'collect' | 'junit' | 'row' | 'load' | 'event';
  /** The build's path, the pointer's URL or the batch's file. */
  readonly subject: string;
  readonly root: string | null;
  readonly job: string | null;
  readonly build: string | null;
  readonly code: string;
  readonly reason: string;
  readonly attempts: number;
  /** Epoch milliseconds. */
  readonly firstAt: number;
  readonly lastAt: number;
}

export type NewDeadLetter = Pick<DeadLetter, 'kind' | 'subject' | 'code' | 'reason'> &
  Partial<Pick<DeadLetter, 'root' | 'job' | 'build'>>;

export interface DeadLetterStore {
  /** Records a failure; a repeated one counts its attempts. */
  add(letter: NewDeadLetter): void;
  /** Forgets the failure of a thing that was done after all. */
  resolve(kind: DeadLetter['kind'], subject: string): void;
  list(filter?: {
    readonly kind?: DeadLetter['kind'] | undefined;
    readonly subjectLike?: string | undefined;
  }): IterableIterator<DeadLetter>;
  /** Failed collections of one root to try again: young enough, not tried since a time, longest untried first. */
  retryable(
    root: string,
    range: { readonly firstSinceMs: number; readonly triedBeforeMs: number; readonly limit: number },
  ): readonly DeadLetter[];
  /** Which of these builds of a job failed: trying them again is the business of `retryable`. */
  failedAmong(root: string, job: string, builds: readonly string[]): ReadonlySet<string>;
  /** Makes letters retryable again whatever their age; gives how many. */
  renew(ids: readonly number[]): number;
  count(): number;
}

const COLUMNS =
  'id, kind, subject, root, job, build, code, reason, attempts, first_at AS firstAt, last_at AS lastAt';
const REASON_CHARS_MAX = 2_000;

export function openDeadLetters(db: Database, nowMs: () => number): DeadLetterStore {
  const add = db.prepare(
    `INSERT INTO dead_letter(kind, subject, root, job, build, code, reason, attempts, first_at, last_at)
     VALUES (@kind, @subject, @root, @job, @build, @code, @reason, 1, @now, @now)
     ON CONFLICT (kind, subject) DO UPDATE SET
       code = excluded.code, reason = excluded.reason, attempts = attempts + 1, last_at = excluded.last_at`,
  );
  const resolve = db.prepare('DELETE FROM dead_letter WHERE kind = ? AND subject = ?');
  const list = db.prepare<unknown[], DeadLetter>(
    `SELECT ${COLUMNS} FROM dead_letter WHERE (@kind IS NULL OR kind = @kind) AND (@part IS NULL OR instr(subject, @part) > 0) ORDER BY id`,
  );
  const retryable = db.prepare<unknown[], DeadLetter>(
    `SELECT ${COLUMNS} FROM dead_letter WHERE kind = 'collect' AND root = ? AND first_at >= ? AND last_at < ?
     ORDER BY last_at, id LIMIT ?`,
  );
  const failed = db
    .prepare<[string, string, string], string>(
      `SELECT build FROM dead_letter WHERE kind = 'collect' AND root = ? AND job = ? AND build IN (SELECT value FROM json_each(?))`,
    )
    .pluck();
  const renew = db.prepare('UPDATE dead_letter SET first_at = ?, last_at = 0 WHERE id = ?');
  const count = db.prepare<unknown[], number>('SELECT count(*) FROM dead_letter').pluck();
  return {
    add: (letter) => {
      const reason = letter.reason.slice(0, REASON_CHARS_MAX);
      add.run({ root: null, job: null, build: null, ...letter, reason, now: nowMs() });
    },
    resolve: (kind, subject) => {
      resolve.run(kind, subject);
    },
    list: (filter = {}) => list.iterate({ kind: filter.kind ?? null, part: filter.subjectLike ?? null }),
    retryable: (root, { firstSinceMs, triedBeforeMs, limit }) =>
      retryable.all(root, firstSinceMs, triedBeforeMs, limit),
    failedAmong: (root, job, builds) => new Set(failed.all(root, job, JSON.stringify(builds))),
    renew: (ids) => ids.reduce((total, id) => total + renew.run(nowMs(), id).changes, 0),
    count: () => count.get() ?? 0,
  };
}
