import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Bucket } from '../../pipeline/backends/bucket/contract.ts';
import { planReset, type ResetContext, resetLog } from '../../pipeline/jobs/mutation-reset.ts';
import { archivesOf } from '../../pipeline/jobs/mutation-reset-archive.ts';
import { localWorker, type ResetWorker } from '../../pipeline/jobs/mutation-reset-worker.ts';
import { openBucketLog } from '../../pipeline/mutation-log/bucket-log.ts';
import { openLogWriter } from '../../pipeline/mutation-log/writer.ts';
import { encodeMutation } from '../../pipeline/records/mutation/codec.ts';
import { planText, resetText, stepText } from '../../pipeline/show/mutation-tools-reset.ts';
import { applyAll, issueMutation } from '../support/corpus.ts';
import { leftByDead } from '../support/dead-writer.ts';
import { fileBucket, hexOf, namesIn, payloadsOf, writeLog } from '../support/mutation-logs.ts';
import { NOW_MS, testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();
const prefix = 'logs/o/r/';
const OLD = ['a', 'b', 'c', 'd', 'e'].map((title, at) => issueMutation(at + 1, { title }));
const NEW = ['a', 'b'].map((title, at) => issueMutation(at + 1, { title: `${title} again` }));
const segmentBytesMax = 50;

let counter = 0;

/** A clock that only waiting moves. */
function clock() {
  let nowMs = NOW_MS;
  return {
    nowMs: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
    },
  };
}

/** A worker that ends some looks after it was told to, and that fetches everything when it is started over an empty log. */
function remoteWorker(bucket: Bucket) {
  const said: string[] = [];
  let replicas = 2;
  let looksUntilEnd = 2;
  const worker: ResetWorker = {
    look: async () => ({ text: `${replicas} replicas`, state: { name: 'w', replicas } }),
    stop: async () => {
      said.push('stop');
      replicas = 0;
    },
    isStopped: async () => {
      looksUntilEnd -= 1;
      return replicas === 0 && looksUntilEnd <= 0;
    },
    start: async (state) => {
      said.push(`start ${state.replicas}`);
      replicas = state.replicas;
      const has = await openBucketLog(bucket, prefix).segments();
      if (has.length === 0) await writeLog({ bucket, prefix, folder, segmentBytesMax }, NEW);
    },
    isStarted: async () => replicas > 0,
  };
  return { worker, said };
}

async function prepared(mutations = OLD) {
  counter += 1;
  const bucket = fileBucket(folder, `bucket-${counter}`);
  if (mutations.length > 0) await writeLog({ bucket, prefix, folder, segmentBytesMax }, mutations);
  const { worker, said } = remoteWorker(bucket);
  const steps: string[] = [];
  const context: ResetContext = {
    repo: { owner: 'o', name: 'r' },
    place: { bucket, prefix },
    worker,
    ...clock(),
    ...{ pollMs: 5_000, timeoutMs: 3_600_000, settledMs: 60_000, waitFetch: true },
    onStep: (step) => void steps.push(stepText(step)),
  };
  return { bucket, context, said, steps, log: () => payloadsOf(bucket, prefix) };
}

const ARCHIVE = 'archive/20261120T120000Z/logs/o/r/';

