import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import type { CallOptions } from '../backends/bucket/contract.ts';
import { SamovarError } from '../errors.ts';
import { archivePrefix, archiveTime } from '../mutation-log/archive.ts';
import type { SegmentObject } from '../mutation-log/bucket-segments.ts';
import { segmentName } from '../mutation-log/names.ts';
import { type Compared, type CopyState, compareLogs, segmentGone } from './mutation-copy-compare.ts';
import { type BucketPlace, findLog, type HeldLog, holdLog, urlOf } from './mutation-copy-hold.ts';

export interface CopyOptions {
  readonly nowMs: () => number;
  readonly signal?: AbortSignal;
  /** A destination with other records is archived, and then made the source's copy. */
  readonly replace?: boolean;
  /** Reads what the destination has already, too. */
  readonly check?: boolean;
  /** Only compares. */
  readonly dryRun?: boolean;
  /** Told after each object. */
  readonly onProgress?: (progress: CopyProgress) => void;
}

export interface CopyProgress {
  /** Of what was missing when the copying began. */
  readonly segments: number;
  readonly segmentsTotal: number;
  readonly bytes: number;
}

export interface CopyResult {
  readonly from: string;
  readonly to: string;
  /** What the destination was before. */
  readonly state: CopyState;
  /** Copied, or in a dry run: to be copied. */
  readonly segments: number;
  readonly bytes: number;
  /** Of the source, what the destination had already. */
  readonly known: number;
  /** Where the destination's former log is kept. */
  readonly archive?: string;
}

/** Segments in memory at once: of 16 MiB each. */
const SEGMENTS_AT_ONCE = 4;
const LOOKS_MAX = 3;

/**
 * Copies a log, segment by segment. What the destination has is not copied again, so that a stop at any point costs one segment; what
 * is copied is read back and has the hash of its name. Readers of the destination see the former log until all of the new one is
 * there. Throws `conflict` where the destination has other records, or a writer; `malformed` where a segment does not have its hash.
 */
export async function copyLog(from: BucketPlace, to: BucketPlace, options: CopyOptions): Promise<CopyResult> {
  for (let looks = 1; ; looks += 1) {
    try {
      return await copyOnce(from, to, options);
    } catch (error) {
      // The source's writer has replaced its last segment meanwhile.
      const moved = error instanceof SamovarError && error.code === 'unavailable';
      if (!moved || looks === LOOKS_MAX || options.signal?.aborted === true) throw error;
    }
  }
}

async function copyOnce(from: BucketPlace, to: BucketPlace, options: CopyOptions): Promise<CopyResult> {
  const call = callOf(options);
  const source = { place: from, log: await findLog(from, call) };
  if (source.log.segments.length === 0) throw noLog(from);
  const before = await compareLogs(source, { place: to, log: await findLog(to, call) }, call);
  if (options.dryRun === true) return resultOf(from, to, source.log.segments, before);
  if (before.state === 'split' && options.replace !== true) throw otherRecords(from, to);
  if (before.state === 'same' || before.state === 'ahead') {
    if (options.check === true) await checkSegments(to, (await findLog(to, call)).segments, options);
    return resultOf(from, to, source.log.segments, before);
  }
  const held = await holdLog(to, { nowMs: options.nowMs, ...call });
  try {
    // It may have been written to until it was held.
    const compared = await compareLogs(source, { place: to, log: held.found }, call);
    if (compared.state === 'split' && options.replace !== true) throw otherRecords(from, to);
    const archive = compared.state === 'split' ? await archiveLog(to, options) : undefined;
    if (compared.state !== 'ahead')
      await bringOver({ from, to, held, options }, source.log.segments, compared);
    return { ...resultOf(from, to, source.log.segments, compared), ...(archive && { archive }) };
  } finally {
    await held.release();
  }
}

function resultOf(
  from: BucketPlace,
  to: BucketPlace,
  segments: readonly SegmentObject[],
  { state, missing }: Compared,
): CopyResult {
  return {
    from: urlOf(from),
    to: urlOf(to),
    state,
    segments: missing.length,
    bytes: missing.reduce((sum, { size }) => sum + size, 0),
    known: segments.length - missing.length,
  };
}

