import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Storage } from '@google-cloud/storage';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCredentials } from '../../../pipeline/backends/bucket/gs-auth.ts';
import { openBucket } from '../../../pipeline/backends/bucket/index.ts';

const VARIABLES = [
  'HOME',
  'GOOGLE_APPLICATION_CREDENTIALS',
  'GCE_METADATA_HOST',
  'METADATA_SERVER_DETECTION',
] as const;
const before = new Map<string, string | undefined>();
let home: string;
let metadata: Server | undefined;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'home-'));
  for (const name of VARIABLES) before.set(name, process.env[name]);
  for (const name of VARIABLES) delete process.env[name];
  process.env.HOME = home;
});

afterEach(async () => {
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  metadata?.closeAllConnections();
  metadata?.close();
  metadata = undefined;
  await rm(home, { recursive: true });
});

/** A metadata server that waits before every answer. */
async function startMetadata(delayMs: number): Promise<void> {
  metadata = createServer((request, response) => {
    setTimeout(() => {
      response.setHeader('metadata-flavor', 'Google');
      const isToken = request.url?.includes('/token') ?? false;
      response.setHeader('content-type', isToken ? 'application/json' : 'text/plain');
      response.end(
        isToken
          ? JSON.stringify({ access_token: 'secret-token', expires_in: 3600, token_type: 'Bearer' })
          : 'x',
      );
    }, delayMs);
  });
  const server = metadata;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env.GCE_METADATA_HOST = `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function credentials() {
  return createCredentials(new Storage({ projectId: 'unused' }).authClient, 'gs://some-bucket');
}

// The library remembers its first look for a metadata server for the whole process: a silent one has a test file of its own.
describe('gs: credentials', () => {
  it('uses a metadata server that is slow, from the moment it has answered', async () => {
    await startMetadata(1300);
    const found = credentials();
    const started = performance.now();
    expect(await found.headers(5000)).toEqual({});
    expect(performance.now() - started).toBeLessThan(1250);
    await expect
      .poll(() => found.headers(5000), { timeout: 8000 })
      .toMatchObject({ Authorization: 'Bearer secret-token' });
    expect(found.anonymous()).toBe(false);
  });

  it('is anonymous without credentials, and looks only once', async () => {
    process.env.METADATA_SERVER_DETECTION = 'none';
    const found = credentials();
    expect(await found.headers(1000)).toEqual({});
    process.env.GOOGLE_APPLICATION_CREDENTIALS = '/too/late';
    expect(await found.headers(1000)).toEqual({});
    expect(found.anonymous()).toBe(true);
  });

  it('refuses to write without credentials, and says what to do', async () => {
    process.env.METADATA_SERVER_DETECTION = 'none';
    const bucket = openBucket('gs://some-bucket', { timeoutMs: 1000, connections: 1 });
    const write = bucket.write('a', Buffer.from('x'));
    await expect(write).rejects.toMatchObject({
      code: 'denied',
      remedy: expect.stringContaining('gcloud auth'),
    });
    await bucket.close();
  });

  it.each<[string, string | undefined]>([
    ['is missing', undefined],
    ['is no JSON', 'not json'],
    ['is of an unknown kind', '{"type":"something"}'],
  ])('calls a key file that %s a configuration error, at the first call', async (_name, content) => {
    const file = join(home, 'key.json');
    if (content !== undefined) await writeFile(file, content);
    process.env.GOOGLE_APPLICATION_CREDENTIALS = file;
    await expect(credentials().headers(1000)).rejects.toMatchObject({
      code: 'config',
      remedy: expect.stringContaining('GOOGLE_APPLICATION_CREDENTIALS'),
    });
  });
});
