import type {
  Appender,
  AppendOutcome,
  AppendPlace,
  EncodedRow,
  TableSpec,
} from '../backends/warehouse/contract.ts';
import { describeError, isRetryable, SamovarError } from '../errors.ts';
import { unpackRow } from '../records/chunk.ts';
import type { Batch } from '../store/ledger.ts';
import type { Store } from '../store/open.ts';
import type { PendingRow } from '../store/rows.ts';

const ATTEMPTS_MAX = 4;
const RETRY_DELAY_MS = 500;

export interface AppendContext {
  readonly store: Store;
  readonly appender: Appender;
  /** For the ledger: where the rows went. */
  readonly warehouseUrl: string;
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
  readonly onRetry?: () => void;
}

export interface AppendTarget {
  /** Id of the ledger's destination. */
  readonly destination: number;
  readonly table: TableSpec;
}

export interface Appended {
  readonly rows: readonly PendingRow[];
  /** Too large to be appended: for a load job. */
  readonly tooLarge: readonly PendingRow[];
  /** The table can never take them; each has a dead letter with its reason. */
  readonly refused: readonly PendingRow[];
}

interface Encoded {
  readonly row: PendingRow;
  readonly encoded: EncodedRow;
}

/**
 * Appends rows, in batches below the appender's limits. The ledger knows where a batch goes before it is sent, and moves only when
 * it is in. An append whose answer was lost is sent again to the same place, which settles it; where even that gives no answer
 * the batch stays open for `recoverAppend`, and this throws.
 */
export async function appendRows(
  context: AppendContext,
  target: AppendTarget,
  rows: readonly PendingRow[],
): Promise<Appended> {
  const appended: PendingRow[] = [];
  const tooLarge: PendingRow[] = [];
  const refused: PendingRow[] = [];
  const encoded: Encoded[] = [];
  for (const row of rows) {
    const made = encode(context, target, row);
    if (made === 'too-large') tooLarge.push(row);
    else if (made === 'refused') refused.push(row);
    else encoded.push({ row, encoded: made });
  }
  for (const part of partsOf(encoded, context.appender.limits)) {
    const outcome = await appendPart(context, target, part);
    appended.push(...outcome.rows);
    tooLarge.push(...outcome.tooLarge);
    refused.push(...outcome.refused);
  }
  return { rows: appended, tooLarge, refused };
}

function encode(
  { store, appender, nowMs }: AppendContext,
  { table }: AppendTarget,
  row: PendingRow,
): EncodedRow | 'too-large' | 'refused' {
  try {
    const line = unpackRow(row.data, row.bytes);
    const encoded = appender.encode(table, {
      line: line.subarray(0, line.length - 1),
      key: row.path,
      version: row.version,
      writtenMs: nowMs(),
    });
    return encoded.bytes > appender.limits.bytesMax ? 'too-large' : encoded;
  } catch (error) {
    if (!(error instanceof SamovarError)) throw error;
    if (error.code === 'too-large') return 'too-large';
    if (error.code !== 'malformed') throw error;
    refuse(store, table, [{ row, reason: describeError(error) }]);
    return 'refused';
  }
}

function* partsOf(rows: readonly Encoded[], { rowsMax, bytesMax }: Appender['limits']): Generator<Encoded[]> {
  let part: Encoded[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (part.length > 0 && (part.length >= rowsMax || bytes + row.encoded.bytes > bytesMax)) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(row);
    bytes += row.encoded.bytes;
  }
  if (part.length > 0) yield part;
}

/** One batch: rows that are refused leave it, and the others are sent again without them. */
async function appendPart(
  context: AppendContext,
  target: AppendTarget,
  part: readonly Encoded[],
): Promise<Appended> {
  const { store } = context;
  const batch = beginBatch(store, target.destination, part);
  const refused: PendingRow[] = [];
  let left = part;
  while (left.length > 0) {
    const place = await placeOf(context, target);
    const outcome = await sendUntilKnown(context, target, batch, { place, rows: left });
    if (outcome.refused.length === 0) {
      const tooLarge = new Set(outcome.tooLarge);
      const written = left.filter((_, at) => !tooLarge.has(at)).map(({ row }) => row);
      const large = left.filter((_, at) => tooLarge.has(at)).map(({ row }) => row);
      commit(store, target, batch, { place, written, large });
      return { rows: written, tooLarge: large, refused };
    }
    const reasons = new Map(outcome.refused.map(({ index, reason }) => [index, reason]));
    const out = left.flatMap(({ row }, at) => {
      const reason = reasons.get(at);
      return reason === undefined ? [] : [{ row, reason }];
    });
    refuse(store, target.table, out, batch);
    refused.push(...out.map(({ row }) => row));
    left = left.filter((_, at) => !reasons.has(at));
  }
  store.transaction(() => store.ledger.discard(batch));
  return { rows: [], tooLarge: [], refused };
}

