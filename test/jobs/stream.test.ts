import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openBucket, parseRoot } from '../../pipeline/backends/bucket/index.ts';
import { localReaders } from '../../pipeline/collect/reading/local.ts';
import { createStats } from '../../pipeline/collect/stats.ts';
import type { TableConfig } from '../../pipeline/config/tables.ts';
import { streamBuilds } from '../../pipeline/jobs/stream.ts';
import type { StreamContext, StreamOptions } from '../../pipeline/jobs/stream-state.ts';
import { createMetrics } from '../../pipeline/monitor/metrics.ts';
import { createProgress } from '../../pipeline/monitor/progress.ts';
import { root } from '../support/collect.ts';
import { memoryQueue } from '../support/memory-queue.ts';
import { type LoadFault, memoryWarehouse } from '../support/memory-warehouse.ts';
import { junitXml, prowFolder } from '../support/prow.ts';
import { testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();
const nowMs = () => Date.now();
let streams = 0;

const table = (name: string, days: number): TableConfig => ({
  name,
  days,
  cluster: [],
  writer: 'load',
  kettleLedger: 'build_emitted',
  schemaFile: '',
});

interface Given {
  readonly fault?: (n: number) => LoadFault;
  readonly policy?: { readonly topic: string; readonly attemptsMax: number };
  readonly options?: Partial<StreamOptions>;
}

/** A stream over a folder, told of by hand, into two tables in memory. It has listed its empty bucket once when this returns. */
async function start({ fault, policy, options = {} }: Given = {}) {
  streams += 1;
  const folder = join(temp, `bucket-${streams}`);
  const prow = prowFolder(folder);
  prow.put('logs/readme', '');
  const store = testStore(temp);
  const queue = memoryQueue(`file:${folder}`, { nowMs, ...(policy && { policy }) });
  const warehouse = memoryWarehouse('bigquery:p:d', fault);
  const stopping = new AbortController();
  const stop = new AbortController();
  const progress = createProgress({ nowMs, monotonicMs: () => performance.now(), limitMs: 60_000 });
  const warnings: string[] = [];
  const around = {
    store,
    nowMs,
    random: () => 0,
    // A hundredth of the real pauses.
    sleep: async (ms: number, signal?: AbortSignal) =>
      void (await sleep(ms / 100, undefined, signal && { signal }).catch(() => undefined)),
    signal: stop.signal,
    warn: (message: string) => void warnings.push(message),
  };
  const roots = [
    root(`file:${folder}/logs/`, { excludes: (job) => (job === 'ci-left-out' ? 'rule' : undefined) }),
  ];
  let ready: () => void = () => undefined;
  const listed = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const context: StreamContext = {
    ...around,
    warehouse,
    workDir: join(temp, `work-${streams}`),
    queues: [queue],
    stopping: stopping.signal,
    progress,
    metrics: createMetrics(progress),
    onReady: ready,
    collect: {
      ...around,
      readers: localReaders(),
      stats: createStats(),
      open: (from) => {
        const { bucketUrl, prefix } = parseRoot(from.url);
        return { bucket: openBucket(bucketUrl, { timeoutMs: 2_000, connections: 8 }), prefix };
      },
    },
  };
  const ended = streamBuilds(context, {
    roots,
    threads: 4,
    tables: [table('week', 7), table('all', 0)].map((config) => ({
      config,
      spec: { name: config.name, schema: [], key: 'path' },
      intervalMs: 0,
    })),
    request: {
      roots,
      threads: 4,
      junit: true,
      skipListing: false,
      dryRun: false,
      selection: {},
      settleMs: 3_600_000,
      buildMs: 600_000,
      buildBytesMax: 1e9,
      giveUpMs: 86_400_000,
    },
    artifactsWaitMs: 0,
    reconcileMs: 3_600_000,
    outstandingMessages: 100,
    writeLimitMs: 60_000,
    ...options,
  });
  await Promise.race([listed, ended]);
  const generationOf = async (object: string) => {
    const { mtimeNs, size, ino } = await stat(join(folder, object), { bigint: true });
    return `${mtimeNs}-${size}-${ino}`;
  };
  return {
    ...{ folder, prow, store, queue, warehouse, warnings, ended },
    /** A build that finishes now. */
    finish: async (
      job: string,
      id: string,
      files: Readonly<Record<string, string>> = { 'artifacts/junit.xml': junitXml({ passed: 1 }) },
    ) => {
      const finished = { timestamp: Math.floor(nowMs() / 1000), result: 'SUCCESS' };
      prow.build(job, id, { started: { timestamp: 1 }, finished, files });
      const object = `logs/${job}/${id}/finished.json`;
      return { object, generation: await generationOf(object) };
    },
    generationOf,
    end: async () => {
      stopping.abort('SIGTERM');
      return ended;
    },
    endAtOnce: async () => {
      stopping.abort('SIGTERM');
      stop.abort('SIGTERM');
      return ended;
    },
  };
}

async function until(what: () => boolean): Promise<void> {
  for (let tries = 0; !what(); tries += 1) {
    if (tries > 1_000) throw new Error('waited in vain');
    await sleep(10);
  }
}

it('acknowledges a build only when every table has it', async () => {
  let broken = true;
  const stream = await start({ fault: () => (broken ? 'lost-before' : undefined) });
  const { object, generation } = await stream.finish('ci-job', '1');
  const id = stream.queue.tell(object, generation);
  await until(() => stream.warehouse.loads.length >= 3);
  expect(stream.queue.log).toEqual([]);
  broken = false;
  await until(() => stream.queue.log.length > 0);
  expect(stream.queue.log).toEqual([`ack ${id}`]);
  for (const name of ['week', 'all'])
    expect(stream.warehouse.paths(name)).toEqual([`file:${stream.folder}/logs/ci-job/1`]);
  await stream.end();
});

it('acknowledges what is none of its business at once, whatever else is stuck', async () => {
  const stream = await start({ fault: () => 'lost-before' });
  const { object, generation } = await stream.finish('ci-job', '1');
  const stuck = stream.queue.tell(object, generation);
  const noise = [
    stream.queue.tell('logs/ci-job/1/started.json', '1'),
    stream.queue.tell('logs/ci-job/1/artifacts/finished.json', '1'),
    stream.queue.tell('logs/ci-left-out/1/finished.json', '1'),
    stream.queue.tell('elsewhere/ci-job/1/finished.json', '1'),
    stream.queue.tell('logs/ci-job/1/finished.json', '1', { bucketUrl: 'gs://another' }),
    stream.queue.tell('logs/../../etc/1/finished.json', '1'),
    stream.queue.tell('logs//1/finished.json', '1'),
  ];
  expect(stream.queue.log).toEqual(noise.map((id) => `ack ${id}`));
  expect(stream.queue.open()).toEqual([stuck]);
  await stream.endAtOnce().catch(() => undefined);
});

it('an event told three times, in flight and afterwards, gives one row, and every delivery is acknowledged', async () => {
  const stream = await start();
  const { object, generation } = await stream.finish('ci-job', '1');
  const ids = [stream.queue.tell(object, generation), stream.queue.tell(object, generation)];
  await until(() => stream.queue.log.length === 2);
  ids.push(stream.queue.tell(object, generation, { attempt: 2 }));
  await until(() => stream.queue.log.length === 3);
  expect([...stream.queue.log].sort()).toEqual(ids.map((id) => `ack ${id}`));
  const summary = await stream.end();
  expect(summary.events).toMatchObject({ finished: 1, duplicate: 2 });
  expect(stream.warehouse.paths('all')).toHaveLength(1);
});

it('an older event than what is there is no harm: what is there now is what is written', async () => {
  const stream = await start();
  const { object } = await stream.finish('ci-job', '1');
  stream.queue.tell(object, 'an-older-generation');
  await until(() => stream.queue.log.length === 1);
  stream.queue.tell(object, await stream.generationOf(object));
  await until(() => stream.queue.log.length === 2);
  expect(stream.warehouse.paths('all')).toHaveLength(1);
  await stream.end();
});

it('a finished.json that is gone again is no build', async () => {
  const stream = await start();
  stream.queue.tell('logs/ci-job/1/finished.json', '1');
  await until(() => stream.queue.log.length === 1);
  expect(stream.queue.log).toEqual(['ack 1']);
  expect((await stream.end()).events.poison).toBe(0);
});

it.each([
  ['is acknowledged where the subscription has no topic for it', undefined, 'ack'],
  ['is handed back where it has one', { topic: 'dead', attemptsMax: 5 }, 'nack'],
] as const)(
  'what no try can mend gets its dead letter, and then %s; the rest goes on',
  async (_, policy, what) => {
    const stream = await start({ ...(policy && { policy }) });
    stream.prow.put('logs/ci-bad/1/finished.json', '{"timestamp": ');
    const bad = stream.queue.tell(
      'logs/ci-bad/1/finished.json',
      await stream.generationOf('logs/ci-bad/1/finished.json'),
    );
    const nonsense = stream.queue.tellNonsense();
    const good = await stream.finish('ci-job', '1');
    const fine = stream.queue.tell(good.object, good.generation);
    await until(() => stream.queue.log.length === 3);
    expect([...stream.queue.log].sort()).toEqual(
      [`ack ${fine}`, `${what} ${bad}`, `${what} ${nonsense}`].sort(),
    );
    const letters = [...stream.store.deadLetters.list()].map(({ kind, attempts }) => [kind, attempts]);
    expect(letters).toEqual([
      ['event', 1],
      ['collect', 5],
    ]);
    await stream.end();
  },
);

it('waits for files that come after finished.json, before its row goes anywhere', async () => {
  const stream = await start({ options: { artifactsWaitMs: 60_000 } });
  const { object, generation } = await stream.finish('ci-job', '1', {});
  stream.queue.tell(object, generation);
  await until(() => stream.store.builds.byPath(`file:${stream.folder}/logs/ci-job/1`) !== undefined);
  stream.prow.put('logs/ci-job/1/artifacts/junit_01.xml', junitXml({ passed: 3, failed: 1 }));
  await until(() => stream.queue.log.length === 1);
  const id = stream.store.builds.byPath(`file:${stream.folder}/logs/ci-job/1`)?.id ?? 0;
  expect(stream.store.rows.get(id)).toMatchObject({ testsRun: 4, testsFailed: 1 });
  expect(stream.warehouse.loads.filter((load) => load.table.name === 'all')).toHaveLength(1);
  await stream.end();
});

it('told to end, it takes nothing new, brings in what it has, and hands the rest back', async () => {
  let blocked = true;
  const stream = await start({ fault: () => (blocked ? 'lost-before' : undefined) });
  const { object, generation } = await stream.finish('ci-job', '1');
  stream.queue.tell(object, generation);
  await until(() => stream.warehouse.loads.length > 0);
  const ended = stream.end();
  blocked = false;
  const summary = await ended;
  expect(stream.queue.log).toEqual(['ack 1']);
  expect(summary.tables.map(({ rows }) => rows)).toEqual([1, 1]);
});

it('out of grace, it hands back what is not in, and the next stream brings it in once', async () => {
  const stream = await start({ fault: () => 'lost-before' });
  const { object, generation } = await stream.finish('ci-job', '1');
  stream.queue.tell(object, generation);
  await until(() => stream.warehouse.loads.length > 0);
  await stream.endAtOnce().catch(() => undefined);
  expect(stream.queue.log).toEqual(['nack 1']);
});

it('a listing finds what no event told of, and says so', async () => {
  const stream = await start({ options: { reconcileMs: 3_000 } });
  await stream.finish('ci-job', '7');
  await until(() => stream.warehouse.paths('all').length === 1);
  expect(stream.warnings).toContain('a listing found builds of which no event had told');
  expect((await stream.end()).reconciled).toBe(1);
});

it('a queue that tells of nothing while builds finish ends it, to be started again; their rows are in', async () => {
  const stream = await start({ options: { reconcileMs: 3_000 } });
  const failed = expect(stream.ended).rejects.toMatchObject({ code: 'timeout' });
  for (const build of ['1', '2']) {
    await stream.finish('ci-job', build);
    await until(() => stream.warehouse.paths('all').length === Number(build));
  }
  await failed;
  expect(stream.warehouse.paths('all')).toHaveLength(2);
});

it('a queue that is heard now and then is not given up', async () => {
  const stream = await start({ options: { reconcileMs: 3_000 } });
  for (const build of ['1', '2', '3']) {
    const { object } = await stream.finish('ci-job', build);
    await until(() => stream.warehouse.paths('all').length === Number(build));
    // News of something else: the queue is alive.
    stream.queue.tell(object.replace('finished.json', 'started.json'), '1');
    await until(() => stream.queue.log.length === Number(build));
  }
  await expect(stream.end()).resolves.toMatchObject({ reconciled: 3 });
});

it('ends by itself when nothing happens any more', async () => {
  const stream = await start({ options: { untilIdleMs: 50 } });
  await expect(stream.ended).resolves.toMatchObject({ reconciled: 0 });
});

it('what no try can mend in a table ends it with that error, and nothing is acknowledged', async () => {
  const stream = await start();
  const denied = new Error('denied');
  Object.assign(stream.warehouse, { load: () => Promise.reject(Object.assign(denied, { code: 'denied' })) });
  const { object, generation } = await stream.finish('ci-job', '1');
  stream.queue.tell(object, generation);
  await expect(stream.ended).rejects.toThrow('denied');
  expect(stream.queue.log).toEqual(['nack 1']);
});
