import type { CallOptions } from '../backends/bucket/contract.ts';
import { listAll } from '../backends/bucket/list-all.ts';
import { SamovarError } from '../errors.ts';
import { ARCHIVE_FOLDER, archivePrefix, isArchiveTime } from '../mutation-log/archive.ts';
import { manifestName } from '../mutation-log/manifest.ts';
import { parseSegmentName } from '../mutation-log/names.ts';
import { type BucketPlace, findLog, holdLog, urlOf } from './mutation-copy-hold.ts';

export interface ArchiveCall extends CallOptions {
  readonly nowMs: () => number;
}

export function archivePlace({ bucket, prefix }: BucketPlace, time: string): BucketPlace {
  return { bucket, prefix: archivePrefix(time, prefix) };
}

/** Times of a log's archives, the latest last. */
export async function archivesOf(place: BucketPlace, call: CallOptions = {}): Promise<readonly string[]> {
  const times: string[] = [];
  try {
    for await (const { prefixes } of listAll(place.bucket, `${ARCHIVE_FOLDER}/`, {
      ...call,
      delimited: true,
    }))
      times.push(...prefixes.map((prefix) => prefix.slice(ARCHIVE_FOLDER.length + 1, -1)));
  } catch (error) {
    if (!(error instanceof SamovarError) || error.code !== 'missing') throw error;
  }
  const kept: string[] = [];
  for (const time of times.filter(isArchiveTime))
    if ((await findLog(archivePlace(place, time), call)).segments.length > 0) kept.push(time);
  return kept;
}

/**
 * Deletes a log that is in an archive. Readers see it whole or see none: first nothing holds any more, then objects go. A stop in between
 * is gone on with. Throws `conflict` where the archive does not have all of it, or a writer has it.
 */
export async function deleteLog(
  place: BucketPlace,
  archive: BucketPlace,
  { nowMs, ...call }: ArchiveCall,
): Promise<number> {
  const held = await holdLog(place, { nowMs, ...call });
  try {
    await assertArchived(place, held.found.segments, archive, call);
    await held.commit([]);
    let removed = 0;
    for (const { name, generation } of await segmentsIn(place, call)) {
      await held.renew();
      await place.bucket.remove(name, { ...call, ifGeneration: generation });
      removed += 1;
    }
    await place.bucket.remove(manifestName(place.prefix), { ...call, ifGeneration: held.generation() });
    return removed;
  } catch (error) {
    await held.release();
    throw error;
  }
}

/** Of all that is named like a segment, what no longer holds too. */
async function segmentsIn({ bucket, prefix }: BucketPlace, call: CallOptions) {
  const found: { readonly name: string; readonly generation: string }[] = [];
  for await (const { objects } of listAll(bucket, prefix, { ...call, delimited: true }))
    found.push(...objects.filter(({ name }) => parseSegmentName(name.slice(prefix.length)) !== undefined));
  return found;
}

async function assertArchived(
  place: BucketPlace,
  segments: readonly { readonly sha224: string }[],
  archive: BucketPlace,
  call: CallOptions,
): Promise<void> {
  if (segments.length === 0) return;
  const kept = new Set((await findLog(archive, call)).segments.map(({ sha224 }) => sha224));
  if (segments.every(({ sha224 }) => kept.has(sha224))) return;
  throw new SamovarError('conflict', `${urlOf(place)} has records that ${urlOf(archive)} does not have`, {
    subject: urlOf(place),
    remedy: 'Somebody has written to it meanwhile. Stop that, and begin the reset anew (--undo, then again).',
  });
}
