import { SamovarError } from '../errors.ts';

/** A segment as a list names it, and as it lies in the cache. */
export interface FollowedSegment {
  readonly number: number;
  readonly size: number;
  /** Lowercase hex, of all its bytes. */
  readonly sha224: string;
}

export interface RemoteSegment extends FollowedSegment {
  readonly url: string;
}

const HASH = /^[0-9a-f]{56}$/;

/** Reads a server's list. Throws `malformed`: what it says must be segments in order, without a gap, behind http or https. */
export function readSegments(json: string, baseUrl: string): readonly RemoteSegment[] {
  const list = parseList(json, baseUrl);
  const segments = list.map((entry) => readSegment(entry, baseUrl));
  const gap = segments.findIndex(({ number }, at) => number !== at);
  if (gap !== -1) throw malformed(baseUrl, `segment ${segments[gap]?.number} is where ${gap} belongs`);
  return segments;
}

function parseList(json: string, baseUrl: string): readonly unknown[] {
  try {
    const list: unknown = JSON.parse(json);
    // A server in Go says null for a list without anything in it.
    if (list === null) return [];
    if (Array.isArray(list)) return list;
  } catch (cause) {
    throw malformed(baseUrl, 'it is no JSON', cause);
  }
  throw malformed(baseUrl, 'it is no array');
}

function readSegment(entry: unknown, baseUrl: string): RemoteSegment {
  const { number, size, sha224, url } = (entry ?? {}) as Readonly<Record<string, unknown>>;
  if (!isCount(number) || !isCount(size)) throw malformed(baseUrl, 'a segment without number or size');
  if (typeof sha224 !== 'string' || !HASH.test(sha224))
    throw malformed(baseUrl, `segment ${number} without its hash`);
  if (typeof url !== 'string' || !URL.canParse(url, baseUrl))
    throw malformed(baseUrl, `segment ${number} without a URL`);
  const resolved = new URL(url, baseUrl);
  const secure = resolved.protocol === 'https:';
  if (!secure && (resolved.protocol !== 'http:' || baseUrl.startsWith('https:')))
    throw malformed(baseUrl, `segment ${number} is behind ${resolved.protocol}`);
  return { number, size, sha224, url: resolved.href };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function malformed(url: string, seen: string, cause?: unknown): SamovarError {
  return new SamovarError('malformed', `${url} does not answer as the server of a mutation log: ${seen}`, {
    subject: url,
    remedy: 'Give the URL of its list of segments, which ends in /logs.',
    cause,
  });
}

/**
 * Whether what the server has now goes on from what is known. The last known segment may have become longer; that it begins as it
 * did is then seen by its hash. Throws `conflict` where the history split.
 */
export function assertGoesOn(
  url: string,
  known: readonly FollowedSegment[],
  remote: readonly FollowedSegment[],
): void {
  for (const [at, before] of known.entries()) {
    const now = remote[at];
    if (now === undefined) throw historySplit(url, before.number, 'is not there any more');
    if (now.number !== before.number) throw historySplit(url, before.number, `is number ${now.number} now`);
    if (now.sha224 === before.sha224 && now.size === before.size) continue;
    const mayGrow = at === known.length - 1;
    if (!mayGrow || now.size <= before.size) throw historySplit(url, before.number, 'has other bytes now');
  }
}

/** The log at a URL is another one than was followed until now. */
export function historySplit(url: string, segment: number, seen: string): SamovarError {
  return new SamovarError(
    'conflict',
    `history-split: the log at ${url} is not the one that was followed until now: segment ${segment} ${seen}`,
    {
      subject: url,
      remedy:
        'The server lost or replaced its log. To begin anew with the one it has, follow it with --rebuild.',
    },
  );
}

export function totalSize(segments: readonly FollowedSegment[]): number {
  return segments.reduce((sum, { size }) => sum + size, 0);
}
