import grpc from '@grpc/grpc-js';
import { RouteError, statusOf } from './status.ts';

/** What a call brings along. */
export interface Around {
  /** Wall clock; the worker is told the same. */
  readonly deadlineMs: number;
  readonly metadata: grpc.Metadata;
  /** The client is gone. */
  readonly signal: AbortSignal;
}

export interface WorkerLimits {
  /** Of one answer. */
  readonly answerBytesMax: number;
  /** Of calls to one worker at once: one that hangs takes no more. */
  readonly callsMax: number;
  /** A connection that nobody used for so long is closed. */
  readonly idleMs: number;
}

export interface Workers {
  /** One call, once. `path`: `/package.Service/Method`. Throws RouteError. */
  unary(address: string, path: string, request: Buffer, around: Around): Promise<Buffer>;
  duplex(address: string, path: string, around: Around): grpc.ClientDuplexStream<Buffer, Buffer>;
  /** How many connections there are. */
  size(): number;
  close(): void;
}

interface Connection {
  readonly client: grpc.Client;
  open: number;
  usedMs: number;
}

const same = (bytes: Buffer): Buffer => bytes;

/** Connections to workers, made when they are needed. Bytes go through as they are. */
export function createWorkers(limits: WorkerLimits, nowMs: () => number): Workers {
  const connections = new Map<string, Connection>();
  const closeIdle = (all: boolean) => {
    for (const [address, connection] of connections) {
      if (!all && (connection.open > 0 || nowMs() - connection.usedMs < limits.idleMs)) continue;
      connection.client.close();
      connections.delete(address);
    }
  };
  const timer = setInterval(() => closeIdle(false), limits.idleMs);
  timer.unref();
  const take = (address: string): Connection => {
    const connection = connections.get(address) ?? { client: connect(address, limits), open: 0, usedMs: 0 };
    connections.set(address, connection);
    if (connection.open >= limits.callsMax)
      throw new RouteError(
        'RESOURCE_EXHAUSTED',
        'too many calls of this repository at once: try again later',
      );
    connection.open += 1;
    return connection;
  };
  const release = (connection: Connection) => {
    connection.open -= 1;
    connection.usedMs = nowMs();
  };
  return {
    unary: async (address, path, request, around) => {
      const connection = take(address);
      try {
        return await callOnce(connection.client, path, request, around);
      } finally {
        release(connection);
      }
    },
    duplex: (address, path, { deadlineMs, metadata, signal }) => {
      const connection = take(address);
      const call = connection.client.makeBidiStreamRequest(path, same, same, metadata, {
        deadline: deadlineMs,
      });
      const cancel = () => call.cancel();
      signal.addEventListener('abort', cancel, { once: true });
      call.once('status', () => {
        signal.removeEventListener('abort', cancel);
        release(connection);
      });
      return call;
    },
    size: () => connections.size,
    close: () => {
      clearInterval(timer);
      closeIdle(true);
    },
  };
}

function connect(address: string, { answerBytesMax }: WorkerLimits): grpc.Client {
  return new grpc.Client(address, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': answerBytesMax,
    // What may be tried again is decided in one place, which is not there.
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 10_000,
  });
}

/** Without the layers of interceptors and codecs above a channel: bytes need none of them, and they are half of a call's cost. */
function callOnce(client: grpc.Client, path: string, request: Buffer, around: Around): Promise<Buffer> {
  const { deadlineMs, metadata, signal } = around;
  return new Promise((resolve, reject) => {
    const call = client.getChannel().createCall(path, deadlineMs, null, null, grpc.propagate.DEFAULTS);
    const cancel = () => call.cancelWithStatus(grpc.status.CANCELLED, 'the client is gone');
    let answer: Buffer | undefined;
    call.start(metadata, {
      onReceiveMetadata: () => undefined,
      onReceiveMessage: (message: Buffer) => {
        answer = message;
      },
      onReceiveStatus: (status) => {
        signal.removeEventListener('abort', cancel);
        if (status.code !== grpc.status.OK) reject(workerError(status));
        else if (answer === undefined) reject(new RouteError('UNKNOWN', 'the worker gave no answer'));
        else resolve(answer);
      },
    });
    call.startRead();
    call.sendMessageWithContext({}, request);
    call.halfClose();
    if (signal.aborted) cancel();
    else signal.addEventListener('abort', cancel, { once: true });
  });
}

/** Of the connection, with addresses in it that are nobody's business. */
const CONNECTION =
  /^(?:No connection established|Name resolution failed|Connection dropped|read ECONN|connect E|.*\bE[A-Z]{5,}\b)/;

/** The worker's own code and words; where it could not be reached, ours. */
export function workerError({
  code,
  details,
  ...cause
}: Pick<grpc.ServiceError, 'code' | 'details'>): RouteError {
  const status = statusOf(code);
  if (status === 'UNAVAILABLE' && CONNECTION.test(details))
    return new RouteError(status, "the repository's worker cannot be reached: try again", { cause: details });
  if (status === 'DEADLINE_EXCEEDED' && details.startsWith('Deadline exceeded'))
    return new RouteError(status, "the repository's worker did not answer in time", { cause });
  return new RouteError(status, details, { ours: false });
}
