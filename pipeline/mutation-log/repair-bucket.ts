import { createHash } from 'node:crypto';
import type { Bucket, CallOptions } from '../backends/bucket/contract.ts';
import { SamovarError } from '../errors.ts';
import type { SegmentObject } from './bucket-segments.ts';
import type { Finding } from './check.ts';
import { findingsOf, type ScannedLog, type ScannedSegment, scanBucket } from './check-bucket.ts';
import { type Manifest, type StoredManifest, writeManifest } from './manifest.ts';
import { segmentName } from './names.ts';
import { asideName } from './quarantine-file.ts';
import type { RepairResult, RepairStep } from './repair.ts';

export interface RepairBucketOptions extends CallOptions {
  readonly dryRun: boolean;
  readonly nowMs: () => number;
}

interface Repair {
  readonly bucket: Bucket;
  readonly prefix: string;
  readonly options: RepairBucketOptions;
  readonly call: CallOptions;
}

const WRITER = 'repair';
/** Longer than a repair takes; one that was killed stops nobody for longer. */
const LEASE_MS = 15 * 60_000;
const NOTHING = new Uint8Array();

/**
 * Makes a damaged log one that can be read: a segment is cut behind its last good record, what follows is kept as an object below
 * `quarantine/`, a segment that is missing becomes an empty one, and those behind it stay as they are. Whole segments are not touched. A
 * repair that is killed can be run again. Throws `conflict` while a writer has the log.
 */
export async function repairBucket(
  bucket: Bucket,
  prefix: string,
  options: RepairBucketOptions,
): Promise<RepairResult> {
  const { signal } = options;
  const repair: Repair = { bucket, prefix, options, call: signal === undefined ? {} : { signal } };
  const log = await scanBucket(bucket, prefix, repair.call);
  const findings = findingsOf(bucket, prefix, log);
  const url = `${bucket.url}/${prefix}`;
  if (findings.length === 0) return { url, dryRun: options.dryRun, steps: [] };
  if (options.dryRun) return { url, dryRun: true, steps: findings.map((one) => planned(repair, log, one)) };
  return { url, dryRun: false, steps: await carryOut(repair, log, findings) };
}

/** What is to be done about a finding, without its being done. */
function planned({ bucket, prefix }: Repair, log: ScannedLog, finding: Finding): RepairStep {
  const aside = (name: string) => `${bucket.url}/${prefix}quarantine/${name}`;
  if (finding.segment === undefined) {
    const action = 'made anew from the segments';
    return { finding, action, quarantine: aside(badManifestName(log)), bytes: 0 };
  }
  const { object, scan } = log.segments[finding.segment] ?? {};
  if (object === undefined || scan === undefined)
    return { finding, action: 'an empty segment takes its place', bytes: 0 };
  const name = object.object.slice(prefix.length);
  if (finding.kind === 'manifest') return { finding, action: `${name} takes its place`, bytes: 0 };
  if (finding.kind === 'hash') {
    const action = `its ${scan.records} records can be read and stay, under the hash that they have; the old object is kept as it was`;
    return { finding, action, quarantine: aside(asideName(name, 0)), bytes: 0 };
  }
  const action = `cut behind its ${scan.records} good records, at byte ${scan.good}`;
  return { finding, action, quarantine: aside(asideName(name, scan.good)), bytes: scan.bytes - scan.good };
}

/** What goes is kept first, what comes is there before the manifest says so, and what was replaced goes last. */
async function carryOut(
  repair: Repair,
  log: ScannedLog,
  findings: readonly Finding[],
): Promise<readonly RepairStep[]> {
  const held = await takeOver(repair, log);
  const steps: RepairStep[] = [];
  const replaced: SegmentObject[] = [];
  const now = new Map(log.segments.flatMap(({ number, object }) => (object ? [[number, object]] : [])));
  for (const finding of findings) {
    const step = planned(repair, log, finding);
    steps.push(step);
    const segment = log.segments[finding.segment ?? -1];
    if (segment === undefined || finding.kind === 'manifest') continue;
    now.set(segment.number, await replacement(repair, segment, step));
    if (segment.object !== undefined) replaced.push(segment.object);
  }
  if (held !== undefined) await giveUp(repair, held, [...now.values()]);
  for (const { object, generation } of replaced)
    if (![...now.values()].some((kept) => kept.object === object))
      await repair.bucket.remove(object, { ...repair.call, ifGeneration: generation });
  return steps;
}

