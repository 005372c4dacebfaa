import type { Database } from 'better-sqlite3';

/** What is known of a provider as a whole. derived*: of one that is made from others. */
export interface ProviderRow {
  readonly name: string;
  readonly generation: number;
  readonly paused: number;
  readonly lastOkAt: number | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly errorAt: number | null;
  readonly failures: number;
  readonly retryAt: number | null;
  readonly derivedAt: number | null;
  readonly derivedSeq: number | null;
  readonly changedSeq: number;
  readonly stale: number;
  readonly nextAt: number | null;
  readonly minute: number;
  readonly minuteJobs: number;
  readonly keysAt: number;
}

export interface CacheStates {
  /** Of one that was never written of: as new. */
  get(name: string): ProviderRow;
  all(): readonly ProviderRow[];
  bumpGeneration(name: string): void;
  setPaused(name: string, paused: boolean): void;
  succeeded(name: string, nowMs: number): void;
  failed(
    name: string,
    failure: {
      readonly code: string;
      readonly message: string;
      readonly atMs: number;
      readonly retryAtMs: number | null;
    },
  ): void;
  derived(
    name: string,
    made: { readonly atMs: number; readonly seq: number; readonly changedSeq: number | null },
  ): void;
  /** As if it had never been made. */
  forgetDerived(name: string): void;
  markStale(name: string): void;
  setNext(name: string, nextAtMs: number | undefined): void;
  setMinute(name: string, minute: number, jobs: number): void;
  setKeysAt(name: string, atMs: number): void;
  remove(name: string): void;
}

const COLUMNS = `name, generation, paused, last_ok_at AS lastOkAt, error_code AS errorCode, error_message AS errorMessage,
  error_at AS errorAt, failures, retry_at AS retryAt, derived_at AS derivedAt, derived_seq AS derivedSeq,
  changed_seq AS changedSeq, stale, next_at AS nextAt, minute, minute_jobs AS minuteJobs, keys_at AS keysAt`;

const NEW: Omit<ProviderRow, 'name'> = {
  generation: 0,
  paused: 0,
  lastOkAt: null,
  errorCode: null,
  errorMessage: null,
  errorAt: null,
  failures: 0,
  retryAt: null,
  derivedAt: null,
  derivedSeq: null,
  changedSeq: 0,
  stale: 0,
  nextAt: null,
  minute: 0,
  minuteJobs: 0,
  keysAt: 0,
};

export function openCacheStates(db: Database): CacheStates {
  const get = db.prepare<[string], ProviderRow>(`SELECT ${COLUMNS} FROM cache_provider WHERE name = ?`);
  const all = db.prepare<[], ProviderRow>(`SELECT ${COLUMNS} FROM cache_provider ORDER BY name`);
  const make = db.prepare('INSERT OR IGNORE INTO cache_provider(name) VALUES (?)');
  const update = (changes: string) => {
    const statement = db.prepare(`UPDATE cache_provider SET ${changes} WHERE name = @name`);
    return (name: string, values: Readonly<Record<string, unknown>> = {}) => {
      make.run(name);
      statement.run({ name, ...values });
    };
  };
  const remove = db.prepare('DELETE FROM cache_provider WHERE name = ?');
  const setPaused = update('paused = @paused');
  const setNext = update('next_at = @next');
  const setMinute = update('minute = @minute, minute_jobs = @jobs');
  const setKeysAt = update('keys_at = @at');
  return {
    get: (name) => get.get(name) ?? { name, ...NEW },
    all: () => all.all(),
    bumpGeneration: update('generation = generation + 1'),
    setPaused: (name, paused) => setPaused(name, { paused: paused ? 1 : 0 }),
    ...ends(update),
    markStale: update('stale = 1'),
    setNext: (name, next) => setNext(name, { next: next ?? null }),
    setMinute: (name, minute, jobs) => setMinute(name, { minute, jobs }),
    setKeysAt: (name, at) => setKeysAt(name, { at }),
    remove: (name) => void remove.run(name),
  };
}

function ends(
  update: (changes: string) => (name: string, values?: Readonly<Record<string, unknown>>) => void,
) {
  const succeeded = update('last_ok_at = @nowMs');
  const failed =
    update(`error_code = @code, error_message = @message, error_at = @atMs, failures = failures + 1,
    retry_at = @retryAtMs`);
  const derived =
    update(`derived_at = @atMs, derived_seq = @seq, changed_seq = coalesce(@changedSeq, changed_seq), stale = 0,
    last_ok_at = @atMs, error_code = NULL, error_message = NULL, error_at = NULL, failures = 0, retry_at = NULL`);
  return {
    succeeded: (name: string, nowMs: number) => succeeded(name, { nowMs }),
    failed: (name: string, failure: Parameters<CacheStates['failed']>[1]) => failed(name, { ...failure }),
    derived: (name: string, made: Parameters<CacheStates['derived']>[1]) => derived(name, { ...made }),
    forgetDerived: update('derived_at = NULL, derived_seq = NULL, stale = 0'),
  };
}
