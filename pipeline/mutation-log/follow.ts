import { createReadStream } from 'node:fs';
import { SamovarError } from '../errors.ts';
import { type FramedRecord, readRecords } from '../records/mutation/framing.ts';
import type { LogPosition, LogRecord, LogSource, ReadLogOptions } from './contract.ts';
import { type FollowCache, hashFile, openCache } from './follow-cache.ts';
import { downloadSegment } from './follow-download.ts';
import {
  assertGoesOn,
  type FollowedSegment,
  historySplit,
  type RemoteSegment,
  totalSize,
} from './follow-history.ts';
import { type FollowHttp, followHttp } from './follow-http.ts';

/** A list that a download shows to be out of date is asked for again, so often in all. */
const ROUNDS_MAX = 3;

export interface FollowOptions {
  /** Of the server's list of segments; it ends in `/logs`. */
  readonly url: string;
  /** Where its segments are kept on this machine. */
  readonly folder: string;
  /** No answer, or no next byte of one, within this time is a `timeout`. */
  readonly timeoutMs: number;
  /** Makes a call again that may succeed then: with backoff, attempts and a budget of its choice. */
  readonly retry: Retry;
}

export type Retry = <T>(attempt: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

/** Follows the log of another server: maintner's, or ours. */
export interface Follower {
  /** The log as far as it is on this machine. */
  readonly source: LogSource;
  /**
   * Brings what is on this machine up to date; true: the log became longer. `wait`: the server answers when it has something new,
   * within a minute. Throws `conflict` (`history-split`) when the server has another log than before; nothing is changed then.
   */
  update(options: { readonly wait: boolean; readonly signal?: AbortSignal }): Promise<boolean>;
  /** Forgets what is on this machine. */
  clear(): Promise<void>;
}

export function openFollower(options: FollowOptions): Follower {
  const { url, folder, retry } = options;
  const cache = openCache(folder);
  const http = followHttp(options);
  const checked = new Set<string>();
  let known: readonly FollowedSegment[] | undefined;
  const present = async () => {
    known ??= await cache.scan();
    return known;
  };
  const update = async (wait: boolean, signal?: AbortSignal): Promise<boolean> => {
    const before = await present();
    // Nothing known: there is nothing to wait for.
    const sizeNot = wait && before.length > 0 ? totalSize(before) : undefined;
    const remote = await retry(() => http.list(sizeNot, signal), signal);
    if (remote === 'unchanged') return false;
    assertGoesOn(url, before, remote);
    // Until all is done the folder alone says what is there.
    known = undefined;
    await bring({ url, http, cache, retry, signal }, before, remote);
    known = remote.map(({ number, size, sha224 }) => ({ number, size, sha224 }));
    return totalSize(remote) !== totalSize(before);
  };
  const source: LogSource = {
    url,
    segments: async () =>
      (await present()).map((segment, at, { length }) => {
        const growing = at === length - 1;
        return { ...segment, name: cache.fileOf(segment, growing), growing };
      }),
    read: (readOptions = {}) => read({ url, cache, checked, present }, readOptions),
  };
  return {
    source,
    update: async ({ wait, signal }) => {
      for (let round = 1; ; round += 1) {
        try {
          return await update(wait && round === 1, signal);
        } catch (error) {
          if (round === ROUNDS_MAX || !isOutOfDate(error)) throw error;
        }
      }
    },
    clear: async () => {
      await cache.clear();
      checked.clear();
      known = undefined;
    },
  };
}

/** A segment that is not (or not so) where the list says: the server has a new list by now. */
function isOutOfDate(error: unknown): boolean {
  return error instanceof SamovarError && (error.code === 'malformed' || error.code === 'missing');
}

interface Around {
  readonly url: string;
  readonly http: FollowHttp;
  readonly cache: FollowCache;
  readonly retry: Retry;
  readonly signal: AbortSignal | undefined;
}

async function bring(
  around: Around,
  before: readonly FollowedSegment[],
  remote: readonly RemoteSegment[],
): Promise<void> {
  for (const [at, segment] of remote.entries()) {
    const growing = at === remote.length - 1;
    const known = before[at];
    const isSame = known?.sha224 === segment.sha224 && known.size === segment.size;
    // A name with a hash is a promise: what breaks it is found when it is read.
    if ((isSame || !growing) && (await around.cache.has(segment, growing))) continue;
    if (isSame && !growing && (await around.cache.has(segment, true))) await around.cache.freeze(segment);
    else await downloadSegment(around, segment, { growing, known });
  }
}

interface Reading {
  readonly url: string;
  readonly cache: FollowCache;
  readonly checked: Set<string>;
  readonly present: () => Promise<readonly FollowedSegment[]>;
}

async function* read(reading: Reading, { from, signal }: ReadLogOptions): AsyncGenerator<LogRecord> {
  const segments = await reading.present();
  if (from !== undefined) assertPlace(reading.url, segments, from);
  for (const [at, segment] of segments.entries()) {
    if (from !== undefined && segment.number < from.segment) continue;
    const offset = segment.number === from?.segment ? from.offset : 0;
    if (offset === segment.size) continue;
    const file = reading.cache.fileOf(segment, at === segments.length - 1);
    await check(reading, segment, file);
    const bytes = createReadStream(file, { start: offset, end: segment.size - 1, signal });
    const records = readRecords(bytes, { start: offset, name: file });
    yield* offset === 0 ? numbered(segment, records) : fromThere(reading.url, segment, offset, records);
  }
}

async function* numbered(
  { number }: FollowedSegment,
  records: AsyncIterable<FramedRecord>,
): AsyncGenerator<LogRecord> {
  for await (const record of records) yield { segment: number, ...record };
}

/** Where a record should begin and none does, somebody was in another log. */
async function* fromThere(
  url: string,
  segment: FollowedSegment,
  offset: number,
  records: AsyncIterable<FramedRecord>,
): AsyncGenerator<LogRecord> {
  let begun = false;
  try {
    for await (const record of numbered(segment, records)) {
      begun = true;
      yield record;
    }
  } catch (error) {
    if (begun || !(error instanceof SamovarError) || error.code !== 'malformed') throw error;
    throw historySplit(url, segment.number, `has no record that begins at byte ${offset}`);
  }
}

function assertPlace(url: string, segments: readonly FollowedSegment[], from: LogPosition): void {
  const segment = segments.find(({ number }) => number === from.segment);
  if (segment !== undefined && from.offset <= segment.size) return;
  throw historySplit(url, from.segment, `does not reach byte ${from.offset}`);
}

/** Once in each process: a disk may have lost what it had. */
async function check({ cache, checked }: Reading, segment: FollowedSegment, file: string): Promise<void> {
  if (checked.has(segment.sha224)) return;
  const hash = await hashFile(file, segment.size);
  if (hash.digest('hex') !== segment.sha224) {
    await cache.drop(file);
    throw new SamovarError('malformed', `${file} does not have its hash any more, and was removed`, {
      subject: file,
      remedy: 'Run it again: the segment is then read anew from its server.',
    });
  }
  checked.add(segment.sha224);
}
