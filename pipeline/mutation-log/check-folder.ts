import type { CallOptions } from '../backends/bucket/contract.ts';
import { damageOf, type Finding, type LogCheck } from './check.ts';
import { type DayFile, fileBytes, listDayFiles } from './folder-files.ts';
import { folderUrl } from './folder-log.ts';
import { type Scan, scanSegment } from './scan.ts';

export interface ScannedFile {
  readonly file: DayFile;
  readonly scan: Scan;
}

export interface FolderOptions extends CallOptions {
  /** Files of the folder; default: daily ones. */
  readonly list?: (folder: string) => Promise<readonly DayFile[]>;
}

/** Reads files of a folder whole: every header, every mutation. */
export async function checkFolder(folder: string, call: FolderOptions = {}): Promise<LogCheck> {
  const findings: Finding[] = [];
  let [segments, records, bytes] = [0, 0, 0];
  for await (const { file, scan } of scanFolder(folder, call)) {
    segments += 1;
    records += scan.records;
    bytes += scan.bytes;
    findings.push(...damageOf(file.path, file.number, scan));
  }
  return { url: folderUrl(folder), segments, records, bytes, findings, notes: [] };
}

export async function* scanFolder(
  folder: string,
  { signal, list = listDayFiles }: FolderOptions,
): AsyncGenerator<ScannedFile> {
  for (const file of await list(folder)) {
    signal?.throwIfAborted();
    yield { file, scan: await scanSegment(fileBytes(file), file.path) };
  }
}
