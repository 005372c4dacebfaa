/**
 * What the program is doing, for those who watch it: a watchdog, a health endpoint, metrics.
 *
 * Glossary: a *stage* is a part of the program that has work of its own (`collect`, `table day`, `queue`); a *task* is one
 * piece of it that is under way; a task makes *progress* when it begins, takes a step, or ends.
 */

/** One piece of work that is under way. */
export interface Task {
  /** Says that it goes on, and what it does now. */
  step(what?: string): void;
  end(): void;
}

export interface Stage {
  readonly name: string;
  /** Begins a piece of work: `what` goes into the dump (a build's path, a load's id), never a secret. */
  task(
    what: string,
    options?: {
      /** Without progress for longer it counts as stuck; default: the watchdog's own limit. */ readonly limitMs?: number;
    },
  ): Task;
}

/** A task without progress for longer than its limit. */
export interface StuckTask {
  readonly stage: string;
  readonly what: string;
  readonly silentMs: number;
  readonly limitMs: number;
}

export interface StageState {
  readonly name: string;
  readonly tasks: number;
  /** Epoch milliseconds of the last progress of any of its tasks; undefined before the first. */
  readonly lastProgressMs: number | undefined;
}

export interface Progress {
  /** The stage of this name, made when new. */
  stage(name: string): Stage;
  stages(): readonly StageState[];
  /** Tasks under way, the longest silent first: the dump. */
  tasks(): readonly StuckTask[];
  stuck(): readonly StuckTask[];
  /**
   * Does not count `ms` of the time before now, in which the process did not run (the machine slept): no task could have made
   * progress then. A task whose limit is no longer than that gets all of it again.
   */
  forgive(ms: number): void;
}

/** What the metrics page tells. Names and labels: monitor/metrics.ts. */
export interface Metrics {
  /** One message of a queue, by what became of it. */
  event(outcome: 'finished' | 'noise' | 'duplicate' | 'poison'): void;
  /** A row is in a table; `lagMs` from when its build finished: below 0 counts as 0, and NaN (not known) is no lag. */
  rowWritten(table: string, lagMs: number): void;
  retry(where: string): void;
  acknowledged(count: number): void;
  /** Called when the page is asked for: what is only known then. */
  onScrape(read: () => ScrapedValues): void;
  /** Prometheus' text format. */
  render(): Promise<string>;
}

/** Values that are looked up at the moment of asking. What is left out, or is not finite, is not on the page. */
export interface ScrapedValues {
  readonly deadLetters?: number;
  /** Open and committed ledger items by destination's table name. */
  readonly ledger?: readonly {
    readonly table: string;
    readonly state: 'committed' | 'open';
    readonly items: number;
  }[];
  readonly outstandingMessages?: number;
  readonly diskFreeBytes?: number;
  /** Of the whole disk, so that an alert can ask for a share of it. */
  readonly diskSizeBytes?: number;
  readonly sqlitePagesLeft?: number;
  /** Loads a table may still have within 24 hours. */
  readonly loadsLeft?: readonly { readonly table: string; readonly left: number }[];
  /** How far the tables have what repositories' mutation logs add up to. */
  readonly mutationTables?: readonly MutationTableValues[];
}

export interface MutationTableValues {
  /** `owner/name` */
  readonly repository: string;
  readonly table: string;
  /** Rows that there are to be. */
  readonly rows: number;
  /** Of these, what the table has not confirmed. */
  readonly missing: number;
  /** Seconds since the oldest of the missing; 0 where none is missing, undefined where none tells a time. */
  readonly lagSeconds: number | undefined;
}

/** One dependency, for /readyz. */
export interface Readiness {
  readonly name: string;
  readonly ready: boolean;
  readonly detail: string;
}
