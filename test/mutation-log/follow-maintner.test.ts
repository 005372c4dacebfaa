import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openBucket } from '../../pipeline/backends/bucket/index.ts';
import { followLog } from '../../pipeline/jobs/mutation-replay-follow.ts';
import { openFollower } from '../../pipeline/mutation-log/follow.ts';
import { startFakeGcsServer } from '../support/bucket-emulator.ts';
import { issueMutation } from '../support/corpus.ts';
import { emulatorOrSkip } from '../support/emulators.ts';
import { peerOrSkip } from '../support/maintner-peer.ts';
import { writeLog } from '../support/mutation-logs.ts';
import { testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const base = tempFolder();
const peer = peerOrSkip();
const gcs = emulatorOrSkip('gcs');

/** maintner's own server of a bucket's log; gives the URL of its list. */
async function serve(endpoint: string, place: string): Promise<string> {
  const folder = spawnSync('test/peers/maintner/build', ['--path'], { encoding: 'utf8' }).stdout.trim();
  const env = { ...process.env, STORAGE_EMULATOR_HOST: endpoint.replace('http://', '') };
  const child = spawn(join(folder, 'bucket'), ['serve', place], { env });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  let failed = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    failed += chunk.toString();
  });
  await vi.waitFor(() => expect(said, failed).toMatch(/\/logs\n/), { timeout: 60_000, interval: 50 });
  return said.trim();
}

function testFollowing(binary: string): void {
  test("maintner's own server is followed: its list, its ranges, its growing segment", async () => {
    const emulator = await startFakeGcsServer(binary, 'logs');
    onTestFinished(() => emulator.close());
    const bucket = openBucket('gs://logs', {
      timeoutMs: 10_000,
      connections: 4,
      endpoint: emulator.endpoint,
    });
    onTestFinished(() => bucket.close());
    const place = { bucket, prefix: 'o/r/', folder: base };
    await writeLog(place, [issueMutation(1, { title: 'a' }), issueMutation(2, { title: 'b' })]);
    const store = testStore(base);
    const repo = store.corpus.repo('o', 'r');
    const folder = mkdtempSync(join(base, 'cache-'));
    const follow = async () => {
      const url = await serve(emulator.endpoint, 'logs/o/r');
      const follower = openFollower({ url, folder, timeoutMs: 20_000, retry: (attempt) => attempt() });
      return followLog({ store, repo, follower, sleep: async () => undefined }, { once: true });
    };
    expect(await follow()).toMatchObject({ records: 2 });
    // A server that began anew, with a segment that grew meanwhile: only the end of it is read.
    await writeLog(place, [issueMutation(1, { title: 'c' })]);
    expect(await follow()).toMatchObject({ records: 1 });
    expect(repo.issues({ after: 0, limit: 9 }).map(({ title }) => title)).toEqual(['c', 'b']);
  }, 180_000);
}

const skip = 'skip' in peer ? peer.skip : 'skip' in gcs ? gcs.skip : undefined;
if (skip !== undefined || 'skip' in gcs)
  describe.skip(`maintner's own server (${skip})`, () => test('is followed', () => {}));
else testFollowing(gcs.path);
