import type { RequestEvent } from '../backends/bucket/contract.ts';

/** What a collection has done so far; read by the progress line while it runs and by the summary at its end. */
export interface CollectStats {
  requests: { list: number; read: number; write: number };
  bytes: number;
  retries: number;
  /** Candidates found by listing, and how many of all candidates are dealt with. */
  found: number;
  done: number;
  /** Builds stored for the first time, looked at again, and finished ones that got a new row. */
  added: number;
  rechecked: number;
  rows: number;
  junitFiles: number;
  tests: number;
  failures: number;
}

export function createStats(): CollectStats {
  return {
    requests: { list: 0, read: 0, write: 0 },
    bytes: 0,
    retries: 0,
    found: 0,
    done: 0,
    added: 0,
    rechecked: 0,
    rows: 0,
    junitFiles: 0,
    tests: 0,
    failures: 0,
  };
}

export function countRequest(stats: CollectStats, event: RequestEvent): void {
  stats.requests[event.kind] += 1;
  stats.bytes += event.bytes;
}
