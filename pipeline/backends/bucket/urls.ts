import { SamovarError } from '../../errors.ts';

/**
 * Glossary: a *bucket URL* names a bucket (`gs://name`, `file:some/dir`); a *root URL* names a prefix in one and is what
 * users configure (`gs://name/logs/`, `file:some/dir/logs/`). Neither is percent-decoded: both stay as written.
 */

export interface BucketAddress {
  readonly scheme: 'gs' | 'file';
  /** gs: the bucket's name. file: the directory's path, relative to the working directory unless it starts with a slash. */
  readonly place: string;
}

const ALLOWED =
  'Allowed are gs://bucket/prefix/ and file:directory/prefix/ (file:///directory/prefix/ when absolute).';

/** Splits `gs://name` or `file:dir`. Throws `config` for any other scheme and for names no server would accept. */
export function parseBucketUrl(url: string): BucketAddress {
  refuseOddCharacters(url);
  if (url.startsWith('gs://')) return { scheme: 'gs', place: gsBucketName(url, url.slice('gs://'.length)) };
  if (url.startsWith('file:')) return { scheme: 'file', place: filePath(url) };
  throw refusal(url, 'its scheme is unknown');
}

/**
 * Splits a configured root into a bucket and a prefix: `gs://name/logs/` gives `gs://name` and `logs/`;
 * `file:some/dir/logs/` gives `file:some/dir` and `logs/`. A missing last slash is added. Throws `config`.
 */
export function parseRoot(rootUrl: string): { readonly bucketUrl: string; readonly prefix: string } {
  refuseOddCharacters(rootUrl);
  const trimmed = rootUrl.replace(/\/+$/, '');
  if (rootUrl.startsWith('gs://')) {
    const slash = trimmed.indexOf('/', 'gs://'.length);
    const bucketUrl = slash < 0 ? trimmed : trimmed.slice(0, slash);
    parseBucketUrl(bucketUrl);
    const prefix = slash < 0 ? '' : `${trimmed.slice(slash + 1)}/`;
    if (prefix.startsWith('/') || prefix.includes('//'))
      throw refusal(rootUrl, 'its prefix has an empty part (//)');
    return { bucketUrl, prefix };
  }
  if (rootUrl.startsWith('file:')) return splitFileRoot(rootUrl, trimmed);
  throw refusal(rootUrl, 'its scheme is unknown');
}

function splitFileRoot(rootUrl: string, trimmed: string): { bucketUrl: string; prefix: string } {
  const path = filePath(trimmed === 'file:' ? rootUrl : trimmed);
  const last = path.slice(path.lastIndexOf('/') + 1);
  if (last === '' || last === '.') throw refusal(rootUrl, 'it names no directory inside a bucket');
  const before = trimmed.slice(0, trimmed.length - last.length).replace(/\/+$/, '');
  // `file:logs/` lies in the working directory, `file:///logs/` in the file system's root: both need a dot to stay a path.
  if (before === 'file:')
    return { bucketUrl: path.startsWith('/') ? 'file:///.' : 'file:.', prefix: `${last}/` };
  return { bucketUrl: before, prefix: `${last}/` };
}

function filePath(url: string): string {
  const rest = url.slice('file:'.length);
  if (rest.startsWith('//') && !rest.startsWith('///'))
    throw refusal(url, 'it names a host; an absolute path has three slashes');
  const path = rest.startsWith('///') ? rest.slice('//'.length) : rest;
  if (path === '') throw refusal(url, 'it names no directory');
  return path;
}

/** Google's rules: 3-63 characters, up to 222 with dots, lower case, letter or digit at both ends. */
function gsBucketName(url: string, name: string): string {
  const longest = name.includes('.') ? 222 : 63;
  if (!/^[a-z0-9][a-z0-9._-]+[a-z0-9]$/.test(name) || name.length > longest) {
    throw refusal(
      url,
      `"${name}" is no bucket name (3-63 of a-z, 0-9, "-", "_", ".", a letter or digit at both ends)`,
    );
  }
  return name;
}

function refuseOddCharacters(url: string): void {
  if (/[\x00-\x1f\x7f]/.test(url)) throw refusal(JSON.stringify(url), 'it has a control character');
  if (/(^|[/:])\.\.(\/|$)/.test(url)) throw refusal(url, 'it has a ".." part');
}

function refusal(url: string, why: string): SamovarError {
  return new SamovarError('config', `Cannot use bucket ${url}: ${why}`, { subject: url, remedy: ALLOWED });
}
