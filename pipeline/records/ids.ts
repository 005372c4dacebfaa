import { SamovarError } from '../errors.ts';

/** Prow's build ids are snowflakes: milliseconds since this time (4 November 2010) above 22 bits of node and sequence. */
const SNOWFLAKE_EPOCH_MS = 1_288_834_974_657n;
const SNOWFLAKE_LOWEST = 10n ** 18n;
const SNOWFLAKE_HIGHEST = 2n ** 63n - 1n;

/**
 * True for an id of 19 digits that fits in 63 bits. All ids from May 2018 to 2080 are such, so they sort as text in the order
 * of time; shorter numbers are another counter's.
 */
export function isSnowflake(id: string): boolean {
  return /^[1-9][0-9]{18}$/.test(id) && BigInt(id) <= SNOWFLAKE_HIGHEST;
}

/** When a snowflake id was given out, in epoch milliseconds. Only for what `isSnowflake` accepts. */
export function snowflakeTimeMs(id: string): number {
  return Number((BigInt(id) >> 22n) + SNOWFLAKE_EPOCH_MS);
}

/**
 * The lowest id of that millisecond. Times outside 2018–2080 give the lowest or highest id of 19 digits, so that the answer
 * always compares rightly, as text, with real ids.
 */
export function snowflakeAt(timeMs: number): string {
  if (Number.isNaN(timeMs))
    throw new SamovarError('internal', 'a snowflake id was asked for a time that is not a number');
  const wholeMs = BigInt(Math.floor(Math.min(Math.max(timeMs, 0), Number.MAX_SAFE_INTEGER)));
  const id = (wholeMs - SNOWFLAKE_EPOCH_MS) << 22n;
  if (id < SNOWFLAKE_LOWEST) return String(SNOWFLAKE_LOWEST);
  return String(id > SNOWFLAKE_HIGHEST ? SNOWFLAKE_HIGHEST : id);
}

/** Natural order: runs of digits compare as numbers of any length, all else by character; 9 < 10, run-9 < run-10. */
export function compareBuildIds(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let at = 0; at < left.length && at < right.length; at += 1) {
    const order = compareRuns(left[at] ?? '', right[at] ?? '');
    if (order !== 0) return order;
  }
  // 7 and 007 are the same number but not the same build.
  return left.length - right.length || compareText(a, b);
}

function compareRuns(a: string, b: string): number {
  if (!/^\d/.test(a) || !/^\d/.test(b)) return compareText(a, b);
  const left = a.replace(/^0+/, '');
  const right = b.replace(/^0+/, '');
  return left.length - right.length || compareText(left, right);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The last two parts of a build's path: `gs://bucket/logs/job/123`, `file:dir/logs/job/123` → job and 123. Throws `malformed` for anything else. */
export function buildOfPath(path: string): { readonly job: string; readonly build: string } {
  const [scheme = ''] = path.match(/^[a-z][a-z0-9]*:(?:\/\/)?/) ?? [];
  const parts = path.slice(scheme.length).split('/');
  const build = parts.at(-1) ?? '';
  const job = parts.at(-2) ?? '';
  if (scheme !== '' && parts.length >= 3 && isName(job) && isName(build)) return { job, build };
  throw new SamovarError(
    'malformed',
    `${JSON.stringify(path)} is not the path of a build: it must be like gs://bucket/logs/JOB/BUILD`,
    {
      subject: path,
      remedy: 'Give the folder that holds started.json and finished.json, with no slash at its end.',
    },
  );
}

/** Whether a text can be one part of an object's name: not empty, no slash, no control character, not `.` or `..`. */
export function isName(part: string): boolean {
  return part !== '' && part !== '.' && part !== '..' && !/[/\u0000-\u001f\u007f\u2028\u2029]/.test(part);
}

/** `root` and the parts below it as one path, with single slashes. Throws `malformed` when a part is not a name. */
export function pathBelow(root: string, ...parts: readonly string[]): string {
  const bad = parts.find((part) => !isName(part));
  if (bad === undefined) return [root.replace(/\/+$/, ''), ...parts].join('/');
  throw new SamovarError('malformed', `${JSON.stringify(bad)} cannot be part of a path under ${root}`, {
    subject: root,
  });
}
