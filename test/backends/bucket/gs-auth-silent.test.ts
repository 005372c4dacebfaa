import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Storage } from '@google-cloud/storage';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCredentials } from '../../../pipeline/backends/bucket/gs-auth.ts';

const silent = createServer(() => {});
const { HOME, GCE_METADATA_HOST, GOOGLE_APPLICATION_CREDENTIALS } = process.env;
let home: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  home = await mkdtemp(join(tmpdir(), 'home-'));
  process.env.HOME = home;
  process.env.GCE_METADATA_HOST = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
  delete process.env.GOOGLE_APPLICATION_CREDENTIALS;
});

afterAll(async () => {
  Object.assign(
    process.env,
    { HOME },
    GOOGLE_APPLICATION_CREDENTIALS === undefined ? {} : { GOOGLE_APPLICATION_CREDENTIALS },
  );
  if (GCE_METADATA_HOST === undefined) delete process.env.GCE_METADATA_HOST;
  else process.env.GCE_METADATA_HOST = GCE_METADATA_HOST;
  silent.closeAllConnections();
  silent.close();
  await rm(home, { recursive: true });
});

it('waits a second and no longer for a metadata server that accepts and never answers, and then no more', async () => {
  const found = createCredentials(new Storage({ projectId: 'unused' }).authClient, 'gs://some-bucket');
  const started = performance.now();
  expect(await found.headers(5000)).toEqual({});
  expect(performance.now() - started).toBeLessThan(1500);
  const again = performance.now();
  expect(await found.headers(5000)).toEqual({});
  expect(performance.now() - again).toBeLessThan(100);
  expect(found.anonymous()).toBe(true);
});
