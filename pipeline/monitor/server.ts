import type { AddressInfo } from 'node:net';
import { addressText, cannotListen, parseAddress } from '../net/address.ts';
import { createHttp } from '../net/http.ts';
import type { Metrics, Progress, Readiness } from './contract.ts';
import { createPages } from './pages.ts';

/** From a request's first byte to its last, and for a client that neither sends nor takes anything. */
const REQUEST_DEADLINE_MS = 10_000;
const SILENCE_MAX_MS = 30_000;
const HEADER_BYTES_MAX = 8_192;
const CONNECTIONS_MAX = 64;
const READY_DEADLINE_MS = 5_000;

interface MonitorLimits {
  readonly requestMs?: number;
  readonly silenceMs?: number;
  readonly readyMs?: number;
}

export interface MonitorOptions {
  /** `HOST:PORT`, or `PORT`, which listens on this machine only. */
  readonly address: string;
  readonly progress: Progress;
  readonly metrics: Metrics;
  /** Asked by /readyz, once at a time; without an answer after 5 s that is the answer. */
  readonly ready: () => Promise<readonly Readiness[]>;
  /** Told why a page failed: the page itself does not say. */
  readonly log?: (message: string, error: unknown) => void;
  /** For tests, in milliseconds. */
  readonly limits?: MonitorLimits;
}

export interface Monitor {
  readonly url: string;
  /** Ends at once, whatever connections are open. */
  close(): Promise<void>;
}

/**
 * Serves /healthz (is anything stuck?), /readyz (can it work?) and /metrics (Prometheus). Throws `config` for an address that is
 * none or cannot be listened on.
 */
export async function startMonitor(options: MonitorOptions): Promise<Monitor> {
  const { address, limits = {}, log = () => undefined } = options;
  const { host, port } = parseAddress(address);
  const pages = createPages({ ...options, log, readyMs: limits.readyMs ?? READY_DEADLINE_MS });
  const server = createHttp(pages.fetch, {
    requestMs: limits.requestMs ?? REQUEST_DEADLINE_MS,
    silenceMs: limits.silenceMs ?? SILENCE_MAX_MS,
    ...{ headerBytesMax: HEADER_BYTES_MAX, connectionsMax: CONNECTIONS_MAX },
  });
  await new Promise<void>((resolve, reject) => {
    server.on('error', (cause) => {
      log('the monitor failed', cause);
      // Of no effect once it listens.
      reject(cannotListen(address, cause, { by: '--monitor or monitor_address' }));
    });
    server.listen(port, host, resolve);
  });
  const { port: chosen } = server.address() as AddressInfo;
  return {
    url: `http://${addressText(host, chosen)}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
