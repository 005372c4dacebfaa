import type { RowValues } from '../mutation/rows-values.ts';

/** Longer values are not in their row: BigQuery takes rows of 10 MB where they are streamed, and queries read whole columns. */
export const VALUE_BYTES_MAX = 1 << 20;

/** A value that a key had from a time on. */
export interface EntryFacts {
  readonly provider: string;
  readonly key: string;
  /** Of the value's shape. */
  readonly version: number;
  readonly changedAtMs: number;
  readonly isAbsent: boolean;
  /** SHA-256 of the value, in hexadecimal. */
  readonly hash: string;
  /** Of its JSON. */
  readonly bytes: number;
  /** JSON text; undefined: there is none. */
  readonly json: string | undefined;
}

/** What became of one refresh. */
export interface RunFacts {
  readonly id: number;
  readonly provider: string;
  readonly key: string;
  readonly reason: string;
  readonly outcome: string;
  readonly attempt: number;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly bytes: number | undefined;
  readonly worker: string;
  readonly code: string | undefined;
  readonly message: string | undefined;
}

/** A row's key and time beside its values. `at`: epoch seconds. */
export interface CacheRow {
  readonly path: string;
  readonly at: number;
  readonly values: RowValues;
}

/** A row of schemas/cache_entry.json. */
export function entryRow(entry: EntryFacts): CacheRow {
  const { provider, key, changedAtMs, json, bytes } = entry;
  const path = `${provider}/${encodeURIComponent(wellFormed(key))}/${changedAtMs}`;
  const tooLong = bytes > VALUE_BYTES_MAX;
  const values = {
    path,
    provider,
    key,
    changed: changedAtMs / 1000,
    version: entry.version,
    absent: entry.isAbsent,
    hash: entry.hash,
    bytes,
    value: tooLong ? undefined : json,
    value_left_out: tooLong || undefined,
  };
  return { path, at: Math.floor(changedAtMs / 1000), values };
}

/** A row of schemas/cache_run.json. */
export function runRow(run: RunFacts): CacheRow {
  const path = `${run.startedAtMs}/${run.id}`;
  const values = {
    path,
    provider: run.provider,
    key: run.key,
    started: run.startedAtMs / 1000,
    seconds: run.durationMs / 1000,
    reason: run.reason,
    outcome: run.outcome,
    attempt: run.attempt,
    bytes: run.bytes,
    worker: run.worker,
    code: run.code,
    message: run.message,
  };
  return { path, at: Math.floor(run.startedAtMs / 1000), values };
}

/** encodeURIComponent throws for half a surrogate pair. */
function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}
