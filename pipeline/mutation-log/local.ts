import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SamovarError } from '../errors.ts';
import { readRecords } from '../records/mutation/framing.ts';
import { paddedNumber } from './names.ts';
import { putAside } from './quarantine-file.ts';
import { isTornAppend } from './torn.ts';

/**
 * Segments on this machine's disk: what a writer has said yes to and the bucket does not have yet. A record is synced before anybody
 * is told that it is there.
 */
export interface LocalSegment {
  readonly number: number;
  /** In bytes; rises with `append`. */
  size(): number;
  /** Lowercase hex, of the bytes so far. */
  sha224(): string;
  /** Whole records; synced when it returns. On an error nothing of it counts, and the segment takes no more. */
  append(bytes: Uint8Array): Promise<void>;
  /** Bytes from `start` to before `end`. */
  read(start: number, end: number): Promise<Buffer>;
  remove(): Promise<void>;
  close(): Promise<void>;
}

const FILE = /^(\d{4,})\.mutlog$/;
/** A line that the folder keeps; undefined: it has none of that name. */
export async function readNote(folder: string, name: string): Promise<string | undefined> {
  const text = (await readFile(join(folder, name), 'utf8').catch(() => '')).trim();
  return text === '' ? undefined : text;
}

/** Synced when it returns. */
export async function writeNote(folder: string, name: string, text: string): Promise<void> {
  const file = join(folder, name);
  const partial = `${file}.partial`;
  const handle = await open(partial, 'w', 0o600);
  try {
    await handle.writeFile(`${text}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(partial, file);
  await syncFolder(folder);
}

/** Segments in the folder, by number. What was torn off at the end of the last one, nobody was told of: it is put aside. */
export async function openLocalSegments(folder: string): Promise<LocalSegment[]> {
  const numbers = (await readdir(folder))
    .flatMap((name) => FILE.exec(name)?.slice(1, 2) ?? [])
    .map(Number)
    .sort((a, b) => a - b);
  const segments: LocalSegment[] = [];
  for (const number of numbers) segments.push(await openExisting(folder, number, number === numbers.at(-1)));
  return segments;
}

/** Begins a segment with these bytes. */
export async function createLocalSegment(
  folder: string,
  number: number,
  bytes: Uint8Array = new Uint8Array(),
): Promise<LocalSegment> {
  const file = fileOf(folder, number);
  const partial = `${file}.partial`;
  const handle = await open(partial, 'w+', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
    await rename(partial, file);
    await syncFolder(folder);
  } catch (error) {
    await handle.close();
    throw error;
  }
  return localSegment(folder, number, {
    handle,
    size: bytes.length,
    hash: createHash('sha224').update(bytes),
  });
}

const fileOf = (folder: string, number: number) => join(folder, `${paddedNumber(number)}.mutlog`);

async function openExisting(folder: string, number: number, last: boolean): Promise<LocalSegment> {
  const file = fileOf(folder, number);
  const handle = await open(file, 'r+');
  try {
    const bytes = await handle.readFile();
    const good = await goodBytes(bytes, file, last);
    if (good < bytes.length) {
      await putAside(file, good, bytes.subarray(good));
      await handle.truncate(good);
      await handle.sync();
    }
    const hash = createHash('sha224').update(bytes.subarray(0, good));
    return localSegment(folder, number, { handle, size: good, hash });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** How many bytes from the beginning are whole records. Throws where records that somebody was told of are behind others that are not. */
async function goodBytes(bytes: Buffer, file: string, last: boolean): Promise<number> {
  let good = 0;
  try {
    for await (const { end } of readRecords([bytes], { name: file })) good = end;
  } catch (error) {
    if (!(error instanceof SamovarError)) throw error;
    if (!last || !isTornAppend(bytes.subarray(good), good)) throw damaged(file, good, error);
  }
  return good;
}

function damaged(file: string, good: number, cause: SamovarError): SamovarError {
  return new SamovarError('malformed', `${file} is damaged from byte ${good} on: ${cause.message}`, {
    subject: file,
    remedy:
      'Run `samovar mutation-log repair OWNER/REPO --wal`: it cuts the file behind its last good record and keeps the rest.',
    cause,
  });
}

function localSegment(
  folder: string,
  number: number,
  state: { readonly handle: FileHandle; size: number; readonly hash: Hash },
): LocalSegment {
  const { handle, hash } = state;
  let broken: unknown;
  return {
    number,
    size: () => state.size,
    sha224: () => hash.copy().digest('hex'),
    append: async (bytes) => {
      if (broken !== undefined) throw broken;
      try {
        await writeAt(handle, bytes, state.size);
        await handle.datasync();
      } catch (error) {
        // What is on the disk by now is known only when it is read again.
        broken = error;
        throw error;
      }
      hash.update(bytes);
      state.size += bytes.length;
    },
    read: async (start, end) => {
      const buffer = Buffer.alloc(Math.max(0, Math.min(end, state.size) - start));
      let read = 0;
      while (read < buffer.length) {
        const { bytesRead } = await handle.read(buffer, read, buffer.length - read, start + read);
        if (bytesRead === 0) break;
        read += bytesRead;
      }
      return buffer.subarray(0, read);
    },
    remove: async () => {
      await handle.close();
      await rm(fileOf(folder, number), { force: true });
      await syncFolder(folder);
    },
    close: () => handle.close(),
  };
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync().catch(() => undefined);
  } finally {
    await handle.close();
  }
}
