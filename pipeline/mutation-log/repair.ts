import type { Finding } from './check.ts';

/** What was done, or would be, about one finding. */
export interface RepairStep {
  readonly finding: Finding;
  /** What becomes of the log, one sentence. */
  readonly action: string;
  /** Where what was taken out of the log is kept. */
  readonly quarantine?: string;
  /** Bytes taken out of the log. */
  readonly bytes: number;
}

export interface RepairResult {
  readonly url: string;
  readonly dryRun: boolean;
  readonly steps: readonly RepairStep[];
}
