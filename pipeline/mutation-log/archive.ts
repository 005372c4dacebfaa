/** Below the root of a bucket, beside all logs: logs that made room for others, by the time when they did. */
export const ARCHIVE_FOLDER = 'archive';

/** `20261121T100752Z`: archives sort by their time. */
export function archiveTime(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');
}

export function isArchiveTime(text: string): boolean {
  return /^\d{8}T\d{6}Z$/.test(text);
}

/** Where a log is kept that makes room for another: in the same bucket. */
export function archivePrefix(time: string, prefix: string): string {
  return `${ARCHIVE_FOLDER}/${time}/${prefix}`;
}
