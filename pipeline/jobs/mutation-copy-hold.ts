import type { Bucket, CallOptions } from '../backends/bucket/contract.ts';
import { SamovarError } from '../errors.ts';
import { type FoundLog, findSegments } from '../mutation-log/bucket-segments.ts';
import {
  type Manifest,
  type ManifestSegment,
  type StoredManifest,
  writeManifest,
} from '../mutation-log/manifest.ts';

/** A log's place in a bucket. */
export interface BucketPlace {
  readonly bucket: Bucket;
  /** Ends with a slash. */
  readonly prefix: string;
}

export interface HoldOptions extends CallOptions {
  readonly nowMs: () => number;
}

/** A log that nobody else may write to meanwhile. */
export interface HeldLog {
  /** As it was when it was taken. */
  readonly found: FoundLog;
  /** To be called now and then. Throws `conflict` when somebody else has taken the log over. */
  renew(): Promise<void>;
  /** From now on these are the log: readers see the ones before or these. */
  commit(segments: readonly ManifestSegment[]): Promise<void>;
  /** Gives the log up, as it is; no error when that cannot be said. */
  release(): Promise<void>;
  /** Of the manifest as it is now. */
  generation(): string;
}

/** The same for every run, so that one that was killed does not keep out the one that goes on. */
const WRITER = 'samovar-tools';
const LEASE_MS = 10 * 60_000;

export const urlOf = ({ bucket, prefix }: BucketPlace) => `${bucket.url}/${prefix}`;

/** Segments of a log; none where nobody has made its bucket's folder yet. */
export async function findLog({ bucket, prefix }: BucketPlace, call: CallOptions = {}): Promise<FoundLog> {
  try {
    return await findSegments(bucket, prefix, call);
  } catch (error) {
    if (error instanceof SamovarError && error.code === 'missing')
      return { manifest: undefined, segments: [], leftovers: [] };
    throw error;
  }
}

/** Epoch milliseconds until when a writer has the log; undefined: nobody has it. */
export function heldUntilMs({ manifest }: FoundLog, nowMs: number): number | undefined {
  const held = manifest?.manifest;
  if (held === undefined || held.writer === WRITER || held.leaseUntilMs <= nowMs) return undefined;
  return held.leaseUntilMs;
}

/** Takes a log over. Throws `conflict` when a writer has it. */
export async function holdLog(place: BucketPlace, { nowMs, ...call }: HoldOptions): Promise<HeldLog> {
  const { bucket, prefix } = place;
  const found = await findLog(place, call);
  const untilMs = heldUntilMs(found, nowMs());
  if (untilMs !== undefined) throw heldByWriter(place, found.manifest?.manifest, untilMs - nowMs());
  const epoch = (found.manifest?.manifest.epoch ?? 0) + 1;
  const history = found.manifest?.manifest.history;
  const manifest = (segments: readonly ManifestSegment[], leaseUntilMs: number): Manifest => ({
    format: 1,
    writer: WRITER,
    epoch,
    ...(history !== undefined && { history }),
    leaseUntilMs,
    segments: segments.map(({ number, size, sha224 }) => ({ number, size, sha224 })),
  });
  const write = (next: Manifest, generation: string) =>
    writeManifest(bucket, prefix, { manifest: next, generation }, call).catch((error: unknown) => {
      throw isConflict(error) ? takenOver(place, error) : error;
    });
  const lease = () => nowMs() + LEASE_MS;
  let stored: StoredManifest = await write(
    manifest(found.segments, lease()),
    found.manifest?.generation ?? '0',
  );
  const put = async (segments: readonly ManifestSegment[], leaseUntilMs: number) => {
    stored = await write(manifest(segments, leaseUntilMs), stored.generation);
  };
  return {
    found,
    renew: async () => {
      const { segments, leaseUntilMs } = stored.manifest;
      if (leaseUntilMs - nowMs() < LEASE_MS / 2) await put(segments, lease());
    },
    commit: (segments) => put(segments, lease()),
    release: async () => {
      const given = manifest(stored.manifest.segments, 0);
      // What cannot be given up is free when the lease has ended.
      await writeManifest(bucket, prefix, { manifest: given, generation: stored.generation }).catch(
        () => undefined,
      );
    },
    generation: () => stored.generation,
  };
}

function isConflict(error: unknown): boolean {
  return error instanceof SamovarError && error.code === 'conflict';
}

function heldByWriter(place: BucketPlace, held: Manifest | undefined, leftMs: number): SamovarError {
  return new SamovarError('conflict', `the log ${urlOf(place)} is written by ${held?.writer ?? 'another'}`, {
    subject: urlOf(place),
    remedy: `Stop its worker. If it is gone already, its hold ends in ${Math.ceil(leftMs / 1000)} s.`,
  });
}

function takenOver(place: BucketPlace, cause: unknown): SamovarError {
  return new SamovarError('conflict', `the log ${urlOf(place)} was taken over by another process`, {
    subject: urlOf(place),
    remedy: 'See who writes to it; when it is quiet, run this again: it goes on where it stopped.',
    cause,
  });
}
