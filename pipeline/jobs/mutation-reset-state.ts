import type { CallOptions } from '../backends/bucket/contract.ts';
import { SamovarError } from '../errors.ts';
import { isArchiveTime } from '../mutation-log/archive.ts';
import { type BucketPlace, urlOf } from './mutation-copy-hold.ts';

export const STEPS = [
  'pause',
  'stop',
  'quiet',
  'archive',
  'delete',
  'restore',
  'start',
  'fetch',
  'resume',
] as const;
export type StepName = (typeof STEPS)[number];

/** A worker's own words for how to start it again as it was. */
export interface WorkerState {
  readonly name: string;
  readonly replicas: number;
}

/**
 * How far a reset is. It lies beside the log's segments, so that any machine can go on with it, and whoever follows the log can see
 * that it is being reset.
 */
export interface ResetState {
  readonly format: 1;
  readonly kind: 'reset' | 'undo';
  /** `owner/name` */
  readonly repository: string;
  readonly startedAtMs: number;
  /** Of its archive: `20261121T100752Z`. */
  readonly time: string;
  readonly worker: WorkerState;
  /** The time of the archive that is to be brought back. */
  readonly restores?: string;
  readonly done: readonly StepName[];
}

export interface StoredState {
  readonly state: ResetState;
  readonly generation: string;
}

const NAME = 'reset.json';
const BYTES_MAX = 2 ** 20;

/** Undefined: no reset is under way. Throws `malformed`. */
export async function readReset(
  { bucket, prefix }: BucketPlace,
  call: CallOptions = {},
): Promise<StoredState | undefined> {
  const found = await bucket
    .read(`${prefix}${NAME}`, { ...call, bytesMax: BYTES_MAX })
    .catch((error: unknown) => {
      // A folder that nobody has made yet.
      if (error instanceof SamovarError && error.code === 'missing') return undefined;
      throw error;
    });
  if (typeof found !== 'object') return undefined;
  const state = parse(Buffer.from(found.bytes).toString('utf8'));
  if (state !== undefined) return { state, generation: found.generation };
  const subject = `${bucket.url}/${prefix}${NAME}`;
  throw new SamovarError('malformed', `${subject} does not tell how far a reset is`, {
    subject,
    remedy: 'Look at it, and at the archive; when nothing is under way, remove it.',
  });
}

/** `generation`: of the one that is replaced, `'0'` for none. Throws `conflict` when another process resets the log, too. */
export async function writeReset(
  place: BucketPlace,
  { state, generation }: StoredState,
  call: CallOptions = {},
): Promise<StoredState> {
  const bytes = Buffer.from(`${JSON.stringify(state, null, 1)}\n`);
  const options = { ...call, ifGeneration: generation, contentType: 'application/json' };
  try {
    return { state, generation: await place.bucket.write(`${place.prefix}${NAME}`, bytes, options) };
  } catch (cause) {
    if (!(cause instanceof SamovarError) || cause.code !== 'conflict') throw cause;
    throw new SamovarError('conflict', `another process resets ${urlOf(place)}, too`, {
      subject: urlOf(place),
      cause,
    });
  }
}

/** The reset is over: what it did is told beside its archive, where there is one. */
export async function endReset(
  place: BucketPlace,
  { state, generation }: StoredState,
  archive: BucketPlace | undefined,
  call: CallOptions = {},
): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(state, null, 1)}\n`);
  if (archive !== undefined)
    await place.bucket.write(`${archive.prefix}${NAME}`, bytes, { ...call, contentType: 'application/json' });
  await place.bucket.remove(`${place.prefix}${NAME}`, { ...call, ifGeneration: generation });
}

function parse(text: string): ResetState | undefined {
  try {
    const value = JSON.parse(text) as Partial<ResetState> | null;
    const isState =
      value?.format === 1 &&
      (value.kind === 'reset' || value.kind === 'undo') &&
      isArchiveTime(String(value.time)) &&
      typeof value.worker?.replicas === 'number' &&
      Array.isArray(value.done) &&
      value.done.every((step) => STEPS.includes(step));
    return isState ? (value as ResetState) : undefined;
  } catch {
    return undefined;
  }
}
