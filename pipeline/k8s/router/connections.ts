import { type ClientHttp2Session, connect, type Http2Session } from 'node:http2';
import { RouteError } from './status.ts';

/** Which worker: where it is, and whose. */
export interface Target {
  readonly address: string;
  /** `owner/name`. */
  readonly repo: string;
}

export interface WorkerLimits {
  /** Of one answer. */
  readonly answerBytesMax: number;
  /** Of calls to one worker at once: one that hangs takes no more. */
  readonly callsMax: number;
  /** A connection that nobody used for so long is closed. */
  readonly idleMs: number;
}

export interface Connections {
  /** A place in the connection to a worker, to be given back by `release`. Throws RouteError. */
  take(target: Target): { readonly session: ClientHttp2Session; release(): void };
  size(): number;
  close(): void;
}

interface Connection {
  session?: ClientHttp2Session;
  /** Ends pings. */
  quiet?: () => void;
  open: number;
  usedMs: number;
  failedMs: number;
}

const CONNECT_MS_MAX = 10_000;
/** A worker that does not listen is asked for a connection so seldom. */
const CONNECT_AGAIN_MS = 100;
const PING_EVERY_MS = 60_000;
const PING_MS_MAX = 10_000;
/** What a worker may send before it is read: of one call, of all. */
const WINDOW_BYTES = 1_048_576;
const WINDOWS_BYTES = 8_388_608;

/** Connections to workers, made when they are needed. */
export function createConnections(limits: WorkerLimits, nowMs: () => number): Connections {
  const all = new Map<string, Connection>();
  const closeIdle = (any: boolean) => {
    for (const [address, { session, quiet, open, usedMs }] of all) {
      if (!any && (open > 0 || nowMs() - usedMs < limits.idleMs)) continue;
      quiet?.();
      session?.close();
      all.delete(address);
    }
  };
  const timer = setInterval(() => closeIdle(false), limits.idleMs);
  timer.unref();
  return {
    take: (target) => {
      const connection = all.get(target.address) ?? { open: 0, usedMs: nowMs(), failedMs: -Infinity };
      all.set(target.address, connection);
      if (connection.open >= limits.callsMax)
        throw new RouteError(
          'RESOURCE_EXHAUSTED',
          `too many calls of ${target.repo} at once: try again later`,
        );
      const session = sessionOf(connection, target, nowMs);
      connection.open += 1;
      const release = () => {
        connection.open -= 1;
        connection.usedMs = nowMs();
      };
      return { session, release };
    },
    size: () => all.size,
    close: () => {
      clearInterval(timer);
      closeIdle(true);
    },
  };
}

function sessionOf(connection: Connection, target: Target, nowMs: () => number): ClientHttp2Session {
  const { session: known, failedMs } = connection;
  if (known !== undefined && !known.closed && !known.destroyed) return known;
  if (nowMs() - failedMs < CONNECT_AGAIN_MS) throw unreachable(target);
  connection.quiet?.();
  const session = connect(`http://${target.address}`, {
    // Calls and their sizes have limits of their own; Node's of 10 MB would refuse calls beside a few large ones.
    maxSessionMemory: Number.MAX_SAFE_INTEGER,
    settings: { enablePush: false, initialWindowSize: WINDOW_BYTES },
  });
  const late = setTimeout(() => session.destroy(new Error('no connection in time')), CONNECT_MS_MAX);
  session.once('connect', () => session.setLocalWindowSize(WINDOWS_BYTES));
  // Each of its calls is told.
  session.on('error', () => {
    connection.failedMs = nowMs();
  });
  for (const event of ['connect', 'close'] as const) session.once(event, () => clearTimeout(late));
  connection.session = session;
  connection.quiet = pinging(session, () => connection.open > 0);
  return session;
}

export function unreachable({ repo }: Target, cause?: unknown): RouteError {
  return new RouteError('UNAVAILABLE', `the worker of ${repo} cannot be reached: try again`, { cause });
}

/** A peer that vanished without a word is found out, while somebody waits for it. Ends with the session, or by the function it gives. */
export function pinging(session: Http2Session, isWanted: () => boolean): () => void {
  const timer = setInterval(() => {
    if (session.destroyed || !isWanted()) return;
    const late = setTimeout(() => session.destroy(new Error('no answer to a ping')), PING_MS_MAX);
    late.unref();
    session.ping(() => clearTimeout(late));
  }, PING_EVERY_MS);
  timer.unref();
  const end = () => clearInterval(timer);
  session.once('close', end);
  return end;
}
