import type { Database } from 'better-sqlite3';

/** How far a destination has the rows that one repository has of a kind. */
export interface RowsLag {
  readonly source: number;
  /** Rows that there are to be. */
  readonly known: number;
  /** Of these, what the destination has not confirmed. */
  readonly missing: number;
  /** Epoch seconds: the oldest of the missing. Undefined: none is missing, or it tells no time. */
  readonly oldestAt: number | undefined;
}

export interface MutationLags {
  /** One for each source that has rows of the kind. `destination` undefined: it has nothing yet. Reads only. */
  lags(kind: string, destination: number | undefined): readonly RowsLag[];
}

interface Counted {
  readonly seq: number;
  readonly rows: readonly { readonly source: number; readonly rows: number }[];
}

/** What is missing is a range behind the destination's mark; what is known is counted again only when a row of the kind changed. */
export function openMutationLags(db: Database): MutationLags {
  const last = db
    .prepare<[string], number>('SELECT coalesce(max(seq), 0) FROM mutation_row WHERE kind = ?')
    .pluck();
  const count = db.prepare<[string], { source: number; rows: number }>(
    'SELECT source, count(*) AS rows FROM mutation_row WHERE kind = ? GROUP BY source',
  );
  const lacking = db.prepare<
    [Record<string, unknown>],
    { source: number; rows: number; oldestAt: number | null }
  >(
    `SELECT r.source, count(*) AS rows, min(nullif(r.at, 0)) AS oldestAt FROM mutation_row r
     WHERE r.kind = @kind AND r.seq > coalesce((SELECT seq FROM mutation_mark WHERE destination = @destination), 0)
       AND NOT EXISTS (SELECT 1 FROM ledger l JOIN batch b ON b.id = l.batch AND b.state = 'committed'
         WHERE l.destination = @destination AND l.item = r.id AND l.version = r.version)
     GROUP BY r.source`,
  );
  const counted = new Map<string, Counted>();
  const known = (kind: string): Counted['rows'] => {
    const seq = last.get(kind) ?? 0;
    const before = counted.get(kind);
    if (before?.seq === seq) return before.rows;
    const rows = count.all(kind);
    counted.set(kind, { seq, rows });
    return rows;
  };
  return {
    lags: (kind, destination) => {
      const found = lacking.all({ kind, destination: destination ?? -1 });
      const missing = new Map(found.map((row) => [row.source, row]));
      return known(kind).map(({ source, rows }) => ({
        source,
        known: rows,
        missing: missing.get(source)?.rows ?? 0,
        oldestAt: missing.get(source)?.oldestAt ?? undefined,
      }));
    },
  };
}
