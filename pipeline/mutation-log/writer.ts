import pLimit from 'p-limit';
import type { CallOptions } from '../backends/bucket/contract.ts';
import { SamovarError } from '../errors.ts';
import { frameRecord, readRecords } from '../records/mutation/framing.ts';
import { assertHas, readSegment, split } from './bucket-log.ts';
import type { SegmentObject } from './bucket-segments.ts';
import type { LogPosition, LogRecord, LogSegment, LogWriter } from './contract.ts';
import { createLocalSegment, type LocalSegment } from './local.ts';
import { type Manifest, readManifest, writeManifest } from './manifest.ts';
import { segmentName } from './names.ts';
import { openWal } from './wal.ts';
import {
  heldByOther,
  type OpenedLog,
  openForWriting,
  removeStale,
  SEGMENT_BYTES_MAX,
  type WriterPlace,
} from './writer-open.ts';

export interface LogWriterOptions extends Omit<WriterPlace, 'leaseMs'> {
  /** Default 5 minutes. `flush` must be called at least that often, or the writer finds out before its next append. */
  readonly leaseMs?: number;
  /** Size at which a segment is full; default maintner's 16 MiB. */
  readonly segmentBytesMax?: number;
  readonly signal?: AbortSignal;
}

const LEASE_MS = 5 * 60_000;

interface Writing extends OpenedLog {
  readonly place: WriterPlace;
  readonly segmentBytesMax: number;
  /** Gives the local folder back. */
  readonly unlock: () => Promise<void>;
  /** Another writer has it, or it was closed: why nothing is written any more. */
  ended?: SamovarError;
}

/**
 * Opens a log for its one writer; a log that is not there begins with its first record. Throws `conflict` when another writer has it.
 * A flush that fails has lost nothing: the next one goes on.
 */
export async function openLogWriter(options: LogWriterOptions): Promise<LogWriter> {
  const { signal, segmentBytesMax = SEGMENT_BYTES_MAX, leaseMs = LEASE_MS, ...rest } = options;
  const place = { ...rest, leaseMs };
  const call = signal === undefined ? {} : { signal };
  const { id, unlock } = await openWal(place, call);
  const opened = await openForWriting(place, id, call).catch(async (error: unknown) => {
    await unlock();
    throw error;
  });
  const writing: Writing = { ...opened, place, segmentBytesMax, unlock };
  // Appends, flushes and the end take turns.
  const turn = pLimit(1);
  return {
    end: () => ({ segment: growing(writing).number, offset: growing(writing).size() }),
    append: (payloads) => turn(() => append(writing, payloads)),
    flush: (own = {}) => turn(() => flush(writing, own)),
    segments: () => segmentsOf(writing),
    read: (own = {}) => readAll(writing, own),
    bytes: (segment, range) => bytesOf(writing, segment, range),
    close: () => turn(() => close(writing)),
  };
}

function growing({ local }: Writing): LocalSegment {
  const last = local.at(-1);
  if (last === undefined) throw new SamovarError('internal', 'a log without a segment that grows');
  return last;
}

async function append(writing: Writing, payloads: readonly Uint8Array[]): Promise<readonly LogRecord[]> {
  if (writing.ended !== undefined) throw writing.ended;
  const { place, manifest, segmentBytesMax } = writing;
  // Somebody else may have it by now: that shows when the lease is renewed.
  if (manifest.manifest.leaseUntilMs <= place.nowMs()) await flush(writing, {});
  const records: LogRecord[] = [];
  let batch: Uint8Array[] = [];
  let offset = growing(writing).size();
  const write = async () => {
    if (batch.length > 0) await growing(writing).append(Buffer.concat(batch));
    batch = [];
  };
  for (const payload of payloads) {
    if (offset > 0 && offset + payload.length > segmentBytesMax) {
      await write();
      writing.local.push(await createLocalSegment(place.folder, growing(writing).number + 1));
      offset = 0;
    }
    const bytes = frameRecord(offset, payload);
    batch.push(bytes);
    records.push({ segment: growing(writing).number, offset, end: offset + bytes.length, payload });
    offset += bytes.length;
  }
  await write();
  return records;
}

async function flush(writing: Writing, call: CallOptions): Promise<void> {
  if (writing.ended !== undefined) throw writing.ended;
  const { place, manifest } = writing;
  const known = new Map(manifest.manifest.segments.map((segment) => [segment.number, segment.sha224]));
  const news = writing.local.filter(
    (segment) => segment.size() > 0 && known.get(segment.number) !== segment.sha224(),
  );
  const fresh = manifest.manifest.leaseUntilMs - place.nowMs() > place.leaseMs / 2;
  if (news.length === 0 && fresh) return;
  const uploaded: SegmentObject[] = [];
  for (const segment of news) uploaded.push(await upload(writing, segment, call));
  await swap(writing, uploaded, place.nowMs() + place.leaseMs, call);
  await tidy(writing, uploaded, call);
}

/** The bytes as a new object. One that is there already has the same bytes: its name has their hash. */
async function upload(
  { place: { bucket, prefix } }: Writing,
  segment: LocalSegment,
  call: CallOptions,
): Promise<SegmentObject> {
  const size = segment.size();
  const parsed = { number: segment.number, sha224: segment.sha224() };
  const object = `${prefix}${segmentName(parsed)}`;
  const bytes = await segment.read(0, size);
  try {
    const generation = await bucket.write(object, bytes, {
      ...call,
      ifGeneration: '0',
      contentType: 'application/octet-stream',
    });
    return { ...parsed, size, object, generation };
  } catch (error) {
    if (!(error instanceof SamovarError) || error.code !== 'conflict') throw error;
    const found = await bucket.read(object, { ...call, bytesMax: size });
    if (typeof found !== 'object' || Buffer.compare(found.bytes, bytes) !== 0) throw error;
    return { ...parsed, size, object, generation: found.generation };
  }
}

