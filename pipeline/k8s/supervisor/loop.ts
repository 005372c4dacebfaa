import type { Report } from './contract.ts';

export interface LoopOptions {
  readonly pass: (signal: AbortSignal) => Promise<Report>;
  /** Between two passes that nothing asked for; at most, while passes fail. */
  readonly everyMs: number;
  /** After a pass that failed; twice as long after each more. */
  readonly retryMs: number;
  /** Between two passes that watches asked for: one change often comes as many. */
  readonly settleMs: number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly onReport?: (report: Report) => void;
}

export interface Loop {
  /** Until the signal. */
  run(signal: AbortSignal): Promise<void>;
  /** A pass soon: something changed. */
  poke(): void;
  /** The report of a pass that begins from now on; rejects when the loop ends before. Many who ask share one. */
  update(): Promise<Report>;
}

interface Asker {
  readonly resolve: (report: Report) => void;
  readonly reject: (error: unknown) => void;
}

/** Passes by time, by changes that are told, and when asked: one after the other. */
export function createLoop(options: LoopOptions): Loop {
  let askers: Asker[] = [];
  let poked = false;
  let wake: () => void = () => undefined;
  let failures = 0;
  let over: { readonly reason: unknown } | undefined;
  const pass = async (signal: AbortSignal) => {
    const mine = askers;
    askers = [];
    poked = false;
    try {
      const report = await options.pass(signal);
      failures = report.outcome === 'done' ? 0 : failures + 1;
      options.onReport?.(report);
      for (const { resolve } of mine) resolve(report);
    } catch (error) {
      for (const { reject } of mine) reject(error);
      throw error;
    }
  };
  const delayMs = () =>
    failures === 0 ? options.everyMs : Math.min(options.everyMs, options.retryMs * 2 ** (failures - 1));
  /** Until the time is over, or somebody calls. */
  const rest = async (ms: number, signal: AbortSignal, isOver: () => boolean) => {
    const stop = new AbortController();
    wake = () => {
      if (isOver()) stop.abort();
    };
    wake();
    await options.sleep(ms, AbortSignal.any([signal, stop.signal]));
  };
  return {
    run: async (signal) => {
      try {
        while (!signal.aborted) {
          await pass(signal);
          if (askers.length > 0) continue;
          await rest(Math.min(options.settleMs, delayMs()), signal, () => askers.length > 0);
          const restMs = delayMs() - options.settleMs;
          if (restMs > 0) await rest(restMs, signal, () => poked || askers.length > 0);
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        over = { reason: signal.reason };
        for (const { reject } of askers) reject(signal.reason);
        askers = [];
      }
    },
    poke: () => {
      poked = true;
      wake();
    },
    update: () =>
      new Promise((resolve, reject) => {
        if (over !== undefined) return reject(over.reason);
        askers.push({ resolve, reject });
        wake();
      }),
  };
}
