import type { Bucket, CallOptions } from '../backends/bucket/contract.ts';
import { SamovarError } from '../errors.ts';
import { newest, type SegmentObject, segmentObjects } from './bucket-segments.ts';
import { damageOf, type Finding, type LogCheck } from './check.ts';
import { type ManifestSegment, manifestName, readManifest, type StoredManifest } from './manifest.ts';
import { type Scan, scanSegment } from './scan.ts';

/** How often a log is looked at anew that its writer changed meanwhile. */
const LOOKS_MAX = 3;

/** A segment that the log has or should have. */
export interface ScannedSegment {
  readonly number: number;
  /** Undefined: there is none. */
  readonly object?: SegmentObject;
  readonly scan?: Scan;
  /** The object that the manifest names is not there; this is another one of the same number. */
  readonly instead?: boolean;
}

export interface BadManifest {
  readonly reason: string;
  readonly bytes: Uint8Array;
  readonly generation: string;
}

export interface ScannedLog {
  readonly manifest: StoredManifest | undefined;
  /** A manifest that is there and cannot be read. */
  readonly badManifest?: BadManifest;
  /** From 0 on, without a gap. */
  readonly segments: readonly ScannedSegment[];
  readonly leftovers: readonly SegmentObject[];
}

/** Reads a log in a bucket whole: every object, its hash, every header, every mutation. Memory holds a record. */
export async function checkBucket(bucket: Bucket, prefix: string, call: CallOptions = {}): Promise<LogCheck> {
  const log = await scanBucket(bucket, prefix, call);
  const scans = log.segments.flatMap(({ scan }) => scan ?? []);
  return {
    url: `${bucket.url}/${prefix}`,
    segments: log.segments.length,
    records: scans.reduce((sum, { records }) => sum + records, 0),
    bytes: scans.reduce((sum, { bytes }) => sum + bytes, 0),
    findings: findingsOf(bucket, prefix, log),
    notes: log.leftovers.map(
      ({ object, size }) =>
        `${bucket.url}/${object} (${size} bytes) is not part of the log: a writer was stopped`,
    ),
  };
}

/** Looks again where the writer changed the log while it was read. Throws `missing` where there is no log. */
export async function scanBucket(bucket: Bucket, prefix: string, call: CallOptions): Promise<ScannedLog> {
  for (let looks = 1; ; looks += 1) {
    const log = await scanOnce(bucket, prefix, call).catch((cause: unknown) => {
      throw cause instanceof SamovarError && cause.code === 'missing' ? noLog(bucket, prefix, cause) : cause;
    });
    if (log.segments.length === 0 && log.manifest === undefined && log.badManifest === undefined)
      throw noLog(bucket, prefix);
    const isWhole = log.segments.every(({ scan, instead }) => scan !== undefined && instead !== true);
    if (isWhole || looks === LOOKS_MAX) return log;
    const now = await manifestOf(bucket, prefix, call);
    if (now.manifest?.generation === log.manifest?.generation) return log;
  }
}

async function scanOnce(bucket: Bucket, prefix: string, call: CallOptions): Promise<ScannedLog> {
  const { manifest, badManifest } = await manifestOf(bucket, prefix, call);
  const objects = await segmentObjects(bucket, prefix, call);
  const byName = new Map(objects.map((object) => [nameOf(object), object]));
  const others = new Map(newest(objects).map((object) => [object.number, object]));
  const wanted = new Map((manifest?.manifest.segments ?? newest(objects)).map((one) => [one.number, one]));
  const segments: ScannedSegment[] = [];
  for (let number = 0; number <= Math.max(-1, ...wanted.keys()); number += 1) {
    const named = wanted.get(number);
    const object = named === undefined ? undefined : byName.get(nameOf(named));
    const scanned = await scanObject(bucket, number, object ?? others.get(number), call);
    const instead = object === undefined && scanned.object !== undefined;
    segments.push(instead ? { ...scanned, instead } : scanned);
  }
  const kept = new Set(segments.flatMap(({ object }) => object?.object ?? []));
  return {
    manifest,
    ...(badManifest !== undefined && { badManifest }),
    segments,
    leftovers: objects.filter(({ object }) => !kept.has(object)),
  };
}

const nameOf = ({ number, sha224 }: Pick<ManifestSegment, 'number' | 'sha224'>) => `${number} ${sha224}`;

async function scanObject(
  bucket: Bucket,
  number: number,
  object: SegmentObject | undefined,
  call: CallOptions,
): Promise<ScannedSegment> {
  const stream = object === undefined ? undefined : await bucket.stream(object.object, call);
  if (object === undefined || stream === undefined) return { number };
  return { number, object, scan: await scanSegment(stream.body, `${bucket.url}/${object.object}`) };
}

async function manifestOf(
  bucket: Bucket,
  prefix: string,
  call: CallOptions,
): Promise<Pick<ScannedLog, 'manifest' | 'badManifest'>> {
  try {
    return { manifest: await readManifest(bucket, prefix, call) };
  } catch (error) {
    if (!(error instanceof SamovarError) || error.code !== 'malformed') throw error;
    const found = await bucket.read(manifestName(prefix), call);
    if (typeof found !== 'object') return { manifest: undefined };
    const { bytes, generation } = found;
    return { manifest: undefined, badManifest: { reason: error.message, bytes, generation } };
  }
}

export function findingsOf(bucket: Bucket, prefix: string, log: ScannedLog): readonly Finding[] {
  const findings: Finding[] = [];
  if (log.badManifest !== undefined) {
    const subject = `${bucket.url}/${manifestName(prefix)}`;
    findings.push({ kind: 'manifest', subject, reason: log.badManifest.reason });
  }
  for (const segment of log.segments) findings.push(...segmentFindings(bucket, prefix, segment));
  return findings;
}

function segmentFindings(
  bucket: Bucket,
  prefix: string,
  { number, object, scan, instead = false }: ScannedSegment,
): readonly Finding[] {
  if (object === undefined || scan === undefined) {
    const subject = `${bucket.url}/${prefix}`;
    return [{ kind: 'missing', subject, segment: number, reason: `there is no segment ${number}` }];
  }
  const subject = `${bucket.url}/${object.object}`;
  const findings: Finding[] = [];
  if (instead) {
    const reason = `the manifest names another object as segment ${number}, which is not there`;
    findings.push({ kind: 'manifest', subject, segment: number, reason });
  }
  const damage = damageOf(subject, number, scan);
  if (damage.length > 0 || scan.sha224 === object.sha224) return [...findings, ...damage];
  const reason = `its bytes have the hash ${scan.sha224}: one of its records is not what was written, or it was cut`;
  return [...findings, { kind: 'hash', subject, segment: number, reason }];
}

function noLog(bucket: Bucket, prefix: string, cause?: unknown): SamovarError {
  return new SamovarError('missing', `there is no log at ${bucket.url}/${prefix}`, {
    subject: `${bucket.url}/${prefix}`,
    remedy: 'Say where it is with --log, or make one with `samovar mutation-log sync`.',
    cause,
  });
}
