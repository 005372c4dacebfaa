import type { Store } from '../store/open.ts';

const WRITES_MAX = 200;
const BYTES_MAX = 16 * 2 ** 20;
const DELAY_MAX_MS = 1_000;

/** Gathers what tasks want written and commits it in batches: a transaction a build would cost a sync each. */
export interface Writer {
  /** Queues one change; changes are made in order, and together with others. `bytes` is what it holds in memory. */
  push(bytes: number, write: () => void): void;
  /** Commits everything queued. Throws what the database says. */
  flush(): void;
}

/** Commits after 200 changes, 16 MiB or one second, whichever comes first. The caller flushes at the end. */
export function createWriter(store: Store, nowMs: () => number): Writer {
  let queue: (() => void)[] = [];
  let bytes = 0;
  let since = nowMs();
  const flush = () => {
    const writes = queue;
    queue = [];
    bytes = 0;
    since = nowMs();
    if (writes.length === 0) return;
    store.transaction(() => {
      for (const write of writes) write();
    });
  };
  return {
    push: (size, write) => {
      queue.push(write);
      bytes += size;
      if (queue.length >= WRITES_MAX || bytes >= BYTES_MAX || nowMs() - since >= DELAY_MAX_MS) flush();
    },
    flush,
  };
}
