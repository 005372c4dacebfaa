import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface BucketEmulator {
  readonly endpoint: string;
  seed(objects: Readonly<Record<string, string>>): Promise<void>;
  close(): Promise<void>;
}

/** Starts fake-gcs-server on a free port, in memory, with one empty bucket. */
export async function startFakeGcsServer(binary: string, bucketName: string): Promise<BucketEmulator> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const flags = [
    '-scheme',
    'http',
    '-host',
    '127.0.0.1',
    '-port',
    String(port),
    '-backend',
    'memory',
    '-public-host',
    `127.0.0.1:${port}`,
  ];
  const child = spawn(binary, [...flags, '-external-url', endpoint], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  });
  const close = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  try {
    await createBucket(endpoint, bucketName, () => child.exitCode);
  } catch (cause) {
    await close();
    throw new Error(`fake-gcs-server did not start: ${said}`, { cause });
  }
  return { endpoint, seed: (objects) => seed(endpoint, bucketName, objects), close };
}

async function createBucket(endpoint: string, name: string, exitCode: () => number | null): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      const answer = await fetch(`${endpoint}/storage/v1/b`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name }),
      });
      await answer.arrayBuffer();
      if (answer.ok) return;
      throw new Error(`creating the bucket: ${answer.status}`);
    } catch (error) {
      if (tries > 100 || exitCode() !== null) throw error;
      await sleep(100);
    }
  }
}

async function seed(
  endpoint: string,
  bucket: string,
  objects: Readonly<Record<string, string>>,
): Promise<void> {
  const waiting = Object.entries(objects);
  const work = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [name, content] = next;
      const url = `${endpoint}/upload/storage/v1/b/${bucket}/o?uploadType=media&name=${encodeURIComponent(name)}`;
      const answer = await fetch(url, {
        method: 'POST',
        body: content,
        headers: { 'content-type': 'text/plain' },
      });
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`seeding ${name}: ${answer.status}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
