import { createHash, randomUUID } from 'node:crypto';
import type { Bucket, CallOptions } from '../backends/bucket/contract.ts';
import { SamovarError } from '../errors.ts';
import { type FoundLog, findSegments, type SegmentObject } from './bucket-segments.ts';
import { createLocalSegment, type LocalSegment, openLocalSegments } from './local.ts';
import { type Manifest, readManifest, type StoredManifest, writeManifest } from './manifest.ts';
import { assertSameLog, noteHistory } from './wal.ts';

/** As maintner has it: a segment that is nearly full is not gone on with. */
export const SEGMENT_BYTES_MAX = 16 * 2 ** 20;
const NEARLY_FULL_BYTES = SEGMENT_BYTES_MAX - 4096;

export interface WriterPlace {
  readonly bucket: Bucket;
  /** Ends with a slash. */
  readonly prefix: string;
  /** Of what is not yet in the bucket: one for each log. */
  readonly folder: string;
  readonly nowMs: () => number;
  /** How long another writer must wait for one that has died. */
  readonly leaseMs: number;
}

export interface OpenedLog {
  readonly id: string;
  manifest: StoredManifest;
  /** By number, without a gap; the last one grows. At least one. */
  readonly local: LocalSegment[];
  /** Objects of the manifest's segments, by number. */
  readonly objects: Map<number, SegmentObject>;
  /** Objects that are named like segments and are none (yet): of a writer that was stopped. */
  leftovers: readonly SegmentObject[];
}

/** Takes a log over, or begins one. Throws `conflict` when another writer has it, or what lies on this disk is not part of it. */
export async function openForWriting(place: WriterPlace, id: string, call: CallOptions): Promise<OpenedLog> {
  const found = await foundBy(place, call);
  const here = await openLocalSegments(place.folder);
  try {
    await assertSameLog(place, found, here);
    const manifest = await takeOver(place, id, found, call);
    await noteHistory(place, manifest.manifest.history);
    const objects = new Map(found.segments.map((segment) => [segment.number, segment]));
    const leftovers = await removeStale(place, found.leftovers, objects, call);
    const local = await fitLocal(place, objects, here, call);
    if (local.length === 0) local.push(await beginLocal(place, found.segments.at(-1), call));
    return { id, manifest, local, objects, leftovers };
  } catch (error) {
    // One that was removed is closed already.
    await Promise.allSettled(here.map((segment) => segment.close()));
    throw error;
  }
}

/** A folder that is not there yet is made by the first write; a bucket that is not there refuses it. */
async function foundBy({ bucket, prefix }: WriterPlace, call: CallOptions): Promise<FoundLog> {
  try {
    return await findSegments(bucket, prefix, call);
  } catch (error) {
    if (!(error instanceof SamovarError) || error.code !== 'missing') throw error;
    return { manifest: undefined, segments: [], leftovers: [] };
  }
}

async function takeOver(
  place: WriterPlace,
  id: string,
  { manifest: before, segments }: FoundLog,
  call: CallOptions,
): Promise<StoredManifest> {
  const held = before?.manifest;
  if (held !== undefined && held.writer !== id && held.leaseUntilMs > place.nowMs())
    throw heldByOther(place, held);
  const manifest: Manifest = {
    format: 1,
    writer: id,
    epoch: (held?.epoch ?? 0) + 1,
    history: held?.history ?? randomUUID(),
    leaseUntilMs: place.nowMs() + place.leaseMs,
    segments: segments.map(({ number, size, sha224 }) => ({ number, size, sha224 })),
  };
  try {
    return await writeManifest(
      place.bucket,
      place.prefix,
      { manifest, generation: before?.generation ?? '0' },
      call,
    );
  } catch (error) {
    if (!(error instanceof SamovarError) || error.code !== 'conflict') throw error;
    const now = await readManifest(place.bucket, place.prefix, call);
    // The answer to an attempt of ours may have been lost.
    if (now?.manifest.writer === id && now.manifest.epoch === manifest.epoch) return now;
    throw now === undefined ? error : heldByOther(place, now.manifest);
  }
}

