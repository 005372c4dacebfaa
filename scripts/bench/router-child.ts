import { createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startRouter } from '../../pipeline/k8s/router/router.ts';

export const ROUTER_SCRIPT: string = fileURLToPath(import.meta.url);
const ANSWER_BYTES = 2_000;
const NEVER_MS = 2 ** 31 - 1;

/** What a worker costs is not what is measured: it does as little as a gRPC server can. */
async function startWorker(): Promise<string> {
  const message = Buffer.alloc(5 + ANSWER_BYTES, 1);
  message.writeUInt8(0, 0);
  message.writeUInt32BE(ANSWER_BYTES, 1);
  const server: Http2Server = createServer();
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.resume().once('end', () => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.end(message);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** As the command starts it, with one repository and no list to read again. */
async function startOne(worker: string): Promise<string> {
  const { grpc } = await startRouter({
    addresses: { grpc: '0', http: '0' },
    readList: async () => [{ owner: 'o', name: 'r' }],
    reloadMs: NEVER_MS,
    workerAddress: () => worker,
    updateFleet: async () => undefined,
    callMs: 60_000,
    nowMs: Date.now,
    monotonicMs: () => performance.now(),
    random: Math.random,
    sleep: (ms, signal) => sleep(ms, undefined, signal && { signal }).catch(() => undefined) as Promise<void>,
    log: { failed: console.error, list: () => undefined },
    signal: new AbortController().signal,
  });
  return grpc;
}

/** Says where it listens, and after each message how much time it took so far. */
async function main([role, worker = '']: readonly string[]): Promise<void> {
  const address = role === 'worker' ? await startWorker() : await startOne(worker);
  const tell = () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ address, cpuMs: (user + system) / 1_000, rssBytes: process.memoryUsage().rss });
  };
  process.on('message', tell);
  process.on('disconnect', () => process.exit());
  tell();
}

if (process.argv[1] === ROUTER_SCRIPT) await main(process.argv.slice(2));
