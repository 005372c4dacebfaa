import type { Bucket, BucketObject, CallOptions } from '../backends/bucket/contract.ts';
import { listAll } from '../backends/bucket/list-all.ts';
import { SamovarError } from '../errors.ts';
import { type ManifestSegment, readManifest, type StoredManifest } from './manifest.ts';
import { parseSegmentName } from './names.ts';

export interface SegmentObject extends ManifestSegment {
  /** Full name in the bucket. */
  readonly object: string;
  readonly generation: string;
}

export interface FoundLog {
  readonly manifest: StoredManifest | undefined;
  /** By number, without a gap, what holds. */
  readonly segments: readonly SegmentObject[];
  /** Objects that are named like segments and do not hold: of a writer that was stopped in the middle. */
  readonly leftovers: readonly SegmentObject[];
}

/**
 * Which segments a log has: those of its manifest, or, where there is none, all that are named like segments, of two with one number
 * the newer (so maintner does). Throws `malformed` where one is missing.
 */
export async function findSegments(
  bucket: Bucket,
  prefix: string,
  call: CallOptions = {},
): Promise<FoundLog> {
  const manifest = await readManifest(bucket, prefix, call);
  const objects = await segmentObjects(bucket, prefix, call);
  const segments =
    manifest === undefined ? newest(objects) : named(objects, manifest.manifest.segments, bucket, prefix);
  const held = new Set(segments.map(({ object }) => object));
  assertWhole(segments, `${bucket.url}/${prefix}`);
  return { manifest, segments, leftovers: objects.filter(({ object }) => !held.has(object)) };
}

/** An object with the time of its last write, epoch milliseconds. */
export type ListedObject = SegmentObject & { readonly updatedMs: number };

/** All objects that are named like segments of the log, whether they hold or not. */
export async function segmentObjects(
  bucket: Bucket,
  prefix: string,
  call: CallOptions = {},
): Promise<readonly ListedObject[]> {
  const objects: ListedObject[] = [];
  for await (const page of listAll(bucket, prefix, { ...call, delimited: true }))
    for (const object of page.objects) objects.push(...segmentOf(object, prefix));
  return objects;
}

function segmentOf({ name, size, generation, updatedMs = 0 }: BucketObject, prefix: string) {
  const parsed = parseSegmentName(name.slice(prefix.length));
  return parsed === undefined ? [] : [{ ...parsed, size, object: name, generation, updatedMs }];
}

/** Of those with one number the newer, as maintner has it; by number. */
export function newest(objects: readonly ListedObject[]): readonly ListedObject[] {
  const byNumber = new Map<number, ListedObject>();
  for (const object of objects) {
    const other = byNumber.get(object.number);
    // At one time the larger: a segment only grows.
    if (
      other === undefined ||
      object.updatedMs > other.updatedMs ||
      (object.updatedMs === other.updatedMs && object.size > other.size)
    )
      byNumber.set(object.number, object);
  }
  return [...byNumber.values()].sort((a, b) => a.number - b.number);
}

function named(
  objects: readonly SegmentObject[],
  wanted: readonly ManifestSegment[],
  bucket: Bucket,
  prefix: string,
): readonly SegmentObject[] {
  const byHash = new Map(objects.map((object) => [`${object.number} ${object.sha224}`, object]));
  return wanted.map((segment) => {
    const object = byHash.get(`${segment.number} ${segment.sha224}`);
    if (object !== undefined) return object;
    throw gap(
      `${bucket.url}/${prefix}`,
      `segment ${segment.number} (${segment.sha224}) is in its manifest and not in the bucket`,
    );
  });
}

/** From 0 on, without a gap. */
function assertWhole(segments: readonly SegmentObject[], subject: string): void {
  for (const [at, { number }] of segments.entries()) {
    const before = segments[at - 1]?.number ?? -1;
    if (number !== before + 1)
      throw gap(subject, `there is segment ${number}, and none with the number ${before + 1}`);
  }
}

function gap(subject: string, seen: string): SamovarError {
  return new SamovarError('malformed', `the log ${subject} has a gap: ${seen}`, {
    subject,
    remedy: 'Bring the missing segment back from a copy, or run `samovar mutation-log repair`.',
  });
}