export function heldByOther({ bucket, prefix, nowMs }: WriterPlace, { writer, leaseUntilMs }: Manifest) {
  const seconds = Math.max(0, Math.ceil((leaseUntilMs - nowMs()) / 1000));
  return new SamovarError('conflict', `the log ${bucket.url}/${prefix} is written by another (${writer})`, {
    subject: `${bucket.url}/${prefix}`,
    remedy: `Stop the other one. If it is gone already, its hold ends in ${seconds} s.`,
  });
}

/**
 * Objects that a writer left behind when it was stopped between an upload and the removal of what that replaced. Those that the
 * manifest's segments have outgrown go; gives the others.
 */
export async function removeStale(
  { bucket }: WriterPlace,
  leftovers: readonly SegmentObject[],
  objects: ReadonlyMap<number, SegmentObject>,
  call: CallOptions,
): Promise<readonly SegmentObject[]> {
  const left: SegmentObject[] = [];
  for (const leftover of leftovers) {
    const held = objects.get(leftover.number);
    if (held?.object === leftover.object) continue;
    if (held === undefined || held.size < leftover.size) left.push(leftover);
    else await bucket.remove(leftover.object, { ...call, ifGeneration: leftover.generation });
  }
  return left;
}

/** What of this disk goes on: segments that the bucket has already are dropped. */
async function fitLocal(
  place: WriterPlace,
  objects: ReadonlyMap<number, SegmentObject>,
  local: readonly LocalSegment[],
  call: CallOptions,
): Promise<LocalSegment[]> {
  const last = Math.max(-1, ...objects.keys());
  const kept: LocalSegment[] = [];
  for (const segment of local) {
    const object = objects.get(segment.number);
    if (object === undefined) {
      if (segment.number !== (kept.at(-1)?.number ?? last) + 1)
        throw notPart(place, segment, `the bucket's last segment is ${last}`);
      kept.push(segment);
    } else if (await isBeginning(place, object, segment, call)) {
      // The bucket has as much, or more: it goes on from there.
      await segment.remove();
      if (object.number === last && object.size < NEARLY_FULL_BYTES)
        kept.push(await beginLocal(place, object, call));
    } else {
      const bytes = await segment.read(0, object.size);
      if (bytes.length !== object.size || sha224Of(bytes) !== object.sha224)
        throw notPart(place, segment, `the bucket has other records in segment ${segment.number}`);
      kept.push(segment);
    }
  }
  return kept;
}

/** The local segment is the beginning of the object, or all of it. */
async function isBeginning(
  { bucket }: WriterPlace,
  { object, size, sha224 }: SegmentObject,
  segment: LocalSegment,
  call: CallOptions,
): Promise<boolean> {
  if (segment.size() > size) return false;
  if (segment.size() === size) return segment.sha224() === sha224;
  const found = await bucket.read(object, call);
  if (typeof found !== 'object') return false;
  return sha224Of(found.bytes.subarray(0, segment.size())) === segment.sha224();
}

const sha224Of = (bytes: Uint8Array) => createHash('sha224').update(bytes).digest('hex');

function notPart({ bucket, prefix, folder }: WriterPlace, segment: LocalSegment, seen: string): SamovarError {
  return new SamovarError(
    'conflict',
    `what ${folder} holds of segment ${segment.number} is not part of the log ${bucket.url}/${prefix}: ${seen}`,
    {
      subject: folder,
      remedy:
        'Another machine has written to the log since. Move the folder away, and replay with --rebuild.',
    },
  );
}

/** Goes on with the bucket's last segment, or with the next one where that is nearly full. */
async function beginLocal(
  { bucket, folder }: WriterPlace,
  last: SegmentObject | undefined,
  call: CallOptions,
): Promise<LocalSegment> {
  if (last === undefined) return createLocalSegment(folder, 0);
  if (last.size >= NEARLY_FULL_BYTES) return createLocalSegment(folder, last.number + 1);
  const found = await bucket.read(last.object, call);
  if (typeof found === 'object' && sha224Of(found.bytes) === last.sha224)
    return createLocalSegment(folder, last.number, found.bytes);
  throw new SamovarError('malformed', `${bucket.url}/${last.object} does not have the hash of its name`, {
    subject: `${bucket.url}/${last.object}`,
    remedy: 'Run `samovar mutation-log repair` first.',
  });
}
