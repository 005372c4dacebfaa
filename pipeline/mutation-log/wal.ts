import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import type { CallOptions } from '../backends/bucket/contract.ts';
import { SamovarError } from '../errors.ts';
import type { FoundLog } from './bucket-segments.ts';
import { lockFolder } from './folder-lock.ts';
import { type LocalSegment, readNote, writeNote } from './local.ts';
import { readManifest } from './manifest.ts';
import type { WriterPlace } from './writer-open.ts';

/** The folder beside a log's writer: what it has said yes to and the bucket does not have yet. */
export interface Wal {
  /** The name under which this folder writes; made once. */
  readonly id: string;
  readonly unlock: () => Promise<void>;
}

const WRITER = 'writer';
const HISTORY = 'history';

/**
 * Takes the folder, and makes it where there is none. All that use it write under one name, so the bucket's manifest does not keep them
 * apart. Throws `conflict` when a process has it; one of another machine has it for as long as its lease of the log lasts.
 */
export async function openWal(place: WriterPlace, call: CallOptions): Promise<Wal> {
  const { folder } = place;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const unlock = await lockFolder(folder, { isForsaken: () => isLeaseOver(place, call) });
  try {
    const known = await readNote(folder, WRITER);
    if (known !== undefined) return { id: known, unlock };
    const id = randomUUID();
    await writeNote(folder, WRITER, id);
    return { id, unlock };
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function isLeaseOver({ bucket, prefix, nowMs }: WriterPlace, call: CallOptions): Promise<boolean> {
  try {
    const found = await readManifest(bucket, prefix, call);
    return found === undefined || found.manifest.leaseUntilMs <= nowMs();
  } catch (error) {
    if (error instanceof SamovarError && error.code === 'missing') return true;
    throw error;
  }
}

/** What the folder says from now on about which log its segments belong to; before the first of them is written. */
export async function noteHistory({ folder }: WriterPlace, history: string | undefined): Promise<void> {
  if (history !== undefined && history !== (await readNote(folder, HISTORY)))
    await writeNote(folder, HISTORY, history);
}

/**
 * What the folder has belongs to the log in the bucket, as far as it can be told without their records. Throws `conflict` where that log
 * is gone, or another one has taken its place: what was deleted must not come back in part, nor get behind records of another log.
 */
export async function assertSameLog(
  place: WriterPlace,
  { manifest, segments }: FoundLog,
  local: readonly LocalSegment[],
): Promise<void> {
  const held = local.filter((segment) => segment.size() > 0);
  if (held.length === 0) return;
  if (manifest === undefined) {
    // A writer says so in the bucket before it writes here.
    if (segments.length === 0) throw otherLog(place, held, 'which is not there any more');
    return;
  }
  const known = await readNote(place.folder, HISTORY);
  const { history } = manifest.manifest;
  if (known !== undefined && history !== undefined && known !== history)
    throw otherLog(place, held, 'in whose place is another one');
}

function otherLog({ bucket, prefix, folder }: WriterPlace, held: readonly LocalSegment[], seen: string) {
  const bytes = held.reduce((sum, segment) => sum + segment.size(), 0);
  return new SamovarError(
    'conflict',
    `${folder} has ${bytes} bytes of a log at ${bucket.url}/${prefix}, ${seen}`,
    {
      subject: folder,
      remedy:
        'If the log was lost, bring it back from a copy. If it was deleted or begun anew, move the folder away, then run `samovar mutation-log reset OWNER/REPO`.',
    },
  );
}
