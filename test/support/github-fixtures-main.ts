/**
 * Serves GitHub's recorded answers in a process of its own, for the recorder's library takes over the network of the process it is in.
 * Prints its port; ends with its standard input.
 */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

interface App extends RequestListener {
  use(handler: unknown): void;
}

// Neither has types.
const { default: express } = (await import('express' as string)) as { default: () => App };
const { default: fixtures } = (await import('@octokit/fixtures-server' as string)) as {
  default: (options: { port: number; logLevel: string; ttl: number }) => unknown;
};

const app = express();
const server = createServer(app);
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  app.use(fixtures({ port, logLevel: 'silent', ttl: 60_000 }));
  process.stdout.write(`${port}\n`);
});
process.stdin.resume().once('end', () => process.exit(0));