async function swap(
  writing: Writing,
  uploaded: readonly SegmentObject[],
  leaseUntilMs: number,
  call: CallOptions,
): Promise<void> {
  const { place, id } = writing;
  const { epoch, history, segments } = writing.manifest.manifest;
  const next = new Map(segments.map((segment) => [segment.number, segment]));
  for (const { number, size, sha224 } of uploaded) next.set(number, { number, size, sha224 });
  const manifest: Manifest = {
    format: 1,
    writer: id,
    epoch,
    ...(history !== undefined && { history }),
    leaseUntilMs,
    segments: [...next.values()].sort((a, b) => a.number - b.number),
  };
  const write = (generation: string) =>
    writeManifest(place.bucket, place.prefix, { manifest, generation }, call);
  try {
    writing.manifest = await write(writing.manifest.generation);
  } catch (error) {
    if (!(error instanceof SamovarError) || error.code !== 'conflict') throw error;
    const now = await readManifest(place.bucket, place.prefix, call);
    if (now?.manifest.writer !== id || now.manifest.epoch !== epoch) {
      writing.ended = now === undefined ? error : heldByOther(place, now.manifest);
      throw writing.ended;
    }
    // It is ours: the answer to an earlier attempt was lost.
    writing.manifest = await write(now.generation);
  }
}

/** After the manifest says so: objects that were replaced go, and so does what of this disk is whole and in the bucket. */
async function tidy(writing: Writing, uploaded: readonly SegmentObject[], call: CallOptions): Promise<void> {
  const { place, objects, local } = writing;
  for (const object of uploaded) {
    const old = objects.get(object.number);
    objects.set(object.number, object);
    if (old !== undefined && old.object !== object.object)
      await place.bucket.remove(old.object, { ...call, ifGeneration: old.generation });
  }
  writing.leftovers = await removeStale(place, writing.leftovers, objects, call);
  const last = growing(writing);
  for (const segment of local.filter((one) => one !== last && objects.get(one.number)?.size === one.size())) {
    local.splice(local.indexOf(segment), 1);
    await segment.remove();
  }
}

/** A log that nobody holds may be taken over at once. */
async function close(writing: Writing): Promise<void> {
  const { local } = writing;
  try {
    if (writing.ended !== undefined) return;
    await flush(writing, {});
    await swap(writing, [], 0, {});
  } finally {
    writing.ended ??= new SamovarError('aborted', 'the log was closed');
    await Promise.allSettled(local.map((segment) => segment.close()));
    await writing.unlock();
  }
}

function segmentsOf({ manifest, local, objects }: Writing): readonly LogSegment[] {
  const last = local.at(-1)?.number;
  const mine = new Map(local.map((segment) => [segment.number, segment]));
  const remote = manifest.manifest.segments
    .filter(({ number }) => !mine.has(number))
    .map((segment) => ({ ...segment, name: objects.get(segment.number)?.object ?? '', growing: false }));
  const here = local
    .filter((segment) => segment.size() > 0)
    .map((segment) => {
      const parsed = { number: segment.number, sha224: segment.sha224() };
      return { ...parsed, size: segment.size(), name: segmentName(parsed), growing: segment.number === last };
    });
  return [...remote, ...here];
}

async function* readAll(
  writing: Writing,
  { from = { segment: 0, offset: 0 }, ...call }: CallOptions & { readonly from?: LogPosition },
): AsyncGenerator<LogRecord> {
  const { place, local, objects } = writing;
  const segments = segmentsOf(writing);
  assertHas(segments, from, `${place.bucket.url}/${place.prefix}`);
  for (const { number, size } of segments.filter((segment) => segment.number >= from.segment)) {
    const begin = number === from.segment ? from.offset : 0;
    const mine = local.find((segment) => segment.number === number);
    const object = objects.get(number);
    if (mine !== undefined) yield* readLocal(mine, begin, size);
    else if (object !== undefined) {
      for await (const record of readSegment(place.bucket, object, begin, call)) {
        if (record === 'gone')
          throw new SamovarError('missing', `${place.bucket.url}/${object.object} is gone`, {
            subject: object.object,
          });
        yield record;
      }
    }
  }
}

async function* readLocal(segment: LocalSegment, begin: number, size: number): AsyncGenerator<LogRecord> {
  const name = `local segment ${segment.number}`;
  if (begin > size) throw split(name, begin);
  const bytes = await segment.read(begin, size);
  for await (const record of readRecords([bytes], { name, start: begin }))
    yield { segment: segment.number, ...record };
}

async function bytesOf(
  { place, local, objects }: Writing,
  number: number,
  { start, end }: { readonly start: number; readonly end: number },
): Promise<Uint8Array> {
  const mine = local.find((segment) => segment.number === number);
  if (mine !== undefined) return mine.read(start, end);
  const object = objects.get(number);
  const found = object && (await place.bucket.read(object.object));
  if (typeof found === 'object') return found.bytes.subarray(start, end);
  throw new SamovarError('missing', `the log has no segment ${number}`, { subject: place.prefix });
}
