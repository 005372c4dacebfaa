import { describe, expect, it } from 'vitest';
import { readSchema } from '../../pipeline/config/shipped.ts';
import { parseTables } from '../../pipeline/config/tables.ts';
import { type StatusContext, status } from '../../pipeline/jobs/status.ts';
import { statusText } from '../../pipeline/show/status.ts';
import { inspectDatabase } from '../../pipeline/store/inspect.ts';
import type { Store } from '../../pipeline/store/open.ts';
import { kettleDatabase } from '../support/kettle-db.ts';
import { addRow, NOW_MS, testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const HOUR_MS = 3_600_000;
const URL = 'duckdb:w.duckdb';

async function given(over: Partial<StatusContext> = {}) {
  const schema = await readSchema('tables');
  return status({
    file: 'none.db',
    warehouse: URL,
    mutationFile: 'no-mutation.db',
    cacheFile: 'no-cache.db',
    tables: parseTables('all:\n  days: 0\n', { file: 'tables.yaml', schema }),
    roots: ['gs://bucket/logs/'],
    demo: false,
    subscription: undefined,
    inspect: inspectDatabase,
    hold: { state: 'free' },
    diskFreeBytes: 9e9,
    reportAt: undefined,
    nowMs: NOW_MS,
    ...over,
  });
}

async function collected(atMs = NOW_MS): Promise<Store> {
  const store = testStore(tempFolder(), () => atMs);
  await addRow(store, { finishedAt: atMs / 1000 - 60 });
  return store;
}

function load(store: Store): void {
  const batch = store.ledger.begin(store.ledger.destination(`${URL}/all`), false);
  store.ledger.add(batch, [{ item: 1, version: store.rows.get(1)?.version ?? 0 }]);
  store.ledger.send(batch, { jobId: 'j', warehouse: URL, attempt: 1 });
  store.ledger.commit(batch);
}

describe('what to do next', () => {
  const next = async (over: Partial<StatusContext> = {}) => (await given(over)).next;

  it('before anything was collected: collect; and whether that makes a demo', async () => {
    expect(await next()).toEqual({
      command: 'samovar update',
      why: 'nothing was collected yet: none.db is not there',
    });
    expect((await next({ demo: true })).why).toContain('makes a demo');
  });

  it('a database of Kettle: an update upgrades it; any other: the doctor', async () => {
    const file = `${tempFolder()}/k.db`;
    kettleDatabase(file, []);
    expect(await next({ file })).toMatchObject({
      command: 'samovar update',
      why: expect.stringContaining('Kettle'),
    });
    expect(await next({ file: import.meta.filename })).toMatchObject({ command: 'samovar doctor' });
  });

  it('no room comes before what waits, what waits before dead letters, and those before a report', async () => {
    const store = await collected();
    const { file } = store;
    expect(await next({ file, diskFreeBytes: 1e6 })).toMatchObject({ command: 'samovar prune' });
    expect(await next({ file })).toEqual({ command: 'samovar update', why: 'builds wait for table all' });
    load(store);
    store.deadLetters.add({ kind: 'load', subject: 's', code: 'refused', reason: 'r' });
    expect(await next({ file })).toMatchObject({ command: 'samovar dead-letters list' });
    store.deadLetters.resolve('load', 's');
    expect(await next({ file })).toMatchObject({
      command: 'samovar report',
      why: expect.stringContaining('no report'),
    });
    expect(await next({ file, reportAt: 1 })).toMatchObject({ command: 'samovar report' });
    expect(await next({ file, reportAt: NOW_MS + 1 })).toMatchObject({
      command: 'samovar query flaky-tests',
    });
  });

  it('while somebody works on it: nothing but to look again', async () => {
    const { file } = await collected();
    const holder = { command: 'update', process: 5, host: 'h', since: NOW_MS - 60_000 };
    expect(await next({ file, hold: { state: 'held', holder } })).toMatchObject({
      command: 'samovar monitor',
      why: 'work is under way (samovar update): look again later',
    });
  });

  it('builds that are all old: collect', async () => {
    const store = await collected(NOW_MS - 7 * HOUR_MS);
    load(store);
    expect(await next({ file: store.file })).toEqual({
      command: 'samovar update',
      why: 'no build is younger than 6 hours',
    });
  });
});

describe('for people', () => {
  it('is ten lines or fewer with everything there is, the last of them what to do', async () => {
    const store = await collected();
    const lines = statusText(
      await given({
        file: store.file,
        mutationFile: store.file,
        cacheFile: store.file,
        subscription: 'project/topic/subscription',
        hold: {
          state: 'held',
          holder: { command: 'stream', process: 5, host: 'h', since: NOW_MS - 7200_000 },
        },
        roots: ['gs://bucket/logs/', ...Array.from({ length: 30 }, (_, at) => `gs://quiet-${at}/logs/`)],
        reportAt: NOW_MS - 90_000,
      }),
    ).split('\n');
    expect(lines.length).toBeLessThanOrEqual(10);
    expect(lines[0]).toContain('1 build (1 finished, 0 watched)');
    expect(lines[1]).toBe('At work:      samovar stream, process 5 on h, for 2.0 h');
    expect(lines[2]).toContain(
      '31 roots, newest build 1 min old; none for a day in gs://quiet-0/logs/ (nothing yet)',
    );
    expect(lines[2]).toContain('and 28 more');
    expect(lines[3]).toBe(`Tables:       all 0, 1 waiting for 0 s in ${URL}, never written`);
    expect(lines.at(-1)).toMatch(/^Next: +samovar monitor {3}\(work is under way/);
  });

  it('leaves out what is not used, and makes names from outside harmless', async () => {
    const text = statusText(await given({ file: 'a\u001b[31m.db' }));
    expect(text.split('\n')).toHaveLength(2);
    expect(text).not.toContain('\u001b');
  });
});
