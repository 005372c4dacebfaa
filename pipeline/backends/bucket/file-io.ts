import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { SamovarError } from '../../errors.ts';
import type { CallOptions, ObjectStream, ReadOptions, ReadResult } from './contract.ts';
import { fileError, throwIfAborted } from './file-errors.ts';
import { generationOf } from './file-generation.ts';
import { isAbsence, pathOf, type Root, realInside } from './file-root.ts';

const CHUNK_BYTES = 256 * 1024;

/** See `Bucket.read`. A file changed while it was read is `unavailable`: again gives the new bytes. */
export async function readFile(
  root: Root,
  name: string,
  call: ReadOptions,
): Promise<ReadResult | 'unchanged' | undefined> {
  const subject = `${root.url}/${name}`;
  throwIfAborted(subject, call);
  return withFile(root, name, async (handle, stats) => {
    const generation = generationOf(stats);
    if (generation === call.unlessGeneration) return 'unchanged';
    if (call.bytesMax !== undefined && stats.size > call.bytesMax) {
      throw new SamovarError(
        'too-large',
        `${subject}: not read, it has ${stats.size} bytes and the limit is ${call.bytesMax}`,
        { subject },
      );
    }
    const bytes = Buffer.allocUnsafe(Number(stats.size));
    let at = 0;
    while (at < bytes.length) {
      const { bytesRead } = await handle.read(bytes, at, Math.min(bytes.length - at, 16 * CHUNK_BYTES), at);
      throwIfAborted(subject, call);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    await refuseChanged(handle, generation, subject);
    return { bytes, generation, updatedMs: Number(stats.mtimeNs / 1_000_000n) };
  });
}

/** See `Bucket.stream`. The file is opened when the body is first asked for, so an unread body costs nothing. */
export async function streamFile(
  root: Root,
  name: string,
  call: CallOptions,
): Promise<ObjectStream | undefined> {
  throwIfAborted(`${root.url}/${name}`, call);
  const generation = await withFile(root, name, async (_handle, stats) => generationOf(stats));
  return generation === undefined ? undefined : { generation, body: bodyOf(root, name, generation, call) };
}

async function* bodyOf(
  root: Root,
  name: string,
  generation: string,
  call: CallOptions,
): AsyncGenerator<Uint8Array> {
  const subject = `${root.url}/${name}`;
  const opened = await openFile(root, name);
  if (opened === undefined) throw changed(subject);
  const { handle, stats } = opened;
  try {
    if (generationOf(stats) !== generation) throw changed(subject);
    for (let at = 0; at < stats.size; ) {
      throwIfAborted(subject, call);
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, at);
      if (bytesRead === 0) throw changed(subject);
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    await refuseChanged(handle, generation, subject);
  } catch (error) {
    throw fileError(subject, 'read', error);
  } finally {
    await handle.close();
  }
}

async function withFile<T>(
  root: Root,
  name: string,
  use: (handle: FileHandle, stats: BigIntStats) => Promise<T>,
): Promise<T | undefined> {
  const opened = await openFile(root, name);
  if (opened === undefined) return undefined;
  try {
    return await use(opened.handle, opened.stats);
  } catch (error) {
    throw fileError(`${root.url}/${name}`, 'read', error);
  } finally {
    await opened.handle.close();
  }
}

/** Undefined when there is no such regular file. Never waits: opening a named pipe without O_NONBLOCK would. */
async function openFile(
  root: Root,
  name: string,
): Promise<{ handle: FileHandle; stats: BigIntStats } | undefined> {
  const path = pathOf(root, name);
  try {
    const real = await realInside(root, path);
    if (real === undefined) return undefined;
    const handle = await open(real, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await handle.stat({ bigint: true });
    if (stats.isFile()) return { handle, stats };
    await handle.close();
    return undefined;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw fileError(`${root.url}/${name}`, 'read', error);
  }
}

async function refuseChanged(handle: FileHandle, generation: string, subject: string): Promise<void> {
  if (generationOf(await handle.stat({ bigint: true })) !== generation) throw changed(subject);
}

function changed(subject: string): SamovarError {
  return new SamovarError('unavailable', `${subject}: changed while it was read`, { subject });
}