function beginBatch(store: Store, destination: number, part: readonly Encoded[]): Batch {
  return store.transaction(() => {
    const batch = store.ledger.begin(destination, false);
    store.ledger.add(
      batch,
      part.map(({ row }) => ({ item: row.build, version: row.version })),
    );
    return batch;
  });
}

/** The stored stream, or a new one: its name is stored before anything is sent to it. */
async function placeOf(context: AppendContext, { destination, table }: AppendTarget): Promise<AppendPlace> {
  const { store, appender, signal } = context;
  const known = store.streams.get(destination);
  if (known !== undefined) return known;
  const place = await appender.open(table, { signal });
  if (place.stream !== '') store.transaction(() => store.streams.set(destination, place));
  return place;
}

async function sendUntilKnown(
  context: AppendContext,
  { table }: AppendTarget,
  batch: Batch,
  { place, rows }: { readonly place: AppendPlace; readonly rows: readonly Encoded[] },
): Promise<AppendOutcome> {
  const { store, appender, warehouseUrl, signal } = context;
  const bytes = rows.reduce((sum, { row }) => sum + row.bytes, 0);
  store.transaction(() => {
    store.ledger.describe(batch, { rows: rows.length, bytes });
    store.ledger.send(batch, { jobId: placeText(batch, place), warehouse: warehouseUrl, attempt: 0 });
  });
  for (let tries = 1; ; tries += 1) {
    try {
      return await appender.append({ table, place, rows: rows.map(({ encoded }) => encoded) }, { signal });
    } catch (error) {
      if (!isRetryable(error) || signal.aborted || tries >= ATTEMPTS_MAX) throw error;
      context.onRetry?.();
      await context.sleep(RETRY_DELAY_MS * 2 ** (tries - 1));
    }
  }
}

function commit(
  store: Store,
  { destination, table }: AppendTarget,
  batch: Batch,
  done: {
    readonly place: AppendPlace;
    readonly written: readonly PendingRow[];
    readonly large: readonly PendingRow[];
  },
): void {
  store.transaction(() => {
    store.ledger.remove(
      batch,
      done.large.map(({ build }) => build),
    );
    if (done.place.stream !== '') {
      store.streams.set(destination, {
        stream: done.place.stream,
        offset: done.place.offset + done.written.length,
      });
    }
    if (done.written.length > 0) store.ledger.commit(batch);
    else store.ledger.discard(batch);
    for (const { path } of done.written) store.deadLetters.resolve('load', rowSubject(table, path));
  });
}

function refuse(
  store: Store,
  table: TableSpec,
  rows: readonly { readonly row: PendingRow; readonly reason: string }[],
  batch?: Batch,
): void {
  store.transaction(() => {
    for (const { row, reason } of rows) {
      store.deadLetters.add({
        kind: 'load',
        subject: rowSubject(table, row.path),
        code: 'malformed',
        reason,
      });
    }
    if (batch !== undefined)
      store.ledger.remove(
        batch,
        rows.map(({ row }) => row.build),
      );
  });
}

const rowSubject = (table: TableSpec, path: string) => `${table.name} ← ${path}`;

/** What the ledger keeps of an append: `<stream>@<offset>`, or a name of its own where there are no streams. */
function placeText(batch: Batch, { stream, offset }: AppendPlace): string {
  return stream === ''
    ? `insert-all:${batch.destination}:${batch.generation}`
    : `${stream}@${offset}#${batch.generation}`;
}

/** True for a batch that an appender sent, not a load job. */
export function isAppend(batch: Batch): boolean {
  return placeOfText(batch.jobId) !== undefined;
}

function placeOfText(text: string | null): AppendPlace | undefined {
  if (text === null) return undefined;
  if (text.startsWith('insert-all:')) return { stream: '', offset: 0 };
  const [, stream, offset] = /^(.*)@(\d+)#\d+$/.exec(text) ?? [];
  return stream === undefined || offset === undefined ? undefined : { stream, offset: Number(offset) };
}

/**
 * Ends a batch whose append was under way when the process stopped: asks how many rows its stream has had, and where no server can
 * tell, which of its rows the table has (`present`). Nothing is sent again before that is known. Gives the rows that were in.
 */
export async function recoverAppend(
  context: AppendContext,
  target: AppendTarget,
  batch: Batch,
  present: (
    items: readonly { readonly item: number; readonly version: number }[],
  ) => Promise<ReadonlySet<number>>,
): Promise<number> {
  const { store, appender, signal } = context;
  const place = placeOfText(batch.jobId) ?? { stream: '', offset: 0 };
  const had = place.stream === '' ? undefined : await appender.settle(place, { signal });
  const items = store.ledger.items(batch);
  const inside =
    had === undefined
      ? await present(items)
      : new Set(had >= place.offset + items.length ? items.map(({ item }) => item) : []);
  store.transaction(() => {
    store.streams.forget(target.destination);
    if (inside.size === 0) return store.ledger.discard(batch);
    store.ledger.remove(
      batch,
      items.map(({ item }) => item).filter((item) => !inside.has(item)),
    );
    store.ledger.commit(batch);
  });
  return inside.size;
}