/** Keeps a copy of a log in the same bucket; gives its URL. */
export async function archiveLog(
  place: BucketPlace,
  options: Pick<CopyOptions, 'nowMs' | 'signal'>,
  time: string = archiveTime(options.nowMs()),
): Promise<string> {
  const kept = { bucket: place.bucket, prefix: archivePrefix(time, place.prefix) };
  const { nowMs, signal } = options;
  await copyLog(place, kept, { nowMs, check: true, ...(signal && { signal }) });
  return urlOf(kept);
}

interface Copying {
  readonly from: BucketPlace;
  readonly to: BucketPlace;
  readonly held: HeldLog;
  readonly options: CopyOptions;
}

async function bringOver(
  copying: Copying,
  segments: readonly SegmentObject[],
  { missing, state }: Compared,
): Promise<void> {
  const { to, held, options } = copying;
  const limit = pLimit(SEGMENTS_AT_ONCE);
  const done = { segments: 0, bytes: 0 };
  const renew = pLimit(1);
  const tasks = missing.map((segment) =>
    limit(async () => {
      options.signal?.throwIfAborted();
      await renew(() => held.renew());
      await copySegment(copying, segment);
      done.segments += 1;
      done.bytes += segment.size;
      options.onProgress?.({ ...done, segmentsTotal: missing.length });
    }),
  );
  const outcomes = await Promise.allSettled(tasks);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  if (options.check === true && state === 'behind') {
    const known = held.found.segments.filter(({ sha224 }) => segments.some((one) => one.sha224 === sha224));
    await checkSegments(to, known, options);
  }
  await held.commit(segments);
  await removeFormer(copying, segments);
}

/** What the manifest named before, and no longer names. */
async function removeFormer(
  { to, held, options }: Copying,
  segments: readonly SegmentObject[],
): Promise<void> {
  const kept = new Set(segments.map((segment) => `${to.prefix}${segmentName(segment)}`));
  for (const { object, generation } of held.found.segments)
    if (!kept.has(object)) await to.bucket.remove(object, { ...callOf(options), ifGeneration: generation });
}

async function copySegment({ from, to, held, options }: Copying, segment: SegmentObject): Promise<void> {
  const call = callOf(options);
  const object = `${to.prefix}${segmentName(segment)}`;
  // An earlier run has copied it, and was stopped before all of them were there.
  const isThere = held.found.leftovers.some((one) => one.object === object && one.size === segment.size);
  if (!isThere) {
    const found = await from.bucket.read(segment.object, call);
    if (typeof found !== 'object') throw segmentGone(from, segment);
    assertHash(`${from.bucket.url}/${segment.object}`, found.bytes, segment);
    await to.bucket.write(object, found.bytes, { ...call, contentType: 'application/octet-stream' });
  }
  await checkSegments(to, [{ ...segment, object }], options);
}

/** Reads segments and compares their hashes with their names. */
async function checkSegments(
  place: BucketPlace,
  segments: readonly SegmentObject[],
  options: CopyOptions,
): Promise<void> {
  for (const segment of segments) {
    const found = await place.bucket.read(segment.object, callOf(options));
    if (typeof found !== 'object') throw segmentGone(place, segment);
    assertHash(`${place.bucket.url}/${segment.object}`, found.bytes, segment);
  }
}

function assertHash(name: string, bytes: Uint8Array, { size, sha224 }: SegmentObject): void {
  const hash = createHash('sha224').update(bytes).digest('hex');
  if (hash === sha224 && bytes.length === size) return;
  throw new SamovarError(
    'malformed',
    `${name} has ${bytes.length} bytes and the hash ${hash}, not that of its name`,
    {
      subject: name,
      remedy:
        'Remove the object where it is a copy, and copy again; a source is repaired by `samovar mutation-log repair`.',
    },
  );
}

const callOf = ({ signal }: Pick<CopyOptions, 'signal'>): CallOptions =>
  signal === undefined ? {} : { signal };

function noLog(place: BucketPlace): SamovarError {
  return new SamovarError('missing', `there is no log at ${urlOf(place)}`, { subject: urlOf(place) });
}

function otherRecords(from: BucketPlace, to: BucketPlace): SamovarError {
  return new SamovarError('conflict', `${urlOf(to)} has other records than ${urlOf(from)}`, {
    subject: urlOf(to),
    remedy: 'With --replace the log that is there is archived first, and then replaced.',
  });
}
