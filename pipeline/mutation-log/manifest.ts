import type { Bucket, CallOptions } from '../backends/bucket/contract.ts';
import { SamovarError } from '../errors.ts';

/**
 * The object beside a log's segments that says which of them hold, and who may write. Whoever writes replaces it, and only the
 * generation that it has read: of two writers one finds that it has changed and stops. Readers that know nothing of it (maintner's)
 * read the segments alone.
 */
export interface Manifest {
  readonly format: 1;
  /** Who writes, or wrote last. */
  readonly writer: string;
  /** Rises with each writer. */
  readonly epoch: number;
  /**
   * Of a log, made up by its first writer and kept by all others: a log that begins anew in the same place has another one. None: the
   * manifest is of a time that did not know it, or was made anew.
   */
  readonly history?: string;
  /** Epoch milliseconds until when nobody else may take it over; 0: it was given up. */
  readonly leaseUntilMs: number;
  /** By number, without a gap. */
  readonly segments: readonly ManifestSegment[];
}

export interface ManifestSegment {
  readonly number: number;
  readonly size: number;
  readonly sha224: string;
}

export interface StoredManifest {
  readonly manifest: Manifest;
  readonly generation: string;
}

const NAME = 'manifest.json';
const BYTES_MAX = 16 * 2 ** 20;

export function manifestName(prefix: string): string {
  return `${prefix}${NAME}`;
}

/** Undefined where there is none: a log of maintner's, or none at all. Throws `malformed` for one that cannot be read. */
export async function readManifest(
  bucket: Bucket,
  prefix: string,
  call: CallOptions = {},
): Promise<StoredManifest | undefined> {
  const subject = `${bucket.url}/${manifestName(prefix)}`;
  const found = await bucket.read(manifestName(prefix), { ...call, bytesMax: BYTES_MAX });
  if (found === undefined || found === 'unchanged') return undefined;
  const manifest = parse(Buffer.from(found.bytes).toString('utf8'));
  if (manifest === undefined) {
    throw new SamovarError('malformed', `${subject} is no manifest of a mutation log`, {
      subject,
      remedy: 'Remove it: it is made anew from the segments.',
    });
  }
  return { manifest, generation: found.generation };
}

/** `generation`: of the one that is replaced, `'0'` for none. Throws `conflict` when it is another one by now. */
export async function writeManifest(
  bucket: Bucket,
  prefix: string,
  { manifest, generation }: StoredManifest,
  call: CallOptions = {},
): Promise<StoredManifest> {
  const bytes = Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`);
  const written = await bucket.write(manifestName(prefix), bytes, {
    ...call,
    ifGeneration: generation,
    contentType: 'application/json',
  });
  return { manifest, generation: written };
}

function parse(text: string): Manifest | undefined {
  try {
    const value = JSON.parse(text) as Partial<Manifest> | null;
    if (value?.format !== 1 || typeof value.writer !== 'string') return undefined;
    if (!isCount(value.epoch) || !isCount(value.leaseUntilMs) || !Array.isArray(value.segments))
      return undefined;
    if (value.history !== undefined && typeof value.history !== 'string') return undefined;
    return value.segments.every(isSegment) ? (value as Manifest) : undefined;
  } catch {
    return undefined;
  }
}

function isSegment(value: unknown, at: number, all: readonly unknown[]): boolean {
  const { number, size, sha224 } = (value ?? {}) as Partial<ManifestSegment>;
  const before = (all[at - 1] as ManifestSegment | undefined)?.number;
  return (
    isCount(number) &&
    isCount(size) &&
    /^[0-9a-f]{56}$/.test(String(sha224)) &&
    (before === undefined || number === before + 1)
  );
}

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