describe('a reset', () => {
  test('archives the log, then it is fetched anew; the worker has as many replicas as before', async () => {
    const { bucket, context, said, steps, log } = await prepared();
    const state = await resetLog(context);
    expect(await log()).toEqual(hexOf(NEW));
    expect(await payloadsOf(bucket, ARCHIVE)).toEqual(hexOf(OLD));
    expect(said).toEqual(['stop', 'start 2']);
    expect(state.done).toEqual(['pause', 'stop', 'quiet', 'archive', 'delete', 'start', 'fetch', 'resume']);
    expect(steps.at(-1)).toBe('resume: take back what was said, and keep a note with the archive: done');
    const names = await namesIn(bucket, prefix);
    expect(names.filter((name) => name.endsWith('reset.json'))).toEqual([]);
    expect(await namesIn(bucket, ARCHIVE)).toContain(`${ARCHIVE}reset.json`);
    expect(resetText(state)).toContain('reset o/r --undo 20261120T120000Z');
  });

  test('that is only planned changes nothing and says what would be done', async () => {
    const { bucket, context, said } = await prepared();
    const before = (await bucket.list('')).objects;
    const plan = await planReset(context);
    expect(plan).toMatchObject({
      kind: 'reset',
      archive: `${bucket.url}/${ARCHIVE}`,
      worker: '2 replicas',
      done: [],
    });
    expect(planText(plan)).toContain('Nothing was done. With --yes it is.');
    expect([(await bucket.list('')).objects, said]).toEqual([before, []]);
  });

  test('goes on where it stopped, wherever that was', { timeout: 180_000 }, async () => {
    // Every call to the bucket that changes something, and every call to the worker, is once the one that fails.
    let failing = 0;
    for (let isDone = false; !isDone; failing += 1) {
      const { bucket, context, log, said } = await prepared();
      let calls = 0;
      const mayFail =
        <A extends readonly unknown[], T>(call: (...args: A) => Promise<T>) =>
        async (...args: A): Promise<T> => {
          calls += 1;
          if (calls === failing + 1) throw new Error('killed');
          return call(...args);
        };
      const dying: Bucket = { ...bucket, write: mayFail(bucket.write), remove: mayFail(bucket.remove) };
      const { worker } = context;
      const weak = { ...worker, stop: mayFail(worker.stop), start: mayFail(worker.start) };
      await resetLog({ ...context, place: { bucket: dying, prefix }, worker: weak }).catch((error: Error) => {
        expect(error.message).toBe('killed');
      });
      isDone = calls <= failing;
      const names = await namesIn(bucket).catch((): readonly string[] => []);
      const isOver = names.includes(`${ARCHIVE}reset.json`) && !names.includes(`${prefix}reset.json`);
      if (!isOver) await resetLog(context);
      expect([failing, await log()]).toEqual([failing, hexOf(NEW)]);
      const [time] = await archivesOf(context.place);
      expect([failing, await payloadsOf(bucket, `archive/${time}/${prefix}`)]).toEqual([failing, hexOf(OLD)]);
      expect(said.at(-1)).toBe('start 2');
      expect(await bucket.read(`${prefix}reset.json`)).toBeUndefined();
    }
    expect(failing).toBeGreaterThan(15);
  });

  test('waits while a writer holds the log, and says so when that does not end', async () => {
    const { bucket, context } = await prepared();
    const writer = await openLogWriter({
      bucket,
      prefix,
      folder: join(folder, `held-${counter}`),
      nowMs: context.nowMs,
      leaseMs: 10 * 3_600_000,
    });
    const waits: string[] = [];
    const waiting = { ...context, onWait: (text: string) => void waits.push(text) };
    await expect(resetLog(waiting)).rejects.toMatchObject({ code: 'timeout' });
    expect(waits.at(-1)).toMatch(/^the log is held for another \d+ s$/);
    await writer.close();
    expect((await resetLog(context)).done).toContain('resume');
  });

  test('of a log that is not there only starts the worker anew', async () => {
    const { context, log, said } = await prepared([]);
    await resetLog(context);
    expect([await log(), said]).toEqual([hexOf(NEW), ['stop', 'start 2']]);
  });
});

