/** Times from a build's finish to its row in a table. */
export interface Lags {
  add(lagMs: number): void;
  /** Undefined before the first. */
  summary(): LagSummary | undefined;
}

export interface LagSummary {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Of so many the percentiles are exact; of more, of the last so many. */
const KEPT_MAX = 10_000;

export function createLags(): Lags {
  const kept: number[] = [];
  let count = 0;
  let maxMs = 0;
  return {
    add: (lagMs) => {
      kept[count % KEPT_MAX] = lagMs;
      count += 1;
      maxMs = Math.max(maxMs, lagMs);
    },
    summary: () => {
      if (count === 0) return undefined;
      const sorted = [...kept].sort((a, b) => a - b);
      const at = (share: number) =>
        sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
      return { count, p50Ms: at(0.5), p99Ms: at(0.99), maxMs };
    },
  };
}
