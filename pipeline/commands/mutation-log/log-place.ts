import { readdir } from 'node:fs/promises';
import type { Bucket } from '../../backends/bucket/contract.ts';
import { parseRoot } from '../../backends/bucket/index.ts';
import type { Context } from '../../context.ts';
import { SamovarError } from '../../errors.ts';
import { openBucketLog } from '../../mutation-log/bucket-log.ts';
import type { LogSource } from '../../mutation-log/contract.ts';
import type { DayFile } from '../../mutation-log/folder-files.ts';
import { openFolderLog } from '../../mutation-log/folder-log.ts';

const REQUESTS_IN_FLIGHT = 4;
const DAY_FILE = /^maintner-\d{4}-\d{2}-\d{2}\.mutlog$/;

/** `OWNER/REPO`. Throws `config`. */
export function repoOf(text: string): { readonly owner: string; readonly name: string } {
  const [, owner, name] = /^([\w.-]+)\/([\w.-]+)$/.exec(text) ?? [];
  if (owner !== undefined && name !== undefined && !/^\.\.?$/.test(owner) && !/^\.\.?$/.test(name))
    return { owner, name };
  throw new SamovarError('config', `${JSON.stringify(text)} is not OWNER/REPO`, {
    subject: text,
    remedy: 'Name a repository as GitHub does: golang/go.',
  });
}

/** Where a log is: a folder of files, or objects in a bucket below a prefix that ends with a slash. */
export type LogPlace =
  | {
      readonly folder: string;
      /** What its files are; default: daily ones. */
      readonly list?: (folder: string) => Promise<readonly DayFile[]>;
    }
  | { readonly bucket: Bucket; readonly prefix: string };

/** A log by where it is: a bucket and prefix, or a folder, whose daily files are known by their names. Throws `config`. */
export async function openLog(context: Context, place: string): Promise<LogSource> {
  const found = await logPlace(context, place);
  return 'folder' in found ? openFolderLog(found.folder) : openBucketLog(found.bucket, found.prefix);
}

export async function logPlace(context: Context, place: string): Promise<LogPlace> {
  const folder = place.startsWith('file:') ? place.slice('file:'.length).replace(/^\/\/(?=\/)/, '') : place;
  if (!place.startsWith('gs://') && (await hasDayFiles(folder))) return { folder };
  const isUrl = /^[a-z]+:/.test(place);
  const { bucketUrl, prefix } = parseRoot(
    isUrl ? place : `file:${place.startsWith('/') ? '//' : ''}${place}`,
  );
  return { bucket: context.openBucket(bucketUrl, { requestsInFlight: REQUESTS_IN_FLIGHT }), prefix };
}

async function hasDayFiles(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.some((name) => DAY_FILE.test(name));
}
