import { SamovarError } from '../errors.ts';
import type { PackedRow } from '../records/chunk.ts';
import type { Batch } from '../store/ledger.ts';
import type { Store } from '../store/open.ts';
import type { PendingRow, RowSource } from '../store/rows.ts';
import type { RowSink } from './sinks.ts';

const PAGE_ROWS = 200;
const PAGE_BYTES = 32 * 2 ** 20;

export interface EmitRequest {
  /** Id of the ledger's destination. */
  readonly destination: number;
  /** Where rows are taken from; default: the builds' rows. */
  readonly source?: RowSource;
  /** The output becomes all the destination has: rows emitted before are emitted again. */
  readonly replaces: boolean;
  /** Epoch seconds: builds finished in [since, before). */
  readonly finishedSince: number;
  readonly finishedBefore: number;
  /** Only these builds, whatever was emitted before. */
  readonly paths?: readonly string[];
  /** Of these builds only, by their ids, what the destination lacks. */
  readonly builds?: readonly number[];
  /** Changes a row on its way out. */
  readonly transform?: (row: PendingRow) => Promise<PackedRow>;
  /** Leaves out builds of which it says no, by their path. */
  readonly keep?: (path: string) => boolean;
  /** Stop after this many bytes as stored (compressed); the rest is the next batch's. */
  readonly storedBytesMax?: number;
}

export interface Emission {
  /** Pending until it is loaded (or, for plain output, committed by the caller). */
  readonly batch: Batch;
  readonly rows: number;
  /** Of NDJSON. */
  readonly bytes: number;
  readonly fileBytes: number | undefined;
  readonly sha256: string | undefined;
  readonly firstFinished: number | undefined;
  readonly lastFinished: number | undefined;
  /** More rows are waiting: the size limit came first. */
  readonly more: boolean;
}

export interface EmitOptions {
  readonly signal: AbortSignal;
  readonly onRows?: (rows: number, bytes: number) => void;
}

/**
 * Writes what a destination lacks. Never marks anything as emitted: the batch stays pending, and only the stage that sees the
 * destination commit it commits the batch. On any error the batch is discarded and the output abandoned.
 */
export async function emitRows(
  store: Store,
  request: EmitRequest,
  sink: RowSink,
  options: EmitOptions,
): Promise<Emission> {
  const batch = await begin(store, request, sink);
  try {
    return await writeRows(store, request, sink, { ...options, batch });
  } catch (error) {
    await sink.abandon();
    store.transaction(() => store.ledger.discard(batch));
    throw error;
  }
}

async function begin(store: Store, { destination, replaces }: EmitRequest, sink: RowSink): Promise<Batch> {
  try {
    return store.transaction(() => store.ledger.begin(destination, replaces));
  } catch (error) {
    await sink.abandon();
    throw error;
  }
}

async function writeRows(
  store: Store,
  request: EmitRequest,
  sink: RowSink,
  run: EmitOptions & { readonly batch: Batch },
): Promise<Emission> {
  let rows = 0;
  let bytes = 0;
  let stored = 0;
  let first: number | undefined;
  let last: number | undefined;
  let more = false;
  for (const found of pages(store, request)) {
    const page = request.keep === undefined ? found : found.filter(({ path }) => request.keep?.(path));
    for (const row of page) {
      if (run.signal.aborted)
        throw new SamovarError('aborted', 'stopped while writing rows; nothing counts as emitted');
      await sink.write((await request.transform?.(row)) ?? row);
      rows += 1;
      bytes += row.bytes;
      stored += row.data.length;
      first ??= row.finishedAt;
      last = row.finishedAt;
    }
    store.transaction(() =>
      store.ledger.add(
        run.batch,
        page.map((row) => ({ item: row.build, version: row.version })),
      ),
    );
    run.onRows?.(rows, bytes);
    if (stored >= (request.storedBytesMax ?? Number.POSITIVE_INFINITY)) {
      more = true;
      break;
    }
  }
  const file = await sink.finish();
  return {
    batch: run.batch,
    rows,
    bytes,
    fileBytes: file?.fileBytes,
    sha256: file?.sha256,
    firstFinished: first,
    lastFinished: last,
    more,
  };
}

/** Pages are read one by one, so that a writer may come between and memory holds one page only. */
function* pages({ rows }: Store, request: EmitRequest): Generator<readonly PendingRow[]> {
  const source = request.source ?? rows;
  if (request.paths !== undefined) {
    for (let at = 0; at < request.paths.length; at += PAGE_ROWS) {
      yield source.byPaths(request.destination, request.paths.slice(at, at + PAGE_ROWS));
    }
    return;
  }
  const filter = { ...request, everything: request.replaces };
  if (request.builds !== undefined) {
    for (let at = 0; at < request.builds.length; at += PAGE_ROWS) {
      yield source.pendingAmong(filter, request.builds.slice(at, at + PAGE_ROWS));
    }
    return;
  }
  let after: PendingRow | undefined;
  let limit = PAGE_ROWS;
  while (true) {
    const page = source.pending(filter, after, limit);
    const end = page.at(-1);
    if (end === undefined) return;
    yield page;
    after = end;
    const size = page.reduce((sum, row) => sum + row.data.length, 0);
    // Rows may be huge: keep a page's bytes near the bound whatever their number.
    limit = Math.max(1, Math.min(PAGE_ROWS, Math.floor((page.length * PAGE_BYTES) / Math.max(size, 1))));
  }
}
