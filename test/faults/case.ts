/** One fault that is injected and got over. */
export interface Case {
  /** What is wrong: `SIGKILL at a SQLite commit`. */
  readonly fault: string;
  /** Where: `batch file -> DuckDB`. */
  readonly stage: string;
  /** Tells it from the others in its section. */
  readonly label: string;
  /** The command that plays it again, without the seed. */
  readonly replay: string;
  run(): Promise<Verdict>;
}

export interface Verdict {
  /** How often the fault happened. 0: it did not, and nothing was shown. */
  readonly injected: number;
  readonly lost: number;
  readonly doubled: number;
  /** All else that must not be, in words. */
  readonly problems: readonly string[];
  /** Paths that are missing, doubled or different, with their tables. */
  readonly paths: readonly string[];
  /** The last lines a child wrote, where something is wrong. */
  readonly stderr: string;
  /** For the line of progress. */
  readonly note?: string;
  /** For below the table: what was measured. */
  readonly remark?: string;
}

/** Cases that share something: a prepared scenario, servers. */
export interface Section {
  readonly name: string;
  /** True where its cases disturb each other. */
  readonly serial?: boolean;
  /** Its cases are many, in the order in which they matter: when time is short the last ones are left out. */
  readonly endless?: boolean;
  /** What it needs and has not got; then it is told and left out. */
  readonly skip?: () => string | undefined;
  open(): Promise<OpenSection>;
}

export interface OpenSection {
  readonly cases: readonly Case[];
  close(): Promise<void>;
}

export function isGood({ lost, doubled, problems }: Verdict): boolean {
  return lost === 0 && doubled === 0 && problems.length === 0;
}
