import type { Database } from 'better-sqlite3';

export interface HostLimits {
  readonly concurrency: number;
  readonly gapMs: number;
  readonly failuresMax: number;
  readonly openMs: number;
}

/** A host's turn, or how long to wait before asking again. */
export type Turn =
  | { readonly kind: 'go'; readonly slot: number; readonly beginAtMs: number; readonly isProbe: boolean }
  | { readonly kind: 'wait'; readonly ms: number }
  /** Its breaker is open: not before `untilMs`. */
  | { readonly kind: 'open'; readonly untilMs: number; readonly reason: string | undefined };

export interface HostRow {
  readonly host: string;
  readonly blockedUntilMs: number;
  readonly failures: number;
  readonly openUntilMs: number | undefined;
  readonly isProbing: boolean;
  readonly inFlight: number;
  readonly requests: number;
  readonly lastError: string | undefined;
}

/** Hosts' slots, gaps and breakers, shared by all processes of the database. Each call is one short transaction. */
export interface CacheHosts {
  /** Takes a slot until `untilMs` (a process that died frees it then) where there is one, else says how long to wait. */
  take(host: string, limits: HostLimits, nowMs: number, leaseMs: number): Turn;
  release(slot: number): void;
  succeeded(host: string): void;
  failed(host: string, limits: HostLimits, nowMs: number, reason: string): void;
  /** The host asked for a pause: nobody begins before. */
  block(host: string, untilMs: number): void;
  /** Undefined: closed, or a try is due. */
  openUntil(host: string, nowMs: number): number | undefined;
  all(nowMs: number): readonly HostRow[];
}

export function openCacheHosts(_db: Database): CacheHosts {
  throw new Error('not there yet');
}
