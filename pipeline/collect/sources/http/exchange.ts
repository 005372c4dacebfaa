import type { IncomingHttpHeaders } from 'node:http';
import { type Dispatcher, request } from 'undici';
import { SamovarError } from '../../../errors.ts';
import { tooLarge } from './body.ts';

export interface Exchange {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Until the last byte. */
  readonly timeoutMs: number;
  readonly bytesMax: number;
  readonly signal: AbortSignal;
  /** For messages. */
  readonly subject: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** As sent; of another status than 200 only the begin. */
  readonly bytes: Buffer;
}

/** Of an error's body only the begin is of use. */
const ERROR_BYTES_MAX = 4096;

/** One GET, redirects not followed. Throws `timeout`, `network`, `too-large`, `aborted`. */
export async function exchange(dispatcher: Dispatcher, asked: Exchange): Promise<RawAnswer> {
  const { url, headers, timeoutMs, signal, subject } = asked;
  const own = new AbortController();
  const onAbort = () => own.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    own.abort(new Error('late'));
  }, timeoutMs);
  try {
    const limits = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs };
    const answer = await request(url, { dispatcher, headers, signal: own.signal, ...limits });
    const bytes = await readBody(answer, asked);
    return { status: answer.statusCode, headers: answer.headers, bytes };
  } catch (cause) {
    throw errorOf(cause, { isLate, isAborted: signal.aborted, timeoutMs, subject });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    // What was not read would keep its connection.
    own.abort(new Error('done'));
  }
}

async function readBody(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  { bytesMax, subject }: Exchange,
): Promise<Buffer> {
  const isWhole = statusCode === 200;
  body.on('error', () => undefined);
  if (isWhole && Number(headers['content-length'] ?? 0) > bytesMax) throw tooLarge(subject, bytesMax);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (isWhole && size > bytesMax) throw tooLarge(subject, bytesMax);
    if (!isWhole && size > ERROR_BYTES_MAX) break;
  }
  return Buffer.concat(chunks);
}

const TIMEOUTS: ReadonlySet<string> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

function errorOf(
  cause: unknown,
  about: {
    readonly isLate: boolean;
    readonly isAborted: boolean;
    readonly timeoutMs: number;
    readonly subject: string;
  },
): SamovarError {
  const { isLate, isAborted, timeoutMs, subject } = about;
  if (cause instanceof SamovarError) return cause;
  if (isAborted)
    return new SamovarError('aborted', `${subject}: given up, the run is ending`, { subject, cause });
  const { code, message } = cause as { code?: string; message?: string };
  if (isLate || TIMEOUTS.has(code ?? ''))
    return new SamovarError(
      'timeout',
      `${subject}: no whole answer within ${Math.round(timeoutMs / 1000)} s`,
      {
        subject,
        cause,
      },
    );
  return new SamovarError('network', `${subject}: the connection failed (${code ?? message ?? 'unknown'})`, {
    subject,
    cause,
  });
}
