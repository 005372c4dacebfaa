import type { Database } from 'better-sqlite3';
import { SamovarError } from '../errors.ts';

/**
 * The ledger: which destination has which version of which item. Any job may keep one; items are the ids of its own table.
 * A batch goes pending (its file exists, or is being written) → sent (the load's id is stored, the load may have happened) →
 * committed (the destination has it), or failed (refused; its load's id is used up). Only a committed batch counts as emitted; pending and sent ones are not emitted again
 * before their fate is known.
 */
export interface Batch {
  readonly id: number;
  readonly destination: number;
  /** Counts the batches of a destination, from 0. */
  readonly generation: number;
  readonly state: 'pending' | 'sent' | 'committed' | 'failed';
  /** The batch becomes all the destination has. */
  readonly replaces: boolean;
  /** How many loads of this batch have been refused so far. */
  readonly attempt: number;
  readonly jobId: string | null;
  readonly warehouse: string | null;
  readonly file: string | null;
  readonly sha256: string | null;
  readonly rows: number | null;
  readonly bytes: number | null;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly sentAt: number | null;
}

export interface BatchContent {
  readonly file?: string;
  readonly sha256?: string;
  readonly rows: number;
  readonly bytes: number;
}

/** A build that a destination has, and in which version. */
export interface LedgerItem {
  readonly item: number;
  readonly version: number;
  readonly path: string;
}

