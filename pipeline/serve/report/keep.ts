import { createHash } from 'node:crypto';
import type { SiteHead } from '../../report/models.ts';
import type { Limits } from './options.ts';
import { ReportRefusal, refusalOf } from './refusal.ts';

/** An answer of the warehouse. */
export interface Kept<T> {
  readonly model: T;
  /** As JSON; undefined where the model is. */
  readonly json: string | undefined;
  readonly etag: string;
  /** What was asked, and when. */
  readonly head: SiteHead;
  readonly readMs: number;
}

export interface Answer<T> extends Kept<T> {
  readonly ageS: number;
  /** Why it is no new one. */
  readonly stale: string | undefined;
}

export interface KeepStats {
  readonly entries: number;
  readonly bytes: number;
  readonly reading: number;
  readonly counts: Readonly<Record<'fresh' | 'read' | 'stale' | 'refused', number>>;
}

/** Answers by view: each is read once for everybody who waits for it, kept for a while, and told as old rather than not at all. */
export interface Keep {
  get<T>(key: string, read: (signal: AbortSignal) => Promise<T>): Promise<Answer<T>>;
  stats(): KeepStats;
  /** Ends what is being read. */
  close(): void;
}

interface KeepOptions {
  readonly limits: Limits;
  readonly head: () => SiteHead;
  readonly nowMs: () => number;
  readonly log: (message: string, error: unknown) => void;
}

export function createKeep({ limits, head, nowMs, log }: KeepOptions): Keep {
  const kept = createShelf(limits);
  const reading = new Map<string, Promise<Kept<unknown>>>();
  const stopping = new AbortController();
  const counts = { fresh: 0, read: 0, stale: 0, refused: 0 };
  const start = (key: string, read: (signal: AbortSignal) => Promise<unknown>) => {
    if (reading.size >= limits.readsMax)
      throw new ReportRefusal(503, 'too much is asked of the warehouse at once', { retryAfterS: 5 });
    const asked = head();
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(limits.deadlineMs)]);
    const work = read(signal)
      .then((model) => {
        const made = keptOf(model, asked, nowMs(), limits.answerBytesMax);
        kept.put(key, made);
        return made;
      })
      .finally(() => reading.delete(key));
    reading.set(key, work);
    // Whoever waits hears of it too; those who no longer do must not end the process.
    work.catch((error: unknown) => {
      const { status } = refusalOf(error);
      if (status >= 500 && !stopping.signal.aborted) log(`reading ${key.slice(0, 200)} failed`, error);
    });
    return work;
  };
  return {
    async get<T>(key: string, read: (signal: AbortSignal) => Promise<T>): Promise<Answer<T>> {
      const old = kept.get(key) as Kept<T> | undefined;
      const ageMs = old === undefined ? Number.POSITIVE_INFINITY : nowMs() - old.readMs;
      if (old !== undefined && ageMs < limits.ttlMs) return count(counts, 'fresh', old, ageMs);
      const usable = ageMs < limits.staleMs ? old : undefined;
      try {
        const work = (reading.get(key) ?? start(key, read)) as Promise<Kept<T>>;
        const made = await within(work, usable === undefined ? limits.waitMs : limits.refreshMs);
        return count(counts, 'read', made, 0);
      } catch (error) {
        const refusal = refusalOf(error);
        // What is known to be wrong is not covered by what once was right.
        if (usable !== undefined && refusal.status >= 500)
          return count(counts, 'stale', usable, ageMs, refusal.message);
        counts.refused += 1;
        throw refusal;
      }
    },
    stats: () => ({ ...kept.size(), reading: reading.size, counts }),
    close: () => stopping.abort(),
  };
}

function count<T>(
  counts: Record<'fresh' | 'read' | 'stale', number>,
  how: 'fresh' | 'read' | 'stale',
  kept: Kept<T>,
  ageMs: number,
  stale?: string,
): Answer<T> {
  counts[how] += 1;
  return { ...kept, ageS: Math.max(0, Math.floor(ageMs / 1000)), stale };
}

function keptOf<T>(model: T, head: SiteHead, readMs: number, bytesMax: number): Kept<T> {
  const json = model === undefined ? undefined : JSON.stringify(model);
  if (json !== undefined && json.length > bytesMax)
    throw new ReportRefusal(413, `this answer has over ${bytesMax} bytes`, {
      remedy: 'Ask for less: fewer builds or tests, or start the server with fewer --days.',
    });
  return { model, json, etag: etagOf(json ?? ''), head, readMs };
}

export function etagOf(text: string): string {
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
}

/** Waits no longer; what it waits for goes on. */
async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const refusal = new ReportRefusal(503, 'the warehouse has not answered yet', {
      remedy: 'It goes on reading: ask again in a moment.',
      retryAfterS: 10,
    });
    timer = setTimeout(() => reject(refusal), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Bounded in number and size: what was not asked for longest goes first. */
function createShelf({ entriesMax, bytesMax }: Limits) {
  const entries = new Map<string, Kept<unknown>>();
  let bytes = 0;
  const sizeOf = (key: string, { json }: Kept<unknown>) => 2 * key.length + (json?.length ?? 0);
  const drop = (key: string) => {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entries.delete(key);
    bytes -= sizeOf(key, entry);
  };
  return {
    get: (key: string): Kept<unknown> | undefined => {
      const entry = entries.get(key);
      if (entry !== undefined) {
        entries.delete(key);
        entries.set(key, entry);
      }
      return entry;
    },
    put: (key: string, entry: Kept<unknown>): void => {
      drop(key);
      entries.set(key, entry);
      bytes += sizeOf(key, entry);
      for (const oldest of entries.keys()) {
        if (entries.size <= entriesMax && bytes <= bytesMax) break;
        drop(oldest);
      }
    },
    size: () => ({ entries: entries.size, bytes }),
  };
}
