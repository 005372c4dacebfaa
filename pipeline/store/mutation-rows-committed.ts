import type { Database } from 'better-sqlite3';

/** A row of a kind that a destination has, by the ledger; its content as it is now. */
export interface CommittedRow {
  readonly item: number;
  readonly path: string;
  /** Of the content. */
  readonly version: number;
  /** Of what the destination has: another one where the newer content is still to be written. */
  readonly committed: number;
  /** Packed: records/chunk.ts. */
  readonly data: Buffer;
  readonly bytes: number;
}

export interface MutationCommitted {
  /** In no order; the database is not to be changed until the last one was taken. */
  committed(kind: string, destination: number): IterableIterator<CommittedRow>;
}

export function openMutationCommitted(db: Database): MutationCommitted {
  const committed = db.prepare<[number, string], CommittedRow>(
    `SELECT l.item, r.path, r.version, max(l.version) AS committed, r.data, r.bytes FROM ledger l
     JOIN batch t ON t.id = l.batch JOIN mutation_row r ON r.id = l.item
     WHERE l.destination = ? AND t.state = 'committed' AND r.kind = ? GROUP BY l.item`,
  );
  return { committed: (kind, destination) => committed.iterate(destination, kind) };
}
