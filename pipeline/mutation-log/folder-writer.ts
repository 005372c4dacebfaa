import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { SamovarError } from '../errors.ts';
import { frameRecord, readRecords } from '../records/mutation/framing.ts';
import type { LogPosition, LogRecord, LogSegment, LogWriter } from './contract.ts';
import { type DayFile, dayFileName, dayNumber, folderError, listDayFiles } from './folder-files.ts';
import { lockFolder } from './folder-lock.ts';
import { openFolderLog } from './folder-log.ts';
import { putAside } from './quarantine-file.ts';
import { isTornAppend } from './torn.ts';

export interface FolderWriterOptions {
  readonly folder: string;
  readonly nowMs: () => number;
}

interface Writing {
  readonly folder: string;
  readonly nowMs: () => number;
  readonly unlock: () => Promise<void>;
  /** Frozen days; the last one is in `day`. */
  frozen: readonly LogSegment[];
  day: Day | undefined;
  ended: boolean;
}

/** The file that grows. */
interface Day {
  readonly number: number;
  readonly name: string;
  readonly path: string;
  readonly handle: FileHandle;
  readonly hash: ReturnType<typeof createHash>;
  size: number;
}

/**
 * Writes a log in maintner's disk form, which maintner reads. Records are synced when `append` returns, so `flush` has nothing to do. What an
 * append left half-written is cut off and put into `quarantine/`. Throws `conflict` when another writer has the folder, `malformed` when
 * the last day is damaged otherwise.
 */
export async function openFolderWriter({ folder, nowMs }: FolderWriterOptions): Promise<LogWriter> {
  await mkdir(folder, { recursive: true });
  const unlock = await lockFolder(folder);
  const writing: Writing = { folder, nowMs, unlock, frozen: [], day: undefined, ended: false };
  try {
    const files = await listDayFiles(folder);
    const last = files.at(-1);
    if (last !== undefined) writing.day = await continueDay(last);
    writing.frozen = (await openFolderLog(folder).segments())
      .slice(0, -1)
      .map((segment) => ({ ...segment, growing: false }));
  } catch (error) {
    await unlock();
    throw error;
  }
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work, work);
    turn = mine.catch(() => undefined);
    return mine;
  };
  return {
    end: () => endOf(writing),
    append: (payloads) => inTurn(() => append(writing, payloads)),
    flush: async () => undefined,
    segments: () => segmentsOf(writing),
    read: (options = {}) => openFolderLog(folder).read(options),
    bytes: (segment, range) => bytesOf(folder, segment, range),
    close: () => inTurn(() => close(writing)),
  };
}

async function continueDay(file: DayFile): Promise<Day> {
  const bytes = await readFile(file.path);
  let good = 0;
  try {
    for await (const { end } of readRecords([bytes], { name: file.path })) good = end;
  } catch (error) {
    const rest = bytes.subarray(good);
    if (!(error instanceof SamovarError) || !isTornAppend(rest, good)) throw error;
    await putAside(file.path, good, rest);
    await truncate(file.path, good);
  }
  return openDay(file, bytes.subarray(0, good));
}

async function openDay(
  { number, name, path }: Pick<DayFile, 'number' | 'name' | 'path'>,
  bytes: Uint8Array,
): Promise<Day> {
  try {
    const handle = await open(path, 'a', 0o600);
    const hash = createHash('sha224').update(bytes);
    return { number, name, path, handle, hash, size: bytes.length };
  } catch (error) {
    throw folderError(path, 'opened', error as NodeJS.ErrnoException);
  }
}

async function append(writing: Writing, payloads: readonly Uint8Array[]): Promise<readonly LogRecord[]> {
  if (writing.ended) throw new SamovarError('aborted', `the log in ${writing.folder} was closed`);
  if (payloads.length === 0) return [];
  const day = await today(writing);
  const records: LogRecord[] = [];
  const framed: Uint8Array[] = [];
  let offset = day.size;
  for (const payload of payloads) {
    const bytes = frameRecord(offset, payload);
    framed.push(bytes);
    records.push({ segment: day.number, offset, end: offset + bytes.length, payload });
    offset += bytes.length;
  }
  const { size } = await day.handle.stat();
  if (size !== day.size) throw changed(day, size);
  const bytes = Buffer.concat(framed);
  try {
    await day.handle.appendFile(bytes);
    await day.handle.datasync();
  } catch (error) {
    // What of it is on the disk is known only when the file is read again.
    writing.ended = true;
    throw folderError(day.path, 'written', error as NodeJS.ErrnoException);
  }
  day.hash.update(bytes);
  day.size = offset;
  return records;
}

/** The file of this day, or of the last one that there is: a clock that was put back must not change the order of records. */
async function today(writing: Writing): Promise<Day> {
  const name = dayFileName(writing.nowMs());
  const number = dayNumber(name) ?? 0;
  if (writing.day !== undefined && writing.day.number >= number) return writing.day;
  if (writing.day !== undefined) {
    await writing.day.handle.close();
    writing.frozen = [...writing.frozen, segmentOf(writing.day, false)];
  }
  writing.day = await openDay({ number, name, path: join(writing.folder, name) }, new Uint8Array());
  await syncFolder(writing.folder);
  return writing.day;
}

function endOf({ day, nowMs }: Writing): LogPosition {
  if (day === undefined) return { segment: dayNumber(dayFileName(nowMs())) ?? 0, offset: 0 };
  return { segment: day.number, offset: day.size };
}

function segmentOf({ number, name, size, hash }: Day, growing: boolean): LogSegment {
  return { number, name, size, sha224: hash.copy().digest('hex'), growing };
}

function segmentsOf({ frozen, day }: Writing): readonly LogSegment[] {
  return day === undefined ? frozen : [...frozen, segmentOf(day, true)];
}

async function bytesOf(
  folder: string,
  number: number,
  { start, end }: { readonly start: number; readonly end: number },
): Promise<Uint8Array> {
  const file = (await listDayFiles(folder)).find((one) => one.number === number);
  if (file === undefined)
    throw new SamovarError('missing', `the log in ${folder} has no day ${number}`, { subject: folder });
  const handle = await open(file.path, 'r');
  try {
    const buffer = Buffer.alloc(Math.max(0, Math.min(end, file.size) - start));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function close(writing: Writing): Promise<void> {
  writing.ended = true;
  await writing.day?.handle.close().catch(() => undefined);
  await writing.unlock();
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function changed({ path, size }: Day, found: number): SamovarError {
  return new SamovarError(
    'conflict',
    `${path} has ${found} bytes where this writer left ${size}: another one writes to it`,
    {
      subject: path,
      remedy: 'Stop one of the two; `samovar mutation-log verify` says whether harm was done.',
    },
  );
}
