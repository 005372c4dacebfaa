import { createHash, type Hash } from 'node:crypto';
import { SamovarError } from '../errors.ts';
import type {
  LogCallOptions,
  LogPosition,
  LogRecord,
  LogSource,
  LogWriter,
} from '../mutation-log/contract.ts';

/** Where the records of one repository go. */
export interface Destination {
  /** As its bucket has it. */
  readonly log: LogSource;
  /** Asked for only when there is something to write. */
  readonly openWriter: () => Promise<LogWriter>;
  /** Removes what the writer kept on this machine, after all of it is in the bucket. */
  readonly discard: () => Promise<void>;
}

export interface Filling {
  /** The next record of the source that belongs here. Throws `conflict` where the destination has another one in its place. */
  take(payload: Uint8Array): void;
  /** In bytes, of what waits to be written. */
  waiting(): number;
  drain(): Promise<void>;
  /** After the last record: nothing waits any more, all is in the bucket. */
  finish(): Promise<Filled>;
  /** Ends early; what was written stays, and is recognised the next time. */
  abandon(): Promise<void>;
}

export interface Filled {
  /** Of the source, that belong here. */
  readonly records: number;
  /** Of their payloads. */
  readonly bytes: number;
  /** Of these, what the destination had already. */
  readonly known: number;
  readonly added: number;
  /** The destination has gone on behind them. */
  readonly ahead: boolean;
}

interface Digest {
  readonly records: number;
  readonly hash: string;
  readonly end: LogPosition;
}

/** Appended between two uploads. */
const FLUSH_BYTES = 32 * 2 ** 20;

interface State extends Destination {
  readonly url: string;
  readonly had: Digest;
  readonly dryRun: boolean;
  readonly call: LogCallOptions;
  readonly hash: Hash;
  records: number;
  bytes: number;
  known: number;
  added: number;
  buffer: Uint8Array[];
  bufferBytes: number;
  unflushedBytes: number;
  writer?: LogWriter;
  /** What an earlier run wrote and did not upload: it is compared before anything is added. */
  leftover?: AsyncIterator<LogRecord>;
}

/**
 * Fills a log with records that come in the source's order. What the log has already is compared by one hash, so that neither log is in
 * memory; what comes behind it is appended. A log that has anything else is not written to.
 */
export async function startFilling(
  destination: Destination,
  { dryRun, call }: { readonly dryRun: boolean; readonly call: LogCallOptions },
): Promise<Filling> {
  const state: State = {
    ...destination,
    url: destination.log.url,
    had: await digestOf(destination.log, call),
    dryRun,
    call,
    hash: createHash('sha256'),
    ...{ records: 0, bytes: 0, known: 0, added: 0, buffer: [], bufferBytes: 0, unflushedBytes: 0 },
  };
  return {
    take: (payload) => take(state, payload),
    waiting: () => state.bufferBytes,
    drain: () => drain(state),
    finish: () => finish(state),
    abandon: async () => state.writer?.close(),
  };
}

async function digestOf(
  log: LogSource,
  call: LogCallOptions,
  recordsMax = Number.POSITIVE_INFINITY,
): Promise<Digest> {
  const hash = createHash('sha256');
  let records = 0;
  let end = { segment: 0, offset: 0 };
  try {
    for await (const record of log.read(call)) {
      if (records === recordsMax) break;
      addTo(hash, record.payload);
      records += 1;
      end = { segment: record.segment, offset: record.end };
    }
  } catch (error) {
    // A folder that nobody has made yet.
    if (!(error instanceof SamovarError) || error.code !== 'missing') throw error;
  }
  return { records, hash: hash.digest('hex'), end };
}

function addTo(hash: Hash, payload: Uint8Array): void {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(payload.length);
  hash.update(length).update(payload);
}

function take(state: State, payload: Uint8Array): void {
  state.records += 1;
  state.bytes += payload.length;
  if (state.records <= state.had.records) {
    addTo(state.hash, payload);
    state.known += 1;
    if (state.records === state.had.records && state.hash.copy().digest('hex') !== state.had.hash)
      throw otherRecords(state);
    return;
  }
  state.buffer.push(payload);
  state.bufferBytes += payload.length;
}

async function drain(state: State): Promise<void> {
  const payloads = state.buffer;
  const bytes = state.bufferBytes;
  state.buffer = [];
  state.bufferBytes = 0;
  if (payloads.length === 0) return;
  if (state.dryRun) {
    state.added += payloads.length;
    return;
  }
  state.writer ??= await open(state);
  const added = payloads.slice(await passLeftover(state, payloads));
  if (added.length === 0) return;
  await state.writer.append(added);
  state.added += added.length;
  state.unflushedBytes += bytes;
  if (state.unflushedBytes < FLUSH_BYTES) return;
  await state.writer.flush(state.call);
  state.unflushedBytes = 0;
}

async function open(state: State): Promise<LogWriter> {
  const writer = await state.openWriter();
  const from = state.had.records === 0 ? {} : { from: state.had.end };
  state.leftover = writer.read({ ...state.call, ...from })[Symbol.asyncIterator]();
  return writer;
}

/** How many of the payloads were written by an earlier run. */
async function passLeftover(state: State, payloads: readonly Uint8Array[]): Promise<number> {
  let passed = 0;
  for (; state.leftover !== undefined && passed < payloads.length; passed += 1) {
    const next = await state.leftover.next();
    if (next.done === true) {
      state.leftover = undefined;
      return passed;
    }
    if (Buffer.compare(next.value.payload, payloads[passed] as Uint8Array) !== 0) throw otherRecords(state);
    state.known += 1;
  }
  return passed;
}

async function finish(state: State): Promise<Filled> {
  const { had, log, call } = state;
  await drain(state);
  const { records, bytes, known, added } = state;
  if (records < had.records && records > 0) {
    const begin = await digestOf(log, call, records);
    if (begin.hash !== state.hash.digest('hex')) throw otherRecords(state);
  }
  if (state.writer !== undefined) {
    await state.writer.close();
    await state.discard();
  }
  return { records, bytes, known, added, ahead: records < had.records };
}

function otherRecords({ url }: State): SamovarError {
  return new SamovarError('conflict', `the log ${url} has other records than the source has for it`, {
    subject: url,
    remedy: 'Give another destination with --to, or move that log away; nothing was added to it.',
  });
}
