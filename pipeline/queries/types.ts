/**
 * Glossary: a *query* is one question to the table of builds, asked of a *window* of time. Its text is BigQuery's standard SQL with
 * named parameters, so that it can be copied and run as it is; duckdb.ts says it in DuckDB's words.
 */
export interface BuildQuery {
  readonly name: string;
  /** One line for people. */
  readonly about: string;
  /** How far back the window goes when nobody says. */
  readonly days: number;
  /** What the window is compared with: the time before it, in windows of the same length. Default 0. */
  readonly windowsBefore?: number;
  /** Ends at the last midnight (UTC), so that no day is seen in part. Default false: ends now. */
  readonly wholeDays?: boolean;
  /** In this order. */
  readonly columns: readonly string[];
  /**
   * `{table}` stands for the table's name. Parameters: @before, @since, @until (TIMESTAMP; the window is from @since, the time
   * before it from @before), @job (STRING, a regular expression), @limit (INT64). `{owners}` stands for rules of owners as an
   * expression with a comma behind it: nothing where there are none.
   */
  readonly sql: string;
}

export type Dialect = 'bigquery' | 'duckdb';

/** Who answers for failures: the first rule of which all that it says is true. Texts are globs where `*` stands for anything. */
export interface OwnedBy {
  readonly owner: string;
  readonly test?: string;
  readonly job?: string;
  readonly text?: string;
}

/** Values for a query's parameters. */
export interface Parameters {
  /** Epoch milliseconds, as the two below. */
  readonly beforeMs: number;
  readonly sinceMs: number;
  readonly untilMs: number;
  /** A glob over the names of jobs (`*`, `?`); undefined: all. */
  readonly job?: string | undefined;
  readonly limit: number;
  /** For `{owners}`. */
  readonly owners?: readonly OwnedBy[] | undefined;
}
