import { createHash } from 'node:crypto';
import { SamovarError } from '../errors.ts';
import { readRecords } from '../records/mutation/framing.ts';
import type { LogPosition, LogRecord, LogSegment, LogSource, ReadLogOptions } from './contract.ts';
import { type DayFile, fileBytes, listDayFiles } from './folder-files.ts';

/**
 * A log in a folder, to read: maintner's disk form, a file for each day, `maintner-YYYY-MM-DD.mutlog`. A day is a segment, and its number
 * the day's digits: 20261121. Nothing on the disk says what a file's hash should be; offsets are what is verified.
 */
export function openFolderLog(folder: string): LogSource {
  return {
    url: folderUrl(folder),
    segments: async ({ signal } = {}) => {
      const files = await listDayFiles(folder);
      const segments: LogSegment[] = [];
      for (const file of files) {
        signal?.throwIfAborted();
        segments.push(await segmentOf(file, file === files.at(-1)));
      }
      return segments;
    },
    read: (options = {}) => readFolder(folder, options),
  };
}

export const folderUrl = (folder: string): string => `file:${folder}/`;

async function segmentOf(file: DayFile, growing: boolean): Promise<LogSegment> {
  const hash = createHash('sha224');
  for await (const chunk of fileBytes(file)) hash.update(chunk);
  return { number: file.number, size: file.size, sha224: hash.digest('hex'), name: file.name, growing };
}

async function* readFolder(
  folder: string,
  { from = { segment: 0, offset: 0 }, signal }: ReadLogOptions,
): AsyncGenerator<LogRecord> {
  const files = await listDayFiles(folder);
  assertPlace(files, from, folder);
  for (const file of files.filter(({ number }) => number >= from.segment)) {
    const start = file.number === from.segment ? from.offset : 0;
    for await (const record of recordsOf(file, start)) {
      signal?.throwIfAborted();
      yield { segment: file.number, ...record };
    }
  }
}

/** Where nothing can be read at a place that somebody was at, it is another log. */
async function* recordsOf(file: DayFile, start: number) {
  let given = false;
  try {
    for await (const record of readRecords(fileBytes(file, start), { name: file.path, start })) {
      given = true;
      yield record;
    }
  } catch (error) {
    if (given || start === 0 || !(error instanceof SamovarError) || error.code !== 'malformed') throw error;
    throw historySplit(file.path, start, error);
  }
}

function assertPlace(files: readonly DayFile[], { segment, offset }: LogPosition, folder: string): void {
  if (offset === 0) return;
  const file = files.find(({ number }) => number === segment);
  if (file === undefined || file.size < offset) throw historySplit(`${folder} day ${segment}`, offset);
}

function historySplit(name: string, offset: number, cause?: unknown): SamovarError {
  return new SamovarError(
    'conflict',
    `history-split: ${name} has no record that begins or ends at byte ${offset}`,
    {
      subject: name,
      remedy: 'It is not the log that was read before: read all of it anew (replay with --rebuild).',
      cause,
    },
  );
}
