import type { Database } from 'better-sqlite3';

export interface HostLimits {
  readonly concurrency: number;
  readonly gapMs: number;
  readonly failuresMax: number;
  readonly openMs: number;
}

/** A host's turn, or how long to wait before asking again. */
export type Turn =
  /** Not before `beginAtMs`. isProbe: the one request that may try whether an open breaker's host is well again. */
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
  /** Takes a slot for `leaseMs` from its begin (a process that died frees it then) where there is one, else says how long to wait. */
  take(host: string, limits: HostLimits, nowMs: number, leaseMs: number): Turn;
  release(slot: number): void;
  succeeded(host: string): void;
  failed(host: string, limits: HostLimits, nowMs: number, reason: string): void;
  /** A probe that found nothing out: the next one may try. */
  unprobed(host: string): void;
  /** The host asked for a pause: nobody begins before. */
  block(host: string, untilMs: number): void;
  /** Until then no request would be sent: the breaker is open, or its probe under way. Undefined: one would. */
  openUntil(host: string, nowMs: number): number | undefined;
  all(nowMs: number): readonly HostRow[];
}

interface Row {
  readonly host: string;
  readonly next_at: number;
  readonly blocked_until: number;
  readonly failures: number;
  readonly open_until: number | null;
  readonly probe_until: number | null;
  readonly requests: number;
  readonly last_error: string | null;
}

/** While all slots are taken: how soon to look again. */
const BUSY_LOOK_MS = 100;

export function openCacheHosts(db: Database): CacheHosts {
  const get = db.prepare<[string], Row>('SELECT * FROM cache_host WHERE host = ?');
  const listed = db.prepare<[number], Row & { in_flight: number }>(`
    SELECT h.*, (SELECT count(*) FROM cache_slot s WHERE s.host = h.host AND s.until > ?) AS in_flight
    FROM cache_host h ORDER BY host`);
  return {
    ...turns(db, get),
    ...outcomes(db, get),
    openUntil: (host, nowMs) => {
      const row = get.get(host);
      return row === undefined ? undefined : openUntil(row, nowMs);
    },
    all: (nowMs) =>
      listed.all(nowMs).map((row) => ({
        host: row.host,
        blockedUntilMs: row.blocked_until,
        failures: row.failures,
        openUntilMs: row.open_until ?? undefined,
        isProbing: (row.probe_until ?? 0) > nowMs,
        inFlight: row.in_flight,
        requests: row.requests,
        lastError: row.last_error ?? undefined,
      })),
  };
}

type Get = { get(host: string): Row | undefined };

function openUntil({ open_until, probe_until }: Row, nowMs: number): number | undefined {
  if (open_until === null) return undefined;
  const untilMs = Math.max(open_until, probe_until ?? 0);
  return untilMs > nowMs ? untilMs : undefined;
}

function turns(db: Database, get: Get) {
  const make = db.prepare('INSERT OR IGNORE INTO cache_host(host) VALUES (?)');
  const ended = db.prepare('DELETE FROM cache_slot WHERE until <= ?');
  const taken = db.prepare<[string], number>('SELECT count(*) FROM cache_slot WHERE host = ?').pluck();
  const begin = db.prepare(
    'UPDATE cache_host SET next_at = ?, requests = requests + 1, probe_until = ? WHERE host = ?',
  );
  const add = db.prepare('INSERT INTO cache_slot(host, until) VALUES (?, ?)');
  const release = db.prepare('DELETE FROM cache_slot WHERE id = ?');
  const take = db.transaction((host: string, limits: HostLimits, nowMs: number, leaseMs: number): Turn => {
    make.run(host);
    ended.run(nowMs);
    const row = get.get(host) as Row;
    const openMs = openUntil(row, nowMs);
    if (openMs !== undefined) return { kind: 'open', untilMs: openMs, reason: row.last_error ?? undefined };
    if (row.blocked_until > nowMs) return { kind: 'wait', ms: row.blocked_until - nowMs };
    if ((taken.get(host) ?? 0) >= limits.concurrency) return { kind: 'wait', ms: BUSY_LOOK_MS };
    // A clock that was put back must not hold a host up for long.
    const beginAtMs = Math.max(nowMs, Math.min(row.next_at, nowMs + limits.gapMs * limits.concurrency));
    const isProbe = row.open_until !== null;
    begin.run(beginAtMs + limits.gapMs, isProbe ? beginAtMs + leaseMs : null, host);
    const slot = Number(add.run(host, beginAtMs + leaseMs).lastInsertRowid);
    return { kind: 'go', slot, beginAtMs, isProbe };
  });
  return {
    take: (host: string, limits: HostLimits, nowMs: number, leaseMs: number) =>
      take.immediate(host, limits, nowMs, leaseMs),
    release: (slot: number) => void release.run(slot),
  };
}

function outcomes(db: Database, get: Get) {
  const well = db.prepare(
    'UPDATE cache_host SET failures = 0, open_until = NULL, probe_until = NULL WHERE host = ? AND (failures > 0 OR open_until IS NOT NULL)',
  );
  const failed = db.prepare(`
    UPDATE cache_host SET failures = failures + 1, last_error = @reason, probe_until = NULL,
      open_until = CASE WHEN failures + 1 >= @failuresMax THEN max(coalesce(open_until, 0), @untilMs) ELSE open_until END
    WHERE host = @host`);
  const unprobed = db.prepare('UPDATE cache_host SET probe_until = NULL WHERE host = ?');
  const block = db.prepare(`
    INSERT INTO cache_host(host, blocked_until) VALUES (?, ?)
    ON CONFLICT(host) DO UPDATE SET blocked_until = max(blocked_until, excluded.blocked_until)`);
  return {
    succeeded: (host: string) => {
      const row = get.get(host);
      // Mostly there is nothing to write.
      if (row !== undefined && (row.failures > 0 || row.open_until !== null)) well.run(host);
    },
    failed: (host: string, { failuresMax, openMs }: HostLimits, nowMs: number, reason: string) =>
      void failed.run({ host, failuresMax, untilMs: nowMs + openMs, reason }),
    unprobed: (host: string) => void unprobed.run(host),
    block: (host: string, untilMs: number) => void block.run(host, untilMs),
  };
}