/** How many batches and builds of a destination are in a state, and since when. */
export interface LedgerState {
  readonly state: Batch['state'];
  readonly batches: number;
  readonly items: number;
  /** Epoch milliseconds. */
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface LedgerStore {
  /** The id of a destination, made when new. */
  destination(name: string): number;
  findDestination(name: string): number | undefined;
  names(): readonly string[];
  /** Opens a batch of the next generation. */
  begin(destination: number, replaces: boolean): Batch;
  add(batch: Batch, items: Iterable<{ readonly item: number; readonly version: number }>): void;
  /** Takes items out of a batch that was not committed: the destination cannot take them. */
  remove(batch: Batch, items: Iterable<number>): void;
  items(batch: Batch): readonly { readonly item: number; readonly version: number }[];
  describe(batch: Batch, content: BatchContent): void;
  /** Before a load is submitted: its identity. Throws `conflict` when another process has ended the batch meanwhile. */
  send(
    batch: Batch,
    load: { readonly jobId: string; readonly warehouse: string; readonly attempt: number },
  ): void;
  /** After the destination has it. Older versions of its items (or, when it replaces, everything older) are forgotten. */
  commit(batch: Batch): void;
  /** A batch that reached nobody: its items are free to be emitted again. One that was sent stays on record as failed. */
  discard(batch: Batch): void;
  open(destination: number): readonly Batch[];
  byGeneration(destination: number, generation: number): Batch | undefined;
  /** Items of this batch of which the destination has an older version. */
  superseded(batch: Batch): readonly number[];
  /** Times (epoch ms) of loads sent for a destination since. */
  loadTimes(destination: number, sinceMs: number): readonly number[];
  /** Gives a destination another name, unless that one exists: a ledger taken over from Kettle. */
  adopt(oldName: string, newName: string): boolean;
  /** Everything a destination has, by path. */
  committed(destination: number): IterableIterator<LedgerItem>;
  states(destination: number): readonly LedgerState[];
  /** The destination lacks these after all: they are emitted again. */
  forget(destination: number, items: readonly number[]): void;
  /** What the destination has of these is wrong: they are emitted again, and replace it. */
  doubt(destination: number, items: readonly number[]): void;
  /** The destination has these, though nobody knows in which version: the next emission replaces them. */
  adoptItems(destination: number, items: readonly number[]): void;
  counts(destination: number): { readonly committed: number; readonly open: number };
}

const COLUMNS = `id, destination, generation, state, replaces, attempt, job_id AS jobId, warehouse, file, sha256, rows, bytes,
  created_at AS createdAt, sent_at AS sentAt`;
type BatchRow = Omit<Batch, 'replaces'> & { readonly replaces: number };

export function openLedger(db: Database, nowMs: () => number): LedgerStore {
  const find = db.prepare<[string], number>('SELECT id FROM destination WHERE name = ?').pluck();
  const make = db.prepare('INSERT INTO destination(name) VALUES (?)');
  const rename = db.prepare('UPDATE OR IGNORE destination SET name = ? WHERE name = ?');
  const names = db.prepare<unknown[], string>('SELECT name FROM destination ORDER BY name').pluck();
  return {
    destination: (name) => find.get(name) ?? Number(make.run(name).lastInsertRowid),
    findDestination: (name) => find.get(name),
    names: () => names.all(),
    adopt: (oldName, newName) => find.get(newName) === undefined && rename.run(newName, oldName).changes > 0,
    ...batchWriters(db, nowMs),
    ...repairs(db, nowMs),
    ...batchReaders(db),
  };
}

function batchWriters(db: Database, nowMs: () => number) {
  const begin = db.prepare<[Record<string, unknown>], BatchRow>(
    `INSERT INTO batch(destination, generation, state, replaces, created_at)
     VALUES (@destination, (SELECT coalesce(max(generation) + 1, 0) FROM batch WHERE destination = @destination), 'pending', @replaces, @now)
     RETURNING ${COLUMNS}`,
  );
  const add = db.prepare(
    'INSERT OR REPLACE INTO ledger(destination, item, batch, version) VALUES (?, ?, ?, ?)',
  );
  const remove = db.prepare('DELETE FROM ledger WHERE batch = ? AND item = ?');
  const describe = db.prepare(
    'UPDATE batch SET file = @file, sha256 = @sha256, rows = @rows, bytes = @bytes WHERE id = @id',
  );
  const send = db.prepare(
    `UPDATE batch SET state = 'sent', job_id = @jobId, warehouse = @warehouse, attempt = @attempt, sent_at = @now
     WHERE id = @id AND state IN ('pending', 'sent')`,
  );
  const commit = db.prepare(
    `UPDATE batch SET state = 'committed', committed_at = ? WHERE id = ? AND state IN ('pending', 'sent')`,
  );
  const forgetAllOlder = db.prepare('DELETE FROM ledger WHERE destination = @destination AND batch < @id');
  // Items first: a small batch is not to read through all that the destination has.
  const forgetOlder = db.prepare(
    `DELETE FROM ledger WHERE destination = @destination AND batch < @id
       AND item IN (SELECT item FROM ledger WHERE batch = @id)`,
  );
  const dropItems = db.prepare('DELETE FROM ledger WHERE batch = ?');
  const drop = db.prepare(`DELETE FROM batch WHERE id = ? AND state = 'pending'`);
  const fail = db.prepare(`UPDATE batch SET state = 'failed' WHERE id = ? AND state = 'sent'`);
  return {
    begin: (destination: number, replaces: boolean) =>
      asBatch(begin.get({ destination, replaces: replaces ? 1 : 0, now: nowMs() })),
    add: (batch: Batch, items: Iterable<{ readonly item: number; readonly version: number }>) => {
      for (const { item, version } of items) add.run(batch.destination, item, batch.id, version);
    },
    remove: (batch: Batch, items: Iterable<number>) => {
      for (const item of items) remove.run(batch.id, item);
    },
    describe: (batch: Batch, content: BatchContent) => {
      describe.run({ file: null, sha256: null, ...content, id: batch.id });
    },
    send: (
      batch: Batch,
      load: { readonly jobId: string; readonly warehouse: string; readonly attempt: number },
    ) => {
      if (send.run({ ...load, id: batch.id, now: nowMs() }).changes === 0) throw takenAway(batch);
    },
    commit: (batch: Batch) => {
      if (commit.run(nowMs(), batch.id).changes === 0) return;
      const forget = batch.replaces ? forgetAllOlder : forgetOlder;
      forget.run({ destination: batch.destination, id: batch.id });
    },
    discard: (batch: Batch) => {
      dropItems.run(batch.id);
      drop.run(batch.id);
      fail.run(batch.id);
    },
  };
}

/** A version that no row has. */
const NO_VERSION = -1;

function repairs(db: Database, nowMs: () => number) {
  const forget = db.prepare('DELETE FROM ledger WHERE destination = ? AND item = ?');
  const doubt = db.prepare('UPDATE ledger SET version = ? WHERE destination = ? AND item = ?');
  const begin = db
    .prepare<[number, number, number, number], number>(
      `INSERT INTO batch(destination, generation, state, replaces, created_at, committed_at)
       VALUES (?, (SELECT coalesce(max(generation) + 1, 0) FROM batch WHERE destination = ?), 'committed', 0, ?, ?) RETURNING id`,
    )
    .pluck();
  const add = db.prepare(
    'INSERT OR REPLACE INTO ledger(destination, item, batch, version) VALUES (?, ?, ?, ?)',
  );
  return {
    forget: (destination: number, items: readonly number[]) => {
      for (const item of items) forget.run(destination, item);
    },
    doubt: (destination: number, items: readonly number[]) => {
      for (const item of items) doubt.run(NO_VERSION, destination, item);
    },
    adoptItems: (destination: number, items: readonly number[]) => {
      const batch = begin.get(destination, destination, nowMs(), nowMs());
      for (const item of items) add.run(destination, item, batch, NO_VERSION);
    },
  };
}

/** Somebody else has ended what this process was about to load: going on would load it twice. */
function takenAway({ generation }: Batch): SamovarError {
  return new SamovarError(
    'conflict',
    `batch ${generation} was ended by another process that works on this database; nothing was sent`,
    { remedy: 'Let one process at a time emit and load from a database.' },
  );
}

function batchReaders(db: Database) {
  const open = db.prepare<[number], BatchRow>(
    `SELECT ${COLUMNS} FROM batch WHERE destination = ? AND state IN ('pending', 'sent') ORDER BY generation`,
  );
  const byGeneration = db.prepare<[number, number], BatchRow>(
    `SELECT ${COLUMNS} FROM batch WHERE destination = ? AND generation = ?`,
  );
  const superseded = db
    .prepare<[Record<string, unknown>], number>(
      `SELECT DISTINCT n.item FROM ledger n JOIN ledger o ON o.destination = n.destination AND o.item = n.item AND o.batch <> n.batch
       JOIN batch b ON b.id = o.batch AND b.state = 'committed'
       WHERE n.batch = @id AND n.destination = @destination ORDER BY n.item`,
    )
    .pluck();
  const items = db.prepare<[number], { item: number; version: number }>(
    'SELECT item, version FROM ledger WHERE batch = ? ORDER BY item',
  );
  const loadTimes = db
    .prepare<[number, number], number>(
      'SELECT sent_at FROM batch WHERE destination = ? AND sent_at >= ? ORDER BY sent_at',
    )
    .pluck();
  const committed = db.prepare<[number], LedgerItem>(
    `SELECT l.item, max(l.version) AS version, b.path FROM ledger l JOIN batch t ON t.id = l.batch JOIN build b ON b.id = l.item
     WHERE l.destination = ? AND t.state = 'committed' GROUP BY l.item ORDER BY b.path`,
  );
  const states = db.prepare<[number], LedgerState>(
    `SELECT t.state, count(DISTINCT t.id) AS batches, count(l.item) AS items, min(t.created_at) AS firstAt,
       max(coalesce(t.committed_at, t.sent_at, t.created_at)) AS lastAt
     FROM batch t LEFT JOIN ledger l ON l.batch = t.id WHERE t.destination = ? GROUP BY t.state ORDER BY t.state`,
  );
  const counts = db.prepare<[number], { committed: number; open: number }>(
    `SELECT coalesce(sum(t.state = 'committed'), 0) AS committed, coalesce(sum(t.state <> 'committed'), 0) AS open
     FROM ledger l JOIN batch t ON t.id = l.batch WHERE l.destination = ?`,
  );
  return {
    open: (destination: number) => open.all(destination).map(asBatch),
    byGeneration: (destination: number, generation: number) => {
      const row = byGeneration.get(destination, generation);
      return row === undefined ? undefined : asBatch(row);
    },
    items: (batch: Batch) => items.all(batch.id),
    superseded: (batch: Batch) => superseded.all({ id: batch.id, destination: batch.destination }),
    loadTimes: (destination: number, sinceMs: number) => loadTimes.all(destination, sinceMs),
    committed: (destination: number) => committed.iterate(destination),
    states: (destination: number) => states.all(destination),
    counts: (destination: number) => counts.get(destination) ?? { committed: 0, open: 0 },
  };
}

function asBatch(row: BatchRow | undefined): Batch {
  if (row === undefined) throw new SamovarError('internal', 'the ledger gave no batch back');
  return { ...row, replaces: row.replaces !== 0 };
}
