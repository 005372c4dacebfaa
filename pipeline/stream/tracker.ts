/**
 * Which messages wait for what. A build is *entered* with the message that told of it, *placed* when its row is stored, and
 * *through* when every table has it; only then are its messages acknowledged.
 */
import type { QueueMessage } from '../backends/queue/contract.ts';

export interface Entry<T> {
  readonly subject: T;
  /** Every delivery that told of it: all are acknowledged together. */
  readonly messages: readonly QueueMessage[];
}

interface Waiting<T> {
  readonly subject: T;
  readonly messages: QueueMessage[];
  /** Tables that do not have it yet; undefined until it is placed. */
  tables: Set<string> | undefined;
}

export interface Tracker<T> {
  /** True when this is news; false when it joins what is under way already. */
  enter(key: string, subject: T, message: QueueMessage): boolean;
  /** The row of `key` is stored as build `id`, and these tables are to have it. */
  place(key: string, id: number, tables: readonly string[]): void;
  /** A table has these builds. Gives the entries that are through, and forgets them. */
  reached(table: string, ids: readonly number[]): readonly Entry<T>[];
  /** Takes an entry out, whatever it waits for. */
  drop(key: string): Entry<T> | undefined;
  /** Everything that is still under way. */
  rest(): readonly Entry<T>[];
  size(): number;
}

export function createTracker<T>(): Tracker<T> {
  const entries = new Map<string, Waiting<T>>();
  const keysOf = new Map<number, Set<string>>();
  const forget = (key: string): Entry<T> | undefined => {
    const entry = entries.get(key);
    entries.delete(key);
    return entry;
  };
  return {
    enter: (key, subject, message) => {
      const known = entries.get(key);
      known?.messages.push(message);
      if (known === undefined) entries.set(key, { subject, messages: [message], tables: undefined });
      return known === undefined;
    },
    place: (key, id, tables) => {
      const entry = entries.get(key);
      if (entry === undefined) return;
      entry.tables = new Set(tables);
      const keys = keysOf.get(id) ?? new Set();
      keysOf.set(id, keys.add(key));
    },
    reached: (table, ids) => {
      const through: Entry<T>[] = [];
      for (const id of ids) {
        for (const key of keysOf.get(id) ?? []) {
          const entry = entries.get(key);
          entry?.tables?.delete(table);
          if (entry !== undefined && entry.tables?.size !== 0) continue;
          keysOf.get(id)?.delete(key);
          if (entry !== undefined) through.push(entry);
          entries.delete(key);
        }
        if (keysOf.get(id)?.size === 0) keysOf.delete(id);
      }
      return through;
    },
    drop: forget,
    rest: () => [...entries.values()],
    size: () => entries.size,
  };
}
