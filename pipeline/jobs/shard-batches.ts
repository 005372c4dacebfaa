import type { TableSpec } from '../backends/warehouse/contract.ts';
import type { TableConfig } from '../config/tables.ts';
import { gzipFileSink, type RowSink } from '../emit/sinks.ts';
import { SamovarError } from '../errors.ts';
import type { PackedRow } from '../records/chunk.ts';
import type { Batch } from '../store/ledger.ts';
import { describeFile, fileOf, loadFile, type TablesContext } from './tables.ts';

/** Of stored rows in one load: 10^8 builds are some hundreds of loads, and BigQuery takes 1,500 of a table in a day. */
const LOAD_BYTES_MAX = 2 ** 30;
/** A batch's items are looked through in memory. */
const LOAD_ROWS_MAX = 500_000;
/** BigQuery writes to at most 4,000 partitions in one job, and 30,000 times to partitions of a table in a day. */
const LOAD_DAYS_MAX = 500;

export interface TakenRow {
  readonly row: PackedRow | undefined;
  /** Epoch seconds. */
  readonly finishedAt: number;
}

/** Loads of one table, filled one after the other. */
export interface LoadBatches {
  /** The batch that is being filled. */
  current(): Batch | undefined;
  /** The batch for rows of a day, a new one when the last is full. Its rows go to the ledger first, then to `write`. */
  open(day: string): Promise<Batch>;
  write(rows: readonly TakenRow[]): Promise<void>;
  /** Loads what has been written. */
  end(): Promise<void>;
  /** Drops what has been written and not loaded: its rows are free again. */
  abandon(): Promise<void>;
  loads(): number;
}

interface Filling {
  readonly batch: Batch;
  readonly sink: RowSink;
  readonly days: Set<string>;
  rows: number;
  bytes: number;
  stored: number;
  first: number | undefined;
  last: number | undefined;
}

export interface LoadBatchOptions {
  /** Id of the ledger's. */
  readonly destination: number;
  /** Of stored rows in one load. */
  readonly loadBytesMax?: number | undefined;
}

/** As an emission's batches: file, manifest, load, ledger; a stop at any moment is what `recover` ends. */
export function createLoadBatches(
  context: TablesContext,
  table: TableConfig,
  spec: TableSpec,
  { destination, loadBytesMax = LOAD_BYTES_MAX }: LoadBatchOptions,
): LoadBatches {
  const { store } = context;
  let filling: Filling | undefined;
  let loads = 0;
  const end = async () => {
    const ended = filling;
    if (ended === undefined) return;
    const items = store.ledger.items(ended.batch).map(({ item }) => item);
    try {
      await finish(context, table, ended);
      filling = undefined;
      loads += 1;
      await loadFile(context, table, spec, ended.batch);
    } catch (error) {
      store.transaction(() => store.shards.forgetBare(items));
      throw error;
    }
  };
  return {
    current: () => filling?.batch,
    loads: () => loads,
    end,
    async open(day) {
      if (filling !== undefined && isFull(filling, day, loadBytesMax)) await end();
      filling ??= await begin(context, table, destination);
      filling.days.add(day);
      return filling.batch;
    },
    async write(rows) {
      if (filling === undefined) throw new SamovarError('internal', 'rows were written to no batch');
      for (const { row, finishedAt } of rows) {
        if (row === undefined) throw new SamovarError('internal', 'a row was taken and is not there');
        await filling.sink.write(row);
        filling.rows += 1;
        filling.bytes += row.bytes;
        filling.stored += row.data.length;
        filling.first = Math.min(filling.first ?? finishedAt, finishedAt);
        filling.last = Math.max(filling.last ?? finishedAt, finishedAt);
      }
    },
    async abandon() {
      const dropped = filling;
      filling = undefined;
      if (dropped === undefined) return;
      await dropped.sink.abandon();
      const items = store.ledger.items(dropped.batch).map(({ item }) => item);
      store.transaction(() => {
        store.ledger.discard(dropped.batch);
        store.shards.forgetBare(items);
      });
    },
  };
}

function isFull({ stored, rows, days }: Filling, day: string, bytesMax: number): boolean {
  return stored >= bytesMax || rows >= LOAD_ROWS_MAX || (!days.has(day) && days.size >= LOAD_DAYS_MAX);
}

async function begin(context: TablesContext, table: TableConfig, destination: number): Promise<Filling> {
  const sink = await gzipFileSink(fileOf(context, table));
  const batch = context.store.transaction(() => context.store.ledger.begin(destination, false));
  return { batch, sink, days: new Set(), rows: 0, bytes: 0, stored: 0, first: undefined, last: undefined };
}

async function finish(context: TablesContext, table: TableConfig, ended: Filling): Promise<void> {
  const { batch, sink, rows, bytes, first, last } = ended;
  const file = await sink.finish();
  await describeFile(context, table.name, fileOf(context, table), {
    batch,
    rows,
    bytes,
    fileBytes: file?.fileBytes,
    sha256: file?.sha256,
    firstFinished: first,
    lastFinished: last,
    more: false,
  });
}
