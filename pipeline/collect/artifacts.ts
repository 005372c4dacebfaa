import type { Bucket, BucketObject } from '../backends/bucket/contract.ts';
import { listAll } from '../backends/bucket/list-all.ts';
import { SamovarError } from '../errors.ts';

/** What a server that understands globs is asked for: no star within braces, which not all take. Every answer is filtered again. */
const JUNIT_GLOB = '**/{junit,test}*.xml';
/** Past this many JUnit files a build is one for the dead letters. */
const FILES_MAX = 20_000;

/** Named as Kettle's (`junit*.xml`) or as Bazel's (`test.xml`), at any depth. */
export function isJunitName(name: string): boolean {
  const base = name.slice(name.lastIndexOf('/') + 1);
  return base === 'test.xml' || (base.startsWith('junit') && base.endsWith('.xml'));
}

/** The JUnit files of a build, in byte order of their names. A refusal is an error, never "no JUnit". */
export async function listJunit(
  bucket: Bucket,
  folder: string,
  signal: AbortSignal,
): Promise<readonly BucketObject[]> {
  const files: BucketObject[] = [];
  for await (const page of listAll(bucket, `${folder}/artifacts/`, { matchGlob: JUNIT_GLOB, signal })) {
    for (const object of page.objects) if (isJunitName(object.name)) files.push(object);
    if (files.length > FILES_MAX) {
      throw new SamovarError('too-large', `${bucket.url}/${folder} has more than ${FILES_MAX} JUnit files`, {
        subject: `${bucket.url}/${folder}`,
      });
    }
  }
  return files.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}
