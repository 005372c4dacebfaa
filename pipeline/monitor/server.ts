import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { SamovarError } from '../errors.ts';
import type { Metrics, Progress, Readiness } from './contract.ts';

const READY_DEADLINE_MS = 5_000;
const REQUEST_DEADLINE_MS = 10_000;
const HEADER_BYTES_MAX = 8_192;
const CONNECTIONS_MAX = 64;

export interface MonitorOptions {
  /** `HOST:PORT` or `PORT`, which listens on this machine only. */
  readonly address: string;
  readonly progress: Progress;
  readonly metrics: Metrics;
  readonly ready: () => Promise<readonly Readiness[]>;
}

export interface Monitor {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves /healthz (is anything stuck?), /readyz (can it work?) and /metrics (Prometheus). Throws `config` for an address that is
 * none or is taken.
 */
export async function startMonitor(options: MonitorOptions): Promise<Monitor> {
  const { host, port } = parseAddress(options.address);
  const server = createAdaptorServer({
    fetch: pages(options).fetch,
    serverOptions: {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: REQUEST_DEADLINE_MS,
      requestTimeout: REQUEST_DEADLINE_MS,
      keepAliveTimeout: REQUEST_DEADLINE_MS,
      connectionsCheckingInterval: 1_000,
    },
  });
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen(options.address, cause)));
    server.listen(port, host, resolve);
  });
  const { port: chosen } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${chosen}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  };
}

function pages({ progress, metrics, ready }: MonitorOptions): Hono {
  const app = new Hono();
  app.get('/', (context) => context.text('Samovar\n/healthz\n/readyz\n/metrics\n'));
  app.get('/healthz', (context) => {
    const stuck = progress.stuck();
    if (stuck.length === 0) return context.text('ok\n');
    const lines = stuck.map(
      ({ stage, what, silentMs }) => `${stage}: ${what}, silent for ${Math.round(silentMs / 1000)} s`,
    );
    return context.text(`${lines.join('\n')}\n`, 503);
  });
  app.get('/readyz', async (context) => {
    const states = await inTime(ready());
    return context.json(states, states.every((state) => state.ready) ? 200 : 503);
  });
  app.get('/metrics', async (context) =>
    context.body(await metrics.render(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }),
  );
  app.all('*', (context) => context.text('no such page\n', context.req.method === 'GET' ? 404 : 405));
  app.onError((_error, context) => context.text('this page failed\n', 500));
  return app;
}

async function inTime(states: Promise<readonly Readiness[]>): Promise<readonly Readiness[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly Readiness[]>((resolve) => {
    timer = setTimeout(
      () =>
        resolve([{ name: 'readiness', ready: false, detail: `no answer within ${READY_DEADLINE_MS} ms` }]),
      READY_DEADLINE_MS,
    );
  });
  const failed = (error: unknown) => [{ name: 'readiness', ready: false, detail: String(error) }];
  return Promise.race([states.catch(failed), late]).finally(() => clearTimeout(timer));
}

/** `9109`, `0.0.0.0:9109`, `[::]:9109`. Throws `config`. */
export function parseAddress(text: string): { readonly host: string; readonly port: number } {
  const [, host = '127.0.0.1', digits = ''] =
    /^(?:([^\s:/]+|\[[0-9a-fA-F:]+\]):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits !== '' && port <= 65_535) return { host: host.replace(/^\[|\]$/g, ''), port };
  throw new SamovarError('config', `${JSON.stringify(text)} is no address to listen on`, {
    remedy: 'Write PORT (this machine only) or HOST:PORT, for instance 0.0.0.0:9109.',
  });
}

function cannotListen(address: string, cause: Error): SamovarError {
  const taken = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
  return new SamovarError('config', `cannot listen on ${address}${taken ? ': somebody else does' : ''}`, {
    subject: address,
    remedy: 'Choose another address with --monitor or monitor_address.',
    cause,
  });
}
