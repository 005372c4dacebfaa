import pLimit from 'p-limit';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Bucket } from '../../pipeline/backends/bucket/contract.ts';
import { limitedBucket } from '../../pipeline/collect/limited.ts';
import { resilientBucket } from '../../pipeline/collect/resilient.ts';
import { snowflakeAt } from '../../pipeline/records/ids.ts';
import { collect, root, storedRows } from '../support/collect.ts';
import {
  type Fault,
  type GcsRequest,
  type GcsServer,
  type GcsServerOptions,
  startGcsServer,
} from '../support/gcs-server.ts';
import { junitXml, prowBucket } from '../support/prow.ts';
import { NOW_MS, testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();
const BUILDS = 24;
const servers: GcsServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** 24 builds of two jobs, with one JUnit file each, on a real HTTP server. */
async function corpus(options: GcsServerOptions = {}): Promise<GcsServer> {
  const server = await startGcsServer(options);
  servers.push(server);
  const prow = prowBucket((name, bytes) => void server.put(`ci-logs/${name}`, bytes), 'gs://ci-logs');
  for (let n = 1; n <= BUILDS; n += 1) {
    const finished = { timestamp: Math.floor(NOW_MS / 1000) - n * 7_200, passed: true };
    prow.build(n % 2 === 0 ? 'ci-even' : 'ci-odd', snowflakeAt(NOW_MS - n * 7_200_000 - 600_000), {
      started: { timestamp: finished.timestamp - 60 },
      finished,
      files: { 'artifacts/junit.xml': junitXml({ passed: n, skipped: 50 }), 'build-log.txt': 'x' },
    });
  }
  return server;
}

/** As the context connects buckets, with the waiting between attempts left out. */
const connected = (bucket: Bucket): Bucket =>
  resilientBucket(limitedBucket(bucket, pLimit(16)), {
    attemptsMax: 6,
    budgetMs: 60_000,
    baseDelayMs: 1,
    delayMaxMs: 5,
    random: () => 0.5,
    clock: () => performance.now(),
    sleep: async () => undefined,
  });

const allBuilds = () => Array.from({ length: BUILDS }, (_, at) => at + 1);

async function collectAll(server: GcsServer) {
  const store = testStore(temp);
  const run = await collect(
    store,
    [root('gs://ci-logs/logs/')],
    {},
    { endpoint: server.endpoint, wrap: connected },
  );
  const tests = storedRows(store)
    .map((row) => Number(row.tests_run))
    .sort((a, b) => a - b);
  return { ...run, store, tests };
}

/** Whatever is asked for goes wrong the first times. */
function atFirst(times: number, fault: (request: GcsRequest) => Fault | undefined) {
  const seen = new Map<string, number>();
  return (request: GcsRequest) => {
    const key = `${request.kind} ${request.object ?? request.query.get('prefix')}`;
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    return count <= times ? fault(request) : undefined;
  };
}

describe('collecting from a server that misbehaves', () => {
  it.each<[string, Fault]>([
    ['throttles', { kind: 'status', status: 429, retryAfter: '1' }],
    ['is unavailable', { kind: 'status', status: 503, body: '<html>no</html>' }],
    ['has timed out itself', { kind: 'status', status: 408 }],
    ['resets before its answer', { kind: 'reset' }],
    ['resets in the middle of a body', { kind: 'reset-body' }],
    ['ends a body early', { kind: 'short-body' }],
  ])('%s: every build arrives, with every test', async (_, fault) => {
    const server = await corpus({ faults: atFirst(2, () => fault) });
    const { tests, stats, result, store } = await collectAll(server);
    expect(result.failures).toEqual([]);
    expect(stats.failures).toBe(0);
    expect(tests).toEqual(allBuilds());
    expect([...store.deadLetters.list()]).toEqual([]);
  });

  it('answers lists with pages of HTML or half of the JSON: asked again, nothing is missing', async () => {
    let n = 0;
    const faults = atFirst(2, ({ kind }) => {
      n += 1;
      return kind === 'list' ? { kind: n % 2 === 0 ? 'html' : 'truncated-json' } : undefined;
    });
    const { tests, result } = await collectAll(await corpus({ faults }));
    expect(result.failures).toEqual([]);
    expect(tests).toEqual(allBuilds());
  });

  it('accepts requests and never answers some: each costs a deadline, not the run', async () => {
    const server = await corpus({
      faults: (request, n) => (request.kind === 'read' && n % 20 === 0 ? { kind: 'stall' } : undefined),
    });
    const { tests } = await collectAll(server);
    expect(tests).toEqual(allBuilds());
  }, 60_000);

  it('one bucket whose files never come keeps no other waiting, however much is asked of it', async () => {
    const server = await corpus();
    const sick = prowBucket((name, bytes) => void server.put(`sick-logs/${name}`, bytes), 'gs://sick-logs');
    const large = `<testsuite><testcase name="a"><system-out>${'x'.repeat(3 << 20)}</system-out></testcase></testsuite>`;
    for (let n = 1; n <= 16; n += 1)
      sick.build('ci-sick', snowflakeAt(NOW_MS - n * 7_200_000), {
        started: { timestamp: NOW_MS / 1000 - n * 7_200 },
        finished: { timestamp: NOW_MS / 1000 - n * 7_200 + 60, passed: true },
        files: { 'artifacts/junit.xml': large },
      });
    const store = testStore(temp);
    let asked = 0;
    let come = 0;
    let letCome = () => {};
    const held = new Promise<void>((resolve) => {
      letCome = resolve;
    });
    const wrap = (bucket: Bucket): Bucket => ({
      ...connected(bucket),
      read: async (name, options) => {
        const found = await bucket.read(name, options);
        if (name.endsWith('.xml')) come += 1;
        return found;
      },
      stream: async (name, options) => {
        asked += 1;
        await held;
        return bucket.stream(name, options);
      },
    });
    const roots = [root('gs://sick-logs/logs/'), root('gs://ci-logs/logs/')];
    const running = collect(store, roots, {}, { endpoint: server.endpoint, wrap });
    await vi.waitFor(() => expect(come).toBe(BUILDS), 20_000);
    expect(asked).toBeGreaterThan(1);
    letCome();
    expect((await running).result.failures).toEqual([]);
    expect(store.builds.counts().finished).toBe(BUILDS + 16);
  });

  it('stalls in the middle of a JUnit file: the file is read again', async () => {
    const stalled = new Set<string>();
    const faults = ({ object }: GcsRequest): Fault | undefined => {
      if (!object?.endsWith('junit.xml') || stalled.size >= 3 || stalled.has(object)) return undefined;
      stalled.add(object);
      return { kind: 'stall-body' };
    };
    const { tests } = await collectAll(await corpus({ faults }));
    expect(stalled.size).toBe(3);
    expect(tests).toEqual(allBuilds());
  }, 60_000);

  it('pages by three, ignores globs, offsets and fields, and lies about sizes: nothing is missing, nothing is double', async () => {
    const server = await corpus({
      pageSizeMax: 3,
      ignores: ['matchGlob', 'startOffset', 'endOffset', 'fields'],
      faults: (request) => (request.kind === 'list' ? { kind: 'lie-sizes', factor: 1_000 } : undefined),
    });
    const first = await collectAll(server);
    expect(first.tests).toEqual(allBuilds());
    expect(first.store.builds.counts().builds).toBe(BUILDS);
  });

  it('refuses one job for good: its listing fails the run visibly, the other job is collected', async () => {
    const faults = ({ query }: GcsRequest): Fault | undefined =>
      query.get('prefix') === 'logs/ci-odd/' ? { kind: 'status', status: 403 } : undefined;
    const { tests, result } = await collectAll(await corpus({ faults }));
    expect(result.failures).toMatchObject([
      { root: 'gs://ci-logs/logs/', reason: expect.stringContaining('403') },
    ]);
    expect(tests).toEqual(allBuilds().filter((n) => n % 2 === 0));
  });

  it('goes round in circles with its page tokens: an error, not a loop', async () => {
    const faults = ({ query }: GcsRequest): Fault | undefined =>
      query.get('prefix') === 'logs/' ? { kind: 'repeat-token', token: 'bG9ncy8=' } : undefined;
    const { result } = await collectAll(await corpus({ faults }));
    expect(result.failures).toMatchObject([{ root: 'gs://ci-logs/logs/' }]);
  });

  it('is down: given up with the reason, and the next run has everything', async () => {
    let down = true;
    const server = await corpus({ faults: () => (down ? { kind: 'reset' } : undefined) });
    const store = testStore(temp);
    const options = { endpoint: server.endpoint, wrap: connected };
    const first = await collect(store, [root('gs://ci-logs/logs/')], {}, options);
    expect(first.result.failures).toHaveLength(1);
    down = false;
    await collect(store, [root('gs://ci-logs/logs/')], {}, options);
    expect(store.rows.count()).toBe(BUILDS);
  });

  it('keeps to the time a bucket may take, and leaves the rest to the next run', async () => {
    const server = await corpus({ latencyMs: 50 });
    const store = testStore(temp);
    const slow = root('gs://ci-logs/logs/', { timeBudgetMs: 300 });
    const { result } = await collect(
      store,
      [slow],
      { threads: 2 },
      { endpoint: server.endpoint, wrap: connected },
    );
    expect(result.failures).toMatchObject([{ reason: expect.stringContaining('time budget') }]);
    expect(store.rows.count()).toBeLessThan(BUILDS);
    await collect(store, [root('gs://ci-logs/logs/')], {}, { endpoint: server.endpoint, wrap: connected });
    expect(store.rows.count()).toBe(BUILDS);
  });

  it('holds no more requests open than it may', async () => {
    const server = await corpus({ latencyMs: 5 });
    let open = 0;
    let most = 0;
    const watched = (bucket: Bucket): Bucket => {
      const counted = <T>(work: Promise<T>) => {
        open += 1;
        most = Math.max(most, open);
        return work.finally(() => {
          open -= 1;
        });
      };
      return resilientBucketOf({
        ...bucket,
        list: (...args) => counted(bucket.list(...args)),
        read: (...args) => counted(bucket.read(...args)),
      });
    };
    const resilientBucketOf = (bucket: Bucket) => limitedBucket(bucket, pLimit(4));
    const store = testStore(temp);
    await collect(
      store,
      [root('gs://ci-logs/logs/')],
      { threads: 32 },
      { endpoint: server.endpoint, wrap: watched },
    );
    expect(store.rows.count()).toBe(BUILDS);
    expect(most).toBeLessThanOrEqual(4);
  });

  it('makes Node warn of nothing with many requests in flight', async () => {
    const server = await corpus({ latencyMs: 20 });
    const warnings: string[] = [];
    const listen = (warning: Error) => void warnings.push(`${warning.name}: ${warning.message}`);
    process.on('warning', listen);
    const store = testStore(temp);
    await collect(
      store,
      [root('gs://ci-logs/logs/')],
      { threads: 32 },
      { endpoint: server.endpoint, wrap: connected },
    );
    // Warnings are told on a later turn.
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('warning', listen);
    expect(store.rows.count()).toBe(BUILDS);
    expect(warnings).toEqual([]);
  });
});
