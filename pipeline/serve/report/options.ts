import type { Metrics, Progress } from '../../monitor/contract.ts';
import type { Links } from '../../report/links.ts';
import type { LiveReport } from '../../report/models.ts';

export const LIMITS = {
  /** How long an answer counts as new. */
  ttlMs: 60_000,
  /** How long a request waits for a new answer where there is an old one. */
  refreshMs: 3_000,
  /** How long one waits where there is none. */
  waitMs: 25_000,
  /** How long the warehouse may take. What is read after everybody has left is there for the next one. */
  deadlineMs: 60_000,
  /** Answers older than that are told to nobody. */
  staleMs: 24 * 3_600_000,
  entriesMax: 500,
  bytesMax: 128 * 1024 * 1024,
  /** Of one answer. */
  answerBytesMax: 16 * 1024 * 1024,
  /** Views that are being read. */
  readsMax: 16,
  /** Of an address: names are long, and each of their letters may take nine. */
  addressCharsMax: 15_000,
} as const;

export type Limits = { readonly [Name in keyof typeof LIMITS]: number };

/** The queries of `samovar query`. */
export interface QueryPages {
  readonly list: readonly {
    readonly name: string;
    readonly about: string;
    readonly days: number;
    readonly columns: readonly string[];
  }[];
  /** Throws an error whose code is `config` for what cannot be asked. */
  run(
    name: string,
    wish: { readonly days?: number | undefined; readonly job?: string | undefined; readonly limit: number },
    signal: AbortSignal,
  ): Promise<{
    readonly columns: readonly string[];
    readonly rows: readonly Readonly<Record<string, unknown>>[];
  }>;
}

export interface ReportServerOptions {
  readonly source: LiveReport;
  readonly queries: QueryPages;
  readonly links: Links;
  /** Names that this server may be called by, beside `localhost` and addresses in digits. */
  readonly hosts: readonly string[];
  readonly progress: Progress;
  readonly metrics: Metrics;
  readonly nowMs: () => number;
  readonly log: (message: string, error: unknown) => void;
  readonly limits?: Partial<Limits>;
}