describe('undoing', () => {
  test('brings the archived log back, and archives what had taken its place', async () => {
    const { bucket, context, log } = await prepared();
    await resetLog(context);
    const state = await resetLog(context, { undo: '' });
    expect(await log()).toEqual(hexOf(OLD));
    expect(state).toMatchObject({ kind: 'undo', restores: '20261120T120000Z' });
    const times = await archivesOf(context.place);
    expect(await payloadsOf(bucket, `archive/${times.at(-1)}/${prefix}`)).toEqual(hexOf(NEW));
    // Undone once more, it is the new one again.
    await resetLog(context, { undo: '' });
    expect(await log()).toEqual(hexOf(NEW));
    await resetLog(context, { undo: '20261120T120000Z' });
    expect(await log()).toEqual(hexOf(OLD));
  });

  test('of a reset that has not archived anything yet only starts the worker', async () => {
    const { context, log, said } = await prepared();
    const stuck: ResetWorker = { ...context.worker, isStopped: async () => false };
    await expect(resetLog({ ...context, worker: stuck })).rejects.toMatchObject({ code: 'timeout' });
    await resetLog(context, { undo: '' });
    expect([await log(), said]).toEqual([hexOf(OLD), ['stop', 'start 2']]);
    expect(await archivesOf(context.place)).toEqual([]);
  });

  test('of a reset that has deleted the log brings it back', async () => {
    const { context, log, said } = await prepared();
    const stuck: ResetWorker = { ...context.worker, start: () => Promise.reject(new Error('no cluster')) };
    await expect(resetLog({ ...context, worker: stuck })).rejects.toThrow('no cluster');
    expect(await log()).toEqual([]);
    await resetLog(context, { undo: '' });
    expect([await log(), said.at(-1)]).toEqual([hexOf(OLD), 'start 2']);
  });

  test('needs an archive, and is not mixed with a reset', async () => {
    const { context } = await prepared();
    await expect(resetLog(context, { undo: '' })).rejects.toMatchObject({ code: 'missing' });
    await resetLog(context);
    await expect(resetLog(context, { undo: '20200101T000000Z' })).rejects.toMatchObject({
      code: 'missing',
      remedy: 'There are those of: 20261120T120000Z.',
    });
    const stuck: ResetWorker = { ...context.worker, isStopped: async () => false };
    await expect(resetLog({ ...context, worker: stuck }, { undo: '' })).rejects.toMatchObject({
      code: 'timeout',
    });
    await expect(resetLog(context)).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('a worker on this machine', () => {
  test('is passed over while its log is reset, and has forgotten everything afterwards', async () => {
    const { bucket, context, log } = await prepared([]);
    const wal = join(folder, `local-${counter}`);
    const store = testStore(folder);
    const repo = store.corpus.repo('o', 'r');
    applyAll(store, repo, OLD);
    store.github.setCursor(repo.id, 'issues', 'x');
    const open = () => openLogWriter({ bucket, prefix, folder: wal, nowMs: context.nowMs });
    const writer = await open();
    await writer.append(OLD.map(encodeMutation));
    await writer.close();
    const local = localWorker({
      store,
      repo: { owner: 'o', name: 'r' },
      openWriter: async () => (existsSync(wal) ? open() : undefined),
      discard: async () => rmSync(wal, { recursive: true }),
    });
    const paused: (string | undefined)[] = [];
    const watched: ResetContext = {
      ...context,
      worker: local,
      onStep: ({ step, state }) => {
        if (state === 'done') paused.push(`${step} ${store.github.sync(repo.id).paused ?? '-'}`);
      },
      // The sync, which does its turn while it is waited for.
      sleep: async (ms) => {
        await context.sleep(ms);
        if (store.github.sync(repo.id).paused !== undefined) return;
        const again = await open();
        store.transaction(() => store.github.setSynced(repo.id));
        await again.append(NEW.map(encodeMutation));
        await again.close();
      },
    };
    await resetLog(watched);
    expect(await log()).toEqual(hexOf(NEW));
    expect(await payloadsOf(bucket, ARCHIVE)).toEqual(hexOf(OLD));
    expect(paused.slice(0, 4)).toEqual([
      'pause -',
      'stop its log is being reset',
      'quiet its log is being reset',
      'archive its log is being reset',
    ]);
    expect(paused.slice(4)).toEqual(['delete its log is being reset', 'start -', 'fetch -', 'resume -']);
    expect([repo.maxNumber(), repo.position(), store.github.cursor(repo.id, 'issues')]).toEqual([
      0,
      undefined,
      undefined,
    ]);
  });

  test('has what it has not uploaded in the archive, too', async () => {
    const { bucket, context } = await prepared(OLD);
    const elsewhere = fileBucket(folder, `elsewhere-${counter}`);
    const wal = join(folder, `unflushed-${counter}`);
    // As a killed sync leaves it: in its folder, and not in the bucket.
    const open = (to: Bucket) => openLogWriter({ bucket: to, prefix, folder: wal, nowMs: context.nowMs });
    for (const { name } of (await bucket.list(prefix)).objects) {
      const found = await bucket.read(name);
      if (typeof found === 'object') await elsewhere.write(name, found.bytes);
    }
    const killed = await open(elsewhere);
    await killed.append([encodeMutation(issueMutation(9, { title: 'unflushed' }))]);
    leftByDead(wal);
    const store = testStore(folder);
    const worker = localWorker({
      store,
      repo: { owner: 'o', name: 'r' },
      openWriter: () => open(bucket),
      discard: async () => rmSync(wal, { recursive: true }),
    });
    await resetLog({ ...context, worker, waitFetch: false });
    expect(await payloadsOf(bucket, ARCHIVE)).toEqual(
      hexOf([...OLD, issueMutation(9, { title: 'unflushed' })]),
    );
    await killed.close().catch(() => undefined);
  });
});
