import { Agent } from 'undici';
import { codeOfStatus, SamovarError } from '../../../errors.ts';
import type { CacheHosts } from '../../../store/cache-hosts.ts';
import { type RetryOptions, retry } from '../../retry.ts';
import { jsonOf, textOf, unpacked } from './body.ts';
import { budgetOf, type HostBudgets } from './budgets.ts';
import { exchange, type RawAnswer } from './exchange.ts';
import { isLeftAlone, takeTurn } from './turn.ts';
import { shownUrl } from './urls.ts';

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface UpstreamRequest {
  readonly etag?: string;
  readonly lastModified?: string;
  /** Never logged, and never sent to another origin. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 64 MB, unpacked. */
  readonly bytesMax?: number;
}

export type UpstreamAnswer<T> =
  | {
      readonly kind: 'value';
      readonly value: T;
      readonly etag?: string;
      readonly lastModified?: string;
      readonly bytes: number;
    }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'absent'; readonly reason: string };

/** Upstreams over HTTP, each host within its budget over all processes of the database. */
export interface HttpUpstream {
  getJson(url: string, request?: UpstreamRequest): Promise<UpstreamAnswer<Json>>;
  getText(url: string, request?: UpstreamRequest): Promise<UpstreamAnswer<string>>;
  close(): Promise<void>;
}

export interface HttpUpstreamOptions {
  readonly hosts: CacheHosts;
  readonly budgets: HostBudgets;
  readonly nowMs: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
  /** With a contact: a URL or an address. */
  readonly userAgent: string;
  /** For one answer, from the request's begin to its last byte; default 60 s. Connecting has 10 s. */
  readonly timeoutMs?: number;
  readonly signal: AbortSignal;
  /** Calls in all for one answer; default 3. */
  readonly attemptsMax?: number;
  /** Base of the pauses between them; default 1 s. */
  readonly retryBaseMs?: number;
  readonly onRequest?: (event: RequestEvent) => void;
}

export interface RequestEvent {
  readonly host: string;
  /** Without what may be secret. */
  readonly url: string;
  /** Undefined: no answer came. */
  readonly status: number | undefined;
  readonly durationMs: number;
  readonly bytes: number;
}

const TIMEOUT_MS = 60_000;
const CONNECT_MS = 10_000;
const BYTES_MAX = 64 * 1024 * 1024;
const REDIRECTS_MAX = 5;
const ATTEMPTS_MAX = 3;
const RETRY_BASE_MS = 1000;
/** Longer than this nobody waits between two tries of one answer: the job is tried again instead. */
const RETRY_BUDGET_MS = 90_000;
/** A longer wish of a host is cut. */
const RETRY_AFTER_MAX_MS = 60 * 60_000;
/** Of a 429 or 503 that does not say how long. */
const BLOCK_MS = 5000;
/** A slot outlives its request by this, in case its process dies. */
const LEASE_EXTRA_MS = 5000;

export function openUpstream(options: HttpUpstreamOptions): HttpUpstream {
  const agent = new Agent({ connect: { timeout: CONNECT_MS }, keepAliveTimeout: 30_000 });
  const ask = async <T>(
    url: string,
    request: UpstreamRequest,
    read: (bytes: Buffer, subject: string) => T,
  ) => {
    const tryOnce = () =>
      attempt({ options, agent }, url, request, read).catch((error: unknown) => {
        if (isLeftAlone(error)) return { kind: 'left-alone', error } as const;
        throw error;
      });
    const answer = await retry(tryOnce, retryOptions(options));
    // Whoever asked knows better what to do with the time until the host may be asked again.
    if (answer.kind === 'left-alone') throw answer.error;
    return answer;
  };
  return {
    getJson: (url, request = {}) => ask(url, request, jsonOf),
    getText: (url, request = {}) => ask(url, request, textOf),
    close: () => agent.destroy(),
  };
}

function retryOptions(options: HttpUpstreamOptions): RetryOptions {
  const { attemptsMax = ATTEMPTS_MAX, retryBaseMs = RETRY_BASE_MS, random, nowMs, sleep, signal } = options;
  const delays = { baseDelayMs: retryBaseMs, delayMaxMs: retryBaseMs * 30 };
  return { attemptsMax, budgetMs: RETRY_BUDGET_MS, ...delays, random, clock: nowMs, sleep, signal };
}

interface Asking {
  readonly options: HttpUpstreamOptions;
  readonly agent: Agent;
}

/** One try: a request and those it is redirected to, each within its own host's budget. */
async function attempt<T>(
  asking: Asking,
  url: string,
  request: UpstreamRequest,
  read: (bytes: Buffer, subject: string) => T,
): Promise<UpstreamAnswer<T>> {
  const { bytesMax = BYTES_MAX } = request;
  let at = assertHttp(url, shownUrl(url));
  let isOwn = true;
  for (let redirects = 0; ; redirects += 1) {
    const subject = shownUrl(at.href);
    const raw = await send(asking, at, headersOf(asking.options, request, isOwn), { bytesMax, subject });
    const next = redirectOf(raw, at, subject);
    if (next === undefined) return answerOf(raw, { subject, bytesMax, read });
    if (redirects >= REDIRECTS_MAX)
      throw new SamovarError('refused', `${shownUrl(url)}: more than ${REDIRECTS_MAX} redirects`, {
        subject,
        status: raw.status,
      });
    // What is private was meant for that one server.
    isOwn &&= next.origin === at.origin;
    at = next;
  }
}

