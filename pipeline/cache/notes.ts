import type { SubjectKind } from './engine.ts';
import type { CacheParts } from './parts.ts';

/** What reads leave behind, gathered in memory: a read writes nothing. */
export interface Notes {
  read(provider: string, keys: readonly string[]): void;
  seen(kind: SubjectKind, name: string): void;
  /** Writes them, when it was not done for a minute: for those who write anyway. */
  flushSometimes(): void;
  flush(): void;
}

const NOTES_MAX = 100_000;
const SOMETIMES_MS = 60_000;
const NOTES_AT_ONCE = 1000;

export function createNotes({ store, nowMs, onNotice }: CacheParts): Notes {
  const reads = new Map<string, Map<string, number>>();
  const seen = new Map<SubjectKind, Set<string>>();
  let noted = 0;
  let flushedAtMs = nowMs();
  const flush = () => {
    flushedAtMs = nowMs();
    const deeds: (() => void)[] = [];
    for (const [provider, keys] of reads)
      for (const [key, count] of keys)
        deeds.push(() => store.cache.entries.read(provider, key, count, flushedAtMs));
    for (const [kind, names] of seen)
      for (const name of names) deeds.push(() => store.cache.subjects.seen(kind, name, flushedAtMs));
    reads.clear();
    seen.clear();
    noted = 0;
    for (let at = 0; at < deeds.length; at += NOTES_AT_ONCE)
      store.cache.transaction(() => {
        for (const deed of deeds.slice(at, at + NOTES_AT_ONCE)) deed();
      });
  };
  return {
    read: (provider, keys) => {
      const counts = reads.get(provider) ?? new Map<string, number>();
      reads.set(provider, counts);
      for (const key of keys) {
        const count = counts.get(key);
        // More than this nobody wrote down: the entries noted are those that count most.
        if (count === undefined && noted >= NOTES_MAX) continue;
        if (count === undefined) noted += 1;
        counts.set(key, (count ?? 0) + 1);
      }
    },
    seen: (kind, name) => {
      const names = seen.get(kind) ?? new Set<string>();
      seen.set(kind, names);
      if (names.has(name) || noted >= NOTES_MAX) return;
      noted += 1;
      names.add(name);
    },
    flushSometimes: () => {
      if (nowMs() - flushedAtMs < SOMETIMES_MS) return;
      try {
        flush();
      } catch (cause) {
        onNotice?.(`what was read could not be noted: ${String(cause)}`);
      }
    },
    flush,
  };
}
