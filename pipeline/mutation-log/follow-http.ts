import { codeOfStatus, SamovarError } from '../errors.ts';
import { type RemoteSegment, readSegments } from './follow-history.ts';

const LIST_BYTES_MAX = 64 << 20;
/** A server answers a long poll after 55 s at the latest. */
const POLL_MS = 55_000;

export interface FollowHttpOptions {
  /** Of the list of segments: `https://maintner.golang.org/logs`. */
  readonly url: string;
  /** No answer, or no next byte of a body, within this time is a `timeout`. A long poll gets as much on top of its 55 s. */
  readonly timeoutMs: number;
}

export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** What is asked of a server of mutation logs; one attempt per call. */
export interface FollowHttp {
  /** `sizeNot`: wait until the log has another size; `'unchanged'`: it did not get one in time. */
  list(sizeNot: number | undefined, signal?: AbortSignal): Promise<readonly RemoteSegment[] | 'unchanged'>;
  /** `take` gets the bytes as they come, and where they begin: 0 where the server does not know ranges. */
  bytes(
    segment: RemoteSegment,
    range: ByteRange,
    take: (body: AsyncIterable<Uint8Array>, start: number) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<void>;
}

export function followHttp({ url, timeoutMs }: FollowHttpOptions): FollowHttp {
  return {
    list: (sizeNot, signal) => {
      const asked = new URL(url);
      if (sizeNot !== undefined) asked.searchParams.set('waitsizenot', String(sizeNot));
      const waitMs = sizeNot === undefined ? timeoutMs : timeoutMs + POLL_MS;
      return request(asked.href, { waitMs, signal }, {}, async (response, alive) => {
        if (response.status === 304) return 'unchanged';
        assertStatus(response, asked.href, [200]);
        return readSegments(await readText(alive(bodyOf(response)), url), url);
      });
    },
    bytes: (segment, { start, end }, take, signal) => {
      const headers = { range: `bytes=${start}-${end - 1}` };
      return request(segment.url, { waitMs: timeoutMs, signal }, headers, async (response, alive) => {
        if (response.status === 416) throw notThere(segment, start);
        assertStatus(response, segment.url, [200, 206]);
        const begins = response.status === 206 ? firstByte(response, segment.url) : 0;
        if (begins !== 0 && begins !== start) throw wrongRange(segment.url, start, begins);
        await take(alive(bodyOf(response)), begins);
      });
    },
  };
}

type Alive = (body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

/** One request with a deadline that each byte of the answer puts off. */
async function request<T>(
  url: string,
  { waitMs, signal }: { readonly waitMs: number; readonly signal?: AbortSignal | undefined },
  headers: Readonly<Record<string, string>>,
  use: (response: Response, alive: Alive) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  let timer = setTimeout(() => deadline.abort(), waitMs);
  const ends = signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]);
  async function* alive(body: AsyncIterable<Uint8Array>) {
    for await (const chunk of body) {
      clearTimeout(timer);
      timer = setTimeout(() => deadline.abort(), waitMs);
      yield chunk;
    }
  }
  let response: Response | undefined;
  try {
    // Ranges count stored bytes: they must come as they are stored.
    response = await fetch(url, { signal: ends, headers: { 'accept-encoding': 'identity', ...headers } });
    return await use(response, alive);
  } catch (cause) {
    throw errorOf(cause, url, { waitMs, deadline: deadline.signal, signal });
  } finally {
    clearTimeout(timer);
    // What was not read would hold the connection.
    if (response?.body && !response.body.locked) await response.body.cancel().catch(() => undefined);
  }
}

function errorOf(
  cause: unknown,
  url: string,
  at: { readonly waitMs: number; readonly deadline: AbortSignal; readonly signal?: AbortSignal | undefined },
): unknown {
  if (at.signal?.aborted === true)
    return new SamovarError('aborted', 'given up, the run is ending', { cause: at.signal.reason });
  if (cause instanceof SamovarError) return cause;
  if (at.deadline.aborted)
    return new SamovarError('timeout', `${url} was silent for ${at.waitMs / 1000} s`, { subject: url });
  // fetch throws TypeError for whatever went wrong on the way.
  if (cause instanceof TypeError)
    return new SamovarError('network', `cannot read ${url}: the connection failed or broke`, {
      subject: url,
      cause: cause.cause ?? cause,
    });
  return cause;
}

function bodyOf(response: Response): AsyncIterable<Uint8Array> {
  return (response.body ?? []) as AsyncIterable<Uint8Array>;
}

async function readText(body: AsyncIterable<Uint8Array>, url: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > LIST_BYTES_MAX)
      throw new SamovarError('too-large', `the list of segments at ${url} is over ${LIST_BYTES_MAX} bytes`, {
        subject: url,
      });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function assertStatus(response: Response, url: string, wanted: readonly number[]): void {
  const { status } = response;
  if (wanted.includes(status)) return;
  const after = Number(response.headers.get('retry-after') ?? Number.NaN);
  throw new SamovarError(codeOfStatus(status), `${url} answered with status ${status}`, {
    subject: url,
    status,
    ...(Number.isFinite(after) && after >= 0 && { retryAfterMs: after * 1000 }),
  });
}

function firstByte(response: Response, url: string): number {
  const range = response.headers.get('content-range') ?? '';
  const begin = /^bytes (\d+)-\d+\//.exec(range)?.[1];
  if (begin !== undefined) return Number(begin);
  throw new SamovarError('malformed', `${url} answered with a part and does not say which: ${range}`, {
    subject: url,
  });
}

function wrongRange(url: string, asked: number, got: number): SamovarError {
  return new SamovarError(
    'malformed',
    `${url} was asked for bytes from ${asked} and answered with bytes from ${got}`,
    {
      subject: url,
    },
  );
}

/** The list named bytes that are not there: it is older than what the server has now. */
function notThere({ url, size }: RemoteSegment, start: number): SamovarError {
  return new SamovarError('malformed', `${url} has no bytes from ${start}, though its list says ${size}`, {
    subject: url,
    status: 416,
  });
}