function headersOf(
  { userAgent }: HttpUpstreamOptions,
  { etag, lastModified, headers = {} }: UpstreamRequest,
  isOwn: boolean,
): Readonly<Record<string, string>> {
  return {
    accept: '*/*',
    'accept-encoding': 'gzip',
    'user-agent': userAgent,
    ...(etag !== undefined && { 'if-none-match': etag }),
    ...(lastModified !== undefined && { 'if-modified-since': lastModified }),
    ...(isOwn && headers),
  };
}

/** One request in its host's turn; tells the host's breaker how it went. */
async function send(
  { options, agent }: Asking,
  url: URL,
  headers: Readonly<Record<string, string>>,
  { bytesMax, subject }: { readonly bytesMax: number; readonly subject: string },
): Promise<RawAnswer> {
  const { hosts, budgets, nowMs, timeoutMs = TIMEOUT_MS, signal, onRequest } = options;
  const { host, href } = url;
  const budget = budgetOf(budgets, host);
  const turn = await takeTurn(options, host, timeoutMs + LEASE_EXTRA_MS, signal);
  const startMs = nowMs();
  const tell = (raw: RawAnswer | undefined) =>
    onRequest?.({
      ...{ host, url: subject, status: raw?.status, durationMs: nowMs() - startMs },
      bytes: raw?.bytes.length ?? 0,
    });
  try {
    const raw = await exchange(agent, { url: href, headers, timeoutMs, bytesMax, signal, subject });
    tell(raw);
    const { status } = raw;
    if (status === 429 || status === 503) hosts.block(host, nowMs() + (retryAfter(raw, nowMs()) ?? BLOCK_MS));
    if (status >= 500) hosts.failed(host, budget, nowMs(), `HTTP ${status}`);
    else if (status === 429) hosts.unprobed(host);
    else hosts.succeeded(host);
    throwForStatus(raw, subject, nowMs());
    return raw;
  } catch (error) {
    if (!(error instanceof SamovarError) || error.status === undefined) tell(undefined);
    if (error instanceof SamovarError && error.status === undefined) {
      if (error.code === 'timeout' || error.code === 'network')
        hosts.failed(host, budget, nowMs(), error.message);
      else if (turn.isProbe) hosts.unprobed(host);
    }
    throw error;
  } finally {
    turn.release();
  }
}

function throwForStatus(raw: RawAnswer, subject: string, nowMs: number): void {
  const { status, bytes } = raw;
  if (status === 200 || (status >= 300 && status < 400) || status === 404 || status === 410) return;
  const code = status < 400 ? 'refused' : codeOfStatus(status);
  const said = bytes.subarray(0, 200).toString('utf8').replaceAll(/\s+/g, ' ').trim();
  const retryAfterMs = retryAfter(raw, nowMs);
  throw new SamovarError(code, `${subject}: HTTP ${status}${said === '' ? '' : ` (${said})`}`, {
    subject,
    status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** Seconds, or a date. */
function retryAfter({ headers }: RawAnswer, nowMs: number): number | undefined {
  const text = String(headers['retry-after'] ?? '').trim();
  if (text === '') return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS);
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

function redirectOf({ status, headers }: RawAnswer, at: URL, subject: string): URL | undefined {
  if (!REDIRECTS.has(status)) return undefined;
  const location = String(headers.location ?? '');
  if (location === '' || !URL.canParse(location, at.href))
    throw new SamovarError('refused', `${subject}: HTTP ${status} without a place to go on`, {
      subject,
      status,
    });
  return assertHttp(new URL(location, at.href).href, subject);
}

function assertHttp(url: string, subject: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') return parsed;
  throw new SamovarError('refused', `${subject}: only http and https are asked`, { subject });
}

async function answerOf<T>(
  { status, headers, bytes }: RawAnswer,
  {
    subject,
    bytesMax,
    read,
  }: {
    readonly subject: string;
    readonly bytesMax: number;
    readonly read: (bytes: Buffer, subject: string) => T;
  },
): Promise<UpstreamAnswer<T>> {
  if (status === 304) return { kind: 'unchanged' };
  if (status === 404 || status === 410) return { kind: 'absent', reason: `${subject}: HTTP ${status}` };
  if (status !== 200)
    throw new SamovarError('refused', `${subject}: HTTP ${status} is no answer`, { subject, status });
  const body = await unpacked(bytes, String(headers['content-encoding'] ?? ''), bytesMax, subject);
  const { etag, 'last-modified': lastModified } = headers;
  return {
    ...{ kind: 'value', value: read(body, subject), bytes: body.length },
    ...(etag !== undefined && { etag }),
    ...(lastModified !== undefined && { lastModified }),
  };
}
