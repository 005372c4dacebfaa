import type { Bucket, CallOptions } from '../backends/bucket/contract.ts';
import { listAll } from '../backends/bucket/list-all.ts';
import { SamovarError } from '../errors.ts';
import { ARCHIVE_FOLDER, isArchiveTime } from './archive.ts';

/**
 * `OWNER/REPO` of all that looks like a repository's log below a prefix, which ends with a slash or is empty. What was archived is none:
 * its copies lie two folders deep, too, where logs begin at the root of a bucket.
 */
export async function findLogs(
  bucket: Bucket,
  prefix: string,
  call: CallOptions = {},
): Promise<readonly string[]> {
  const owners = await foldersOf(bucket, prefix, call);
  const folders = await Promise.all(owners.map((owner) => foldersOf(bucket, owner, call)));
  const names = folders.flat().map((folder) => folder.slice(prefix.length, -1));
  return names.filter((name) => prefix !== '' || !isArchive(name));
}

/** By the whole name: `archive` may be an owner, too. */
function isArchive(name: string): boolean {
  const [owner, time = ''] = name.split('/');
  return owner === ARCHIVE_FOLDER && isArchiveTime(time);
}

async function foldersOf(bucket: Bucket, prefix: string, call: CallOptions): Promise<readonly string[]> {
  const found: string[] = [];
  try {
    for await (const page of listAll(bucket, prefix, { ...call, delimited: true }))
      found.push(...page.prefixes);
    return found;
  } catch (error) {
    // A folder that nobody has made yet.
    if (error instanceof SamovarError && error.code === 'missing') return [];
    throw error;
  }
}