/** The segment as it is to be, as an object that is there. */
async function replacement(
  repair: Repair,
  { number, object, scan }: ScannedSegment,
  { finding, quarantine }: RepairStep,
): Promise<SegmentObject> {
  if (object === undefined || scan === undefined) return putSegment(repair, number, NOTHING);
  const found = await repair.bucket.read(object.object, repair.call);
  const bytes = typeof found === 'object' ? found.bytes : NOTHING;
  if (typeof found !== 'object' || sha224Of(bytes) !== scan.sha224)
    throw new SamovarError(
      'conflict',
      `${repair.bucket.url}/${object.object} changed while it was repaired`,
      {
        subject: object.object,
        remedy: 'Stop whoever writes to the log, then try again.',
      },
    );
  const good = finding.kind === 'hash' ? bytes.length : scan.good;
  const rest = finding.kind === 'hash' ? bytes : bytes.subarray(good);
  if (quarantine !== undefined) await putObject(repair, quarantine.slice(repair.bucket.url.length + 1), rest);
  return putSegment(repair, number, bytes.subarray(0, good));
}

async function putSegment(repair: Repair, number: number, bytes: Uint8Array): Promise<SegmentObject> {
  const sha224 = sha224Of(bytes);
  const object = `${repair.prefix}${segmentName({ number, sha224 })}`;
  const generation = await putObject(repair, object, bytes);
  return { number, sha224, size: bytes.length, object, generation };
}

const sha224Of = (bytes: Uint8Array) => createHash('sha224').update(bytes).digest('hex');

/** One that is there with the same bytes is of a repair that was killed. Its generation is given. */
async function putObject({ bucket, call }: Repair, name: string, bytes: Uint8Array): Promise<string> {
  try {
    const contentType = 'application/octet-stream';
    return await bucket.write(name, bytes, { ...call, ifGeneration: '0', contentType });
  } catch (error) {
    if (!(error instanceof SamovarError) || error.code !== 'conflict') throw error;
    const found = await bucket.read(name, call);
    if (typeof found === 'object' && Buffer.compare(found.bytes, bytes) === 0) return found.generation;
    throw error;
  }
}

/** A log of maintner's has no manifest and gets none: it could not keep it. */
async function takeOver(repair: Repair, log: ScannedLog): Promise<StoredManifest | undefined> {
  const { bucket, prefix, options, call } = repair;
  if (log.badManifest !== undefined) return keepBadManifest(repair, log);
  if (log.manifest === undefined) return undefined;
  const { manifest, generation } = log.manifest;
  if (manifest.leaseUntilMs > options.nowMs() && manifest.writer !== WRITER) {
    throw new SamovarError(
      'conflict',
      `the log ${bucket.url}/${prefix} is being written (${manifest.writer})`,
      {
        subject: `${bucket.url}/${prefix}`,
        remedy: `Stop the writer. If it is gone already, its hold ends in ${Math.ceil((manifest.leaseUntilMs - options.nowMs()) / 1000)} s.`,
      },
    );
  }
  const mine: Manifest = {
    ...manifest,
    writer: WRITER,
    epoch: manifest.epoch + 1,
    leaseUntilMs: options.nowMs() + LEASE_MS,
  };
  return writeManifest(bucket, prefix, { manifest: mine, generation }, call);
}

/** Nobody writes with a manifest that cannot be read, and it stays until the log is repaired. */
async function keepBadManifest(repair: Repair, log: ScannedLog): Promise<StoredManifest | undefined> {
  const { prefix, options } = repair;
  if (log.badManifest === undefined) return undefined;
  const { bytes, generation } = log.badManifest;
  await putObject(repair, `${prefix}quarantine/${badManifestName(log)}`, bytes);
  // The epoch: more than any writer has had, for what it was is not known.
  return {
    manifest: { format: 1, writer: WRITER, epoch: options.nowMs(), leaseUntilMs: 0, segments: [] },
    generation,
  };
}

const badManifestName = ({ badManifest }: ScannedLog) =>
  `manifest.json.${sha224Of(badManifest?.bytes ?? NOTHING).slice(0, 8)}`;

/** The manifest as the log is now, and nobody's. */
async function giveUp(
  { bucket, prefix, call }: Repair,
  { manifest, generation }: StoredManifest,
  segments: readonly SegmentObject[],
): Promise<void> {
  const listed = [...segments]
    .sort((a, b) => a.number - b.number)
    .map(({ number, size, sha224 }) => ({ number, size, sha224 }));
  await writeManifest(
    bucket,
    prefix,
    { manifest: { ...manifest, leaseUntilMs: 0, segments: listed }, generation },
    call,
  );
}
