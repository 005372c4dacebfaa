import { createHash } from 'node:crypto';
import { SamovarError } from '../errors.ts';
import type { LogPosition, LogRecord, LogSource } from '../mutation-log/contract.ts';
import type { CorpusRepo, LastRecord } from '../store/corpus-types.ts';
import type { Store } from '../store/open.ts';

/** Of records in one transaction: enough that its sync to disk is not what takes the time, few enough that others get a turn. */
const BATCH_BYTES = 8 << 20;
const BATCH_RECORDS_MAX = 20_000;

export interface Replay {
  readonly store: Pick<Store, 'transaction'>;
  readonly repo: CorpusRepo;
  readonly source: LogSource;
}

export interface ReplayProgress {
  readonly records: number;
  /** Of the log, headers included. */
  readonly bytes: number;
  /** What there was to read when the replay began; the log may grow meanwhile. */
  readonly bytesTotal: number;
}

export interface ReplayOptions {
  /** Forget what is known of the repository and begin with the log's first record. */
  readonly rebuild?: boolean;
  /** Stops between two transactions: what has been applied stays. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ReplayProgress) => void;
  /** In the transaction that applies the records, after it did. */
  readonly within?: (records: readonly LogRecord[]) => void;
  /** Payload bytes of one transaction. */
  readonly batchBytes?: number;
}

export interface ReplayResult extends ReplayProgress {
  /** The end of the log as far as it has been applied; undefined: it is empty. */
  readonly position: LogPosition | undefined;
}

/**
 * Brings a repository of the corpus up to the end of its log: from where it is, or from the beginning. Memory holds one transaction's
 * records, however long the log. Throws `conflict` when the log is not the one that was replayed before, `malformed` where a record
 * is torn or wrong, `aborted`; what was applied until then stays, and the next replay goes on behind it.
 */
export async function replayLog(replay: Replay, options: ReplayOptions = {}): Promise<ReplayResult> {
  const { store, repo, source } = replay;
  if (options.rebuild === true) store.transaction(() => repo.clear());
  const bytesTotal = await bytesAfter(source, repo.position(), options.signal);
  const done = { records: 0, bytes: 0 };
  for await (const batch of batches(newRecords(replay, options.signal), options.batchBytes ?? BATCH_BYTES)) {
    store.transaction(() => {
      repo.apply(batch);
      options.within?.(batch);
    });
    done.records += batch.length;
    for (const { offset, end } of batch) done.bytes += end - offset;
    options.onProgress?.({ ...done, bytesTotal });
    if (options.signal?.aborted === true) throw aborted(options.signal);
  }
  return { ...done, bytesTotal, position: repo.position() };
}

async function bytesAfter(
  source: LogSource,
  from: LogPosition | undefined,
  signal?: AbortSignal,
): Promise<number> {
  const segments = await source.segments({ signal });
  return segments.reduce((sum, { number, size }) => {
    if (from === undefined || number > from.segment) return sum + size;
    return number === from.segment ? sum + Math.max(0, size - from.offset) : sum;
  }, 0);
}

/** Records behind the last applied one, which is read once more: it must still be there, as it was. */
async function* newRecords({ repo, source }: Replay, signal?: AbortSignal): AsyncGenerator<LogRecord> {
  const last = repo.last();
  if (last === undefined) {
    yield* source.read({ signal });
    return;
  }
  const from = { segment: last.segment, offset: last.offset };
  const records = source.read({ signal, from })[Symbol.asyncIterator]();
  try {
    const first = await records.next().catch((cause) => {
      throw isSplit(cause) ? split(repo, source, last, cause) : cause;
    });
    if (first.done === true || !isSame(first.value, last)) throw split(repo, source, last);
    yield* { [Symbol.asyncIterator]: () => records };
  } finally {
    await records.return?.();
  }
}

function isSame(record: LogRecord, last: LastRecord): boolean {
  return (
    record.segment === last.segment &&
    record.offset === last.offset &&
    record.end === last.end &&
    createHash('sha256').update(record.payload).digest('hex') === last.sha256
  );
}

/** A place that this log does not have. */
function isSplit(error: unknown): boolean {
  return error instanceof SamovarError && error.code === 'conflict';
}

function split(repo: CorpusRepo, { url }: LogSource, last: LastRecord, cause?: unknown): SamovarError {
  const record = `segment ${last.segment}, offset ${last.offset}`;
  return new SamovarError(
    'conflict',
    `${repo.owner}/${repo.name} was not replayed from the log at ${url}: the record applied last, at ${record}, is not there`,
    {
      subject: url,
      remedy:
        'If the log was replaced, replay all of it with --rebuild. If it is a copy that lags behind, wait until it has caught up.',
      cause,
    },
  );
}

async function* batches(
  records: AsyncIterable<LogRecord>,
  bytesMax: number,
): AsyncGenerator<readonly LogRecord[]> {
  let batch: LogRecord[] = [];
  let bytes = 0;
  for await (const record of records) {
    batch.push(record);
    bytes += record.payload.length;
    if (bytes < bytesMax && batch.length < BATCH_RECORDS_MAX) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function aborted(signal: AbortSignal): SamovarError {
  return new SamovarError('aborted', 'stopped while replaying', {
    remedy: 'Run it again: it goes on where it stopped.',
    cause: signal.reason,
  });
}
