import type { ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openWarehouse } from '../../pipeline/backends/warehouse/index.ts';
import { randomFor } from '../../pipeline/demo/random.ts';
import { cli } from '../support/cli.ts';
import { emulatorOrSkip, type PubSubEmulator, startPubSubEmulator } from '../support/emulators.ts';
import { type GcsServer, startGcsServer } from '../support/gcs-server.ts';
import { junitXml, type ProwBucket, prowBucket } from '../support/prow.ts';
import { createPubSub, type Notice, type TestPubSub } from '../support/pubsub.ts';
import { tempFolder } from '../support/temp.ts';

const BUCKET = 'ci-logs';
const EVENTS = 5_000;
const BUILDS = 200;
const FIRST = 2_100_000_000_000_000_000n;
const ROOTS = `gs://${BUCKET}/logs/:\n  sequential: false\n  anonymous: true\n  exclude_jobs: ["^ci-left-out$"]\n`;

const found = emulatorOrSkip('pubsub');
const suite = 'skip' in found ? describe.skip : describe;

suite(`stream from a Pub/Sub server${'skip' in found ? ` (${found.skip})` : ''}`, () => {
  let emulator: PubSubEmulator;
  let gcs: GcsServer;
  let prow: ProwBucket;
  beforeAll(async () => {
    emulator = await startPubSubEmulator();
    gcs = await startGcsServer();
    prow = prowBucket((name, bytes) => void gcs.put(`${BUCKET}/${name}`, bytes), `gs://${BUCKET}`);
    // The bucket exists, and a listing finds nothing in it that no event tells of.
    prow.put('logs/readme.txt', '');
  });
  afterAll(async () => {
    await gcs?.close();
    await emulator?.stop();
  });

  const folder = tempFolder();
  let runs = 0;
  /** A folder of its own for each test: its database, its warehouse. */
  function workFolder(): string {
    runs += 1;
    const own = join(folder, String(runs));
    mkdirSync(own);
    writeFileSync(join(own, 'buckets.yaml'), ROOTS);
    return own;
  }

  function follow(
    cwd: string,
    pubsub: TestPubSub,
    idleSeconds: number,
    onFollowing?: (child: ChildProcess) => void,
  ) {
    const flags = ['--poll', pubsub.path, '--buckets', 'buckets.yaml', '--db', 'build.db', '--json'];
    return cli(
      ['stream', ...flags, '--until-idle', String(idleSeconds), '--warehouse', 'duckdb:warehouse.duckdb'],
      {
        cwd,
        env: {
          SAMOVAR_PUBSUB_ENDPOINT: emulator.endpoint,
          SAMOVAR_STORAGE_ENDPOINT: gcs.endpoint,
          SAMOVAR_ARTIFACTS_WAIT_SECONDS: '0',
        },
        onStderr: (text, child) => {
          if (text.includes('"following"')) onFollowing?.(child);
        },
      },
    );
  }

  async function pathsOf(cwd: string, table: string): Promise<readonly string[]> {
    const options = { timeoutMs: 10_000, loadTimeoutMs: 60_000 };
    const warehouse = await openWarehouse(`duckdb:${join(cwd, 'warehouse.duckdb')}`, options);
    const rows = await warehouse.query(`SELECT path FROM ${warehouse.tableName(table)} ORDER BY path`);
    await warehouse.close();
    return rows.map(({ path }) => String(path));
  }

  function putBuild(job: string, id: string): Notice {
    const finished = Math.floor(Date.now() / 1000);
    prow.build(job, id, {
      started: { timestamp: finished - 60 },
      finished: { timestamp: finished, result: 'SUCCESS', passed: true },
      files: { 'artifacts/junit_01.xml': junitXml({ passed: 2, failed: 1 }) },
    });
    const object = `logs/${job}/${id}/finished.json`;
    return { object, bucket: BUCKET, generation: gcs.get(`${BUCKET}/${object}`)?.generation ?? '' };
  }

  function noiseOf(count: number, jobs: readonly string[]): readonly Notice[] {
    return Array.from({ length: count }, (_, at): Notice => {
      const build = `logs/${jobs[at % jobs.length]}/${FIRST + BigInt(at % BUILDS)}`;
      const kinds: readonly Pick<Notice, 'object' | 'eventType'>[] = [
        { object: `${build}/started.json` },
        { object: `${build}/artifacts/junit_01.xml` },
        { object: `${build}/artifacts/deep/finished.json` },
        { object: `${build}/finished.json`, eventType: 'OBJECT_DELETE' },
        { object: `logs/ci-left-out/${at}/finished.json` },
        { object: `other/ci-job-1/${at}/finished.json` },
      ];
      return { bucket: BUCKET, generation: String(1_000 + at), object: '', ...kinds[at % kinds.length] };
    });
  }

  it('5,000 events, 4,800 of them noise, some told again: each build exactly once in three tables', async () => {
    const cwd = workFolder();
    const pubsub = await createPubSub(emulator.endpoint);
    const jobs = Array.from({ length: 7 }, (_, at) => `ci-job-${at}`);
    let builds: readonly Notice[] = [];
    const tell = async () => {
      builds = Array.from({ length: BUILDS }, (_, at) =>
        putBuild(jobs[at % 7] ?? '', String(FIRST + BigInt(at))),
      );
      const again = builds.filter((_, at) => at % 3 === 0);
      await publishAll(pubsub, [...builds, ...noiseOf(EVENTS - BUILDS, jobs), ...again]);
    };
    let told: Promise<void> | undefined;
    const result = await follow(cwd, pubsub, 5, () => {
      told ??= tell();
    });
    await told;
    expect(result.code, result.stderr).toBe(0);
    const { events, reconciled, tables } = JSON.parse(result.stdout) as Summary;
    expect(reconciled).toBe(0);
    expect(events).toMatchObject({ noise: EVENTS - BUILDS, poison: 0 });
    expect(tables.map(({ rows }) => rows)).toEqual([BUILDS, BUILDS, BUILDS]);
    for (const table of ['day', 'week', 'all'])
      expect(await pathsOf(cwd, table)).toEqual(pathsOfNotices(builds));
    await pubsub.close();
  }, 120_000);

  it('a process killed on the way: what it had not acknowledged comes again, and is in once', async () => {
    const cwd = workFolder();
    const pubsub = await createPubSub(emulator.endpoint);
    let builds: readonly Notice[] = [];
    let told: Promise<void> | undefined;
    const killed = await follow(cwd, pubsub, 60, (child) => {
      builds = Array.from({ length: 60 }, (_, at) =>
        putBuild('ci-killed', String(FIRST + 500n + BigInt(at))),
      );
      told ??= publishAll(pubsub, builds);
      setTimeout(() => child.kill('SIGKILL'), 900);
    });
    await told;
    expect(killed.signal).toBe('SIGKILL');
    // Longer than a lease: the dead process's messages come again only then.
    const result = await follow(cwd, pubsub, 13);
    expect(result.code, result.stderr).toBe(0);
    const others = pathsOfNotices(builds);
    const found = (await pathsOf(cwd, 'all')).filter((path) => path.includes('/ci-killed/'));
    expect(found).toEqual(others);
    const verified = await cli(
      ['ledger', 'verify', '--db', 'build.db', '--warehouse', 'duckdb:warehouse.duckdb'],
      { cwd },
    );
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
    await pubsub.close();
  }, 120_000);

  it('what no try can mend goes to the dead letters, here and on the server, and the rest goes on', async () => {
    const cwd = workFolder();
    const pubsub = await createPubSub(emulator.endpoint, { deadLetterAfter: 5 });
    const good = putBuild('ci-good', '2100000000000000901');
    prow.put('logs/ci-bad/2100000000000000902/finished.json', '{"timestamp": 12');
    const object = 'logs/ci-bad/2100000000000000902/finished.json';
    const bad = { object, bucket: BUCKET, generation: gcs.get(`${BUCKET}/${object}`)?.generation ?? '' };
    await pubsub.publish(bad);
    await pubsub.publishRaw('no event at all', { what: 'ever' });
    await pubsub.publish(good);
    const following = follow(cwd, pubsub, 8);
    const letters = await pubsub.deadLetters(2, 100_000);
    const result = await following;
    expect(result.code, result.stderr).toBe(0);
    expect(letters.map((attributes) => attributes.objectId ?? attributes.what).sort()).toEqual(
      ['ever', object].sort(),
    );
    const listed = await cli(['dead-letters', 'list', '--db', 'build.db', '--json'], { cwd });
    const kinds = (JSON.parse(listed.stdout) as readonly { kind: string }[]).map(({ kind }) => kind);
    expect(kinds.sort()).toEqual(['collect', 'event']);
    expect(await pathsOf(cwd, 'all')).toContain(`gs://${BUCKET}/logs/ci-good/2100000000000000901`);
    await pubsub.close();
  }, 150_000);
});

interface Summary {
  readonly events: Readonly<Record<string, number>>;
  readonly reconciled: number;
  readonly tables: readonly { readonly rows: number }[];
}

function pathsOfNotices(notices: readonly Notice[]): readonly string[] {
  return notices.map(({ object }) => `gs://${BUCKET}/${object.replace('/finished.json', '')}`).sort();
}

/** In an order that depends on nothing but the seed. */
async function publishAll(pubsub: TestPubSub, notices: readonly Notice[]): Promise<void> {
  const random = randomFor(20_261_121, 'stream');
  const shuffled = notices.map((notice) => ({ notice, key: random.next() })).sort((a, b) => a.key - b.key);
  await Promise.all(shuffled.map(({ notice }) => pubsub.publish(notice)));
}
