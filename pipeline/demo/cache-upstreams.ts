import { createHash } from 'node:crypto';
import { bodhiAnswer } from './cache-answers-bodhi.ts';
import { bugzillaAnswer } from './cache-answers-bugs.ts';
import {
  calendarText,
  fafAnswer,
  koscheiAnswer,
  mdapiAnswer,
  orphansAnswer,
  scheduleAnswer,
} from './cache-answers-other.ts';
import { srcAnswer } from './cache-answers-src.ts';
import { type CacheWorld, cacheWorld } from './cache-world.ts';

export const UPSTREAM_NAMES = [
  ...['bodhi', 'bugzilla', 'src', 'koschei', 'faf', 'mdapi', 'orphans', 'calendars', 'schedule'],
] as const;

export interface UpstreamRequest {
  /** One of `UPSTREAM_NAMES`. */
  readonly host: string;
  /** Below the upstream's own base, beginning with a slash. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in small letters. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

export interface UpstreamReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface CacheUpstreams {
  answer(request: UpstreamRequest): UpstreamReply;
  /** From now on something of this upstream is another: an answer's ETag too. */
  change(host: string): void;
}

export interface CacheUpstreamsOptions {
  readonly seed: number;
  /** Epoch milliseconds. The answers' times are counted back from here. */
  readonly nowMs: number;
  /** Who sends this as a bearer token sees private bugs. */
  readonly bugzillaKey?: string;
}

/** Answers as the services would give them that packagers use, in their own shapes and with their oddities, for a made-up world. */
export function cacheUpstreams({ seed, nowMs, bugzillaKey }: CacheUpstreamsOptions): CacheUpstreams {
  const world = cacheWorld(seed, nowMs);
  const revisions = new Map<string, number>();
  return {
    answer: (request) => {
      const revision = revisions.get(request.host) ?? 0;
      const hasKey = bugzillaKey !== undefined && request.headers?.authorization === `Bearer ${bugzillaKey}`;
      if (request.host === 'calendars') return reply(request, 'text/calendar', calendarText(world));
      const value = documentOf(world, request, revision, hasKey);
      if (value === undefined)
        return { status: 404, headers: {}, body: '{"error": "there is no such thing"}' };
      return reply(request, 'application/json', JSON.stringify(value));
    },
    change: (host) => revisions.set(host, (revisions.get(host) ?? 0) + 1),
  };
}

function documentOf(world: CacheWorld, request: UpstreamRequest, revision: number, hasKey: boolean): unknown {
  const { host, path, query } = request;
  switch (host) {
    case 'bodhi':
      return bodhiAnswer(world, path, query, revision);
    case 'bugzilla':
      return bugzillaAnswer(world, path, { query, hasKey, revision });
    case 'src':
      return srcAnswer(world, path, query, revision);
    case 'koschei':
      return koscheiAnswer(world, path, revision);
    case 'faf':
      return fafAnswer(world, path, query);
    case 'mdapi':
      return mdapiAnswer(world, path);
    case 'orphans':
      return orphansAnswer(world, revision);
    case 'schedule':
      return scheduleAnswer(world, path);
    default:
      return undefined;
  }
}

function reply({ headers }: UpstreamRequest, type: string, body: string): UpstreamReply {
  const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 20)}"`;
  if (headers?.['if-none-match'] === etag) return { status: 304, headers: { etag }, body: '' };
  return { status: 200, headers: { 'content-type': type, etag }, body };
}
