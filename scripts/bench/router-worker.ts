import { createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

export const WORKER_SCRIPT: string = fileURLToPath(import.meta.url);
const ANSWER_BYTES = 2_000;

/** What a worker costs is not what is measured: it does as little as a gRPC server can. */
async function startWorker(): Promise<string> {
  const message = Buffer.alloc(5 + ANSWER_BYTES, 1);
  message.writeUInt8(0, 0);
  message.writeUInt32BE(ANSWER_BYTES, 1);
  const server: Http2Server = createServer({
    maxSessionMemory: Number.MAX_SAFE_INTEGER,
    settings: { maxConcurrentStreams: 200 },
  });
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

/** Says where it listens. */
async function main(): Promise<void> {
  process.on('disconnect', () => process.exit());
  process.send?.(await startWorker());
}

if (process.argv[1] === WORKER_SCRIPT) await main();
