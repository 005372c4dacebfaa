import type { Served } from './served.ts';

export const SERVING = 1;
export const NOT_SERVING = 2;
export const SERVICE_UNKNOWN = 3;

/** Always SERVING, during a replay too: for a probe that asks whether the process lives. */
export const LIVENESS = 'liveness';

export interface Health {
  /** Undefined: no such service. */
  status(service: string): number | undefined;
  /** Tells of every change, the first one at once, until the function it gives is called. */
  watch(service: string, tell: (status: number) => void): () => void;
  /** From now on nothing is SERVING. */
  end(): void;
  close(): void;
}

export interface HealthOptions {
  readonly served: Served;
  /** Names that may be asked for, beside the empty one, which is all of them. */
  readonly services: readonly string[];
  /** How often those who watch are looked for news; milliseconds. */
  readonly everyMs?: number;
}

/** Ready when the replay of every log is over. */
export function createHealth({ served, services, everyMs = 500 }: HealthOptions): Health {
  const watchers = new Set<() => void>();
  let ending = false;
  const known = new Set(['', ...services]);
  const status = (service: string) => {
    if (service === LIVENESS) return SERVING;
    if (!known.has(service)) return undefined;
    return !ending && served.repos().every(({ state }) => state().ready) ? SERVING : NOT_SERVING;
  };
  const look = () => {
    for (const watcher of watchers) watcher();
  };
  // An interval, and no message from the replay: whoever replays need not know who asks.
  const timer = setInterval(look, everyMs);
  timer.unref();
  return {
    status,
    watch: (service, tell) => {
      let told: number | undefined;
      const watcher = () => {
        const now = status(service) ?? SERVICE_UNKNOWN;
        if (now !== told) tell(now);
        told = now;
      };
      watchers.add(watcher);
      watcher();
      return () => void watchers.delete(watcher);
    },
    end: () => {
      ending = true;
      look();
    },
    close: () => clearInterval(timer),
  };
}
