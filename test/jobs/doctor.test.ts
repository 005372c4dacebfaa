import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Bucket } from '../../pipeline/backends/bucket/contract.ts';
import { openBucket } from '../../pipeline/backends/bucket/index.ts';
import type { Queue } from '../../pipeline/backends/queue/contract.ts';
import { loadRoots } from '../../pipeline/config/buckets.ts';
import { SamovarError } from '../../pipeline/errors.ts';
import { type Check, type CheckResult, ok, runChecks, warning } from '../../pipeline/jobs/doctor.ts';
import { databaseChecks } from '../../pipeline/jobs/doctor-database.ts';
import {
  clockCheck,
  folderChecks,
  NODE_MIN,
  secretChecks,
  versionChecks,
} from '../../pipeline/jobs/doctor-machine.ts';
import { placeChecks } from '../../pipeline/jobs/doctor-places.ts';
import { doctorText } from '../../pipeline/show/doctor.ts';
import type { DatabaseSize, Inspection } from '../../pipeline/store/inspect.ts';
import { inspectDatabase } from '../../pipeline/store/inspect.ts';
import { memoryWarehouse } from '../support/memory-warehouse.ts';
import { addRow, NOW_MS, testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const OPTIONS = {
  timeoutMs: 5_000,
  offline: false,
  signal: new AbortController().signal,
  monotonicMs: () => 0,
};
const run = (checks: readonly Check[], over = {}) => runChecks(checks, { ...OPTIONS, ...over });
const states = (results: readonly CheckResult[]) =>
  Object.fromEntries(results.map(({ name, state }) => [name, state]));
const check = (name: string, work: Check['run'], more: Partial<Check> = {}): Check => ({
  ...{ area: 'a', name, remedy: `mend ${name}`, run: work },
  ...more,
});

describe('checks', () => {
  it('are all made, whatever becomes of one, and keep their order', async () => {
    const results = await run([
      check('asks', async () => ok('fine'), { network: true }),
      check('throws', () => {
        throw new Error('odd');
      }),
      check('ours', () => {
        throw new SamovarError('denied', 'no', { remedy: 'ask for it' });
      }),
      check('last', () => warning('hm', 'look')),
    ]);
    expect(results).toEqual([
      { area: 'a', name: 'asks', state: 'ok', detail: 'fine', tookMs: 0 },
      { area: 'a', name: 'throws', state: 'failed', detail: 'odd', remedy: 'mend throws', tookMs: 0 },
      { area: 'a', name: 'ours', state: 'failed', detail: 'no', remedy: 'ask for it', tookMs: 0 },
      { area: 'a', name: 'last', state: 'warning', detail: 'hm', remedy: 'look', tookMs: 0 },
    ]);
  });

  it('that do not end are given up, told to stop, and keep no other from being made', async () => {
    let stopped = false;
    const hanging = check('hangs', (signal) => {
      signal.addEventListener('abort', () => {
        stopped = true;
      });
      return new Promise<never>(() => undefined);
    });
    const results = await run([hanging, check('next', () => ok('fine'))], { timeoutMs: 20 });
    expect(results).toMatchObject([
      { state: 'failed', detail: 'no answer within 0.02 s', remedy: 'mend hangs' },
      { state: 'ok' },
    ]);
    expect(stopped).toBe(true);
  });

  it('of the network are not made offline', async () => {
    let asked = false;
    const asks = check(
      'asks',
      () => {
        asked = true;
        return ok('');
      },
      { network: true },
    );
    expect(await run([asks], { offline: true })).toMatchObject([{ state: 'skipped' }]);
    expect(asked).toBe(false);
  });

  it('that fail for the network say so, not that a right is missing', async () => {
    const [result] = await run([
      check('gs://b/', () => {
        throw new SamovarError('network', 'gs://b/: the connection failed');
      }),
    ]);
    expect(result).toMatchObject({ detail: 'the connection failed', remedy: expect.stringContaining('DNS') });
  });

  it('for people: a line each, what to do below, a sum at the end, no control characters', async () => {
    const text = doctorText(
      await run([check('one', () => ok('fi\u001bne')), check('two', () => warning('hm', 'look there'))]),
    );
    expect(text.split('\n')).toEqual([
      'a',
      '  ok      one fi\\u001bne',
      '  WARNING two hm',
      '          look there',
      '',
      '2 checks, none failed, 1 with a warning.',
    ]);
  });
});

describe('the database', () => {
  const given = (file: string, over = {}) => ({
    file,
    inspect: () => inspectDatabase(file),
    hold: () => ({ state: 'free' as const }),
    disk: async () => ({ freeBytes: 9e9 }),
    deep: false,
    nowMs: NOW_MS,
    ...over,
  });
  const results = (file: string, over = {}) => run(databaseChecks('db', given(file, over)));
  const sized = (over: Partial<DatabaseSize & Inspection>) => () => {
    const size = { pageBytes: 4096, pages: 10, pagesFree: 0, pagesLeft: 1e9, fileBytes: 1e6, walBytes: 0 };
    return {
      ...{ file: 'b.db', kind: 'samovar', schema: 4, schemaKnown: 4, close: () => undefined },
      ...{ roots: () => [], quickCheck: () => [], foreignKeys: () => [], size: () => ({ ...size, ...over }) },
      ...over,
    } as unknown as Inspection;
  };
  const one = async (name: string, over: object) =>
    (await results('b.db', over)).find((result) => result.name === name);

  it('that is well passes everything', async () => {
    const store = testStore(tempFolder());
    await addRow(store);
    expect(Object.values(states(await results(store.file)))).toEqual(Array(6).fill('ok'));
  });

  it('that is not there yet is no failure', async () => {
    const found = await results(join(tempFolder(), 'none.db'));
    expect(found.filter(({ state }) => state === 'failed')).toEqual([]);
  });

  it("with a damaged page, or rows that refer to nothing, fails with SQLite's own words", async () => {
    expect(
      await one('integrity', { inspect: sized({ quickCheck: () => ['page 7 is odd', 'x'] }) }),
    ).toMatchObject({
      state: 'failed',
      detail: 'page 7 is odd and 1 more',
    });
    const foreignKeys = () => [{ table: 'build', rows: 2 }];
    expect(await one('integrity', { inspect: sized({ foreignKeys }) })).toMatchObject({
      state: 'failed',
      detail: 'rows that refer to nothing: 2 of build',
    });
  });

  it('that is large is read whole only when that is asked for', async () => {
    const inspect = sized({ fileBytes: 5e9, quickCheck: () => ['read'] });
    expect(await one('integrity', { inspect })).toMatchObject({
      state: 'skipped',
      detail: expect.stringContaining('--deep'),
    });
    expect(await one('integrity', { inspect, deep: true })).toMatchObject({ state: 'failed' });
  });

  it('without room, with a long log, or of the future is told of', async () => {
    expect(await one('size and log', { inspect: sized({ pagesLeft: 9 }) })).toMatchObject({
      state: 'failed',
    });
    expect(await one('size and log', { inspect: sized({ walBytes: 2e9 }) })).toMatchObject({
      state: 'warning',
    });
    expect(await one('disk', { disk: async () => ({ freeBytes: 5e6 }) })).toMatchObject({
      state: 'failed',
      detail: '5.0 MB free',
    });
    const roots = () => [{ url: 'u', builds: 1, newestAt: NOW_MS + 3_600_000 }];
    expect(await one('times in it', { inspect: sized({ roots }) })).toMatchObject({
      state: 'warning',
      detail: 'the newest build ended 60 minutes from now',
    });
  });

  it('of another program, or of a newer one, fails; of Kettle it does not', async () => {
    const kind = (name: string) =>
      one('file and version', { inspect: sized({ kind: name } as Partial<Inspection>) });
    expect([(await kind('foreign'))?.state, (await kind('newer'))?.state]).toEqual(['failed', 'failed']);
    expect((await kind('kettle'))?.state).toBe('ok');
  });

  it('held for more than a day by one cycle is told of', async () => {
    const held = (command: string) => ({
      hold: () => ({
        state: 'held',
        holder: { command, process: 1, host: 'h', since: NOW_MS - 2 * 86_400_000 },
      }),
    });
    expect((await one('who works on it', held('update')))?.state).toBe('warning');
    expect((await one('who works on it', held('stream')))?.state).toBe('ok');
  });
});

describe('this machine', () => {
  it('has the versions that are needed', async () => {
    const versions = (nodeVersion: string) =>
      run(versionChecks({ nodeVersion, openDuckDb: async () => memoryWarehouse() }));
    expect(states(await versions('v20.15.0'))).toEqual({ 'Node.js': 'ok', SQLite: 'ok', DuckDB: 'ok' });
    for (const old of ['v18.20.1', 'v20.14.9'])
      expect((await versions(old))[0]).toMatchObject({ state: 'failed' });
    const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } };
    expect(engines.node).toBe(`>=${NODE_MIN.join('.')}`);
  });

  it('has folders that can be written to, or made', async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, 'shut'));
    chmodSync(join(folder, 'shut'), 0o500);
    const found = await run(folderChecks([folder, folder, join(folder, 'a/b'), join(folder, 'shut/c')]));
    expect(found.map(({ state }) => state).slice(0, 2)).toEqual(['ok', 'ok']);
    expect(found[1]?.detail).toBe(`not there yet; ${folder} is writable`);
    // The superuser may write anywhere.
    expect(found[2]?.state).toBe(process.getuid?.() === 0 ? 'ok' : 'failed');
  });

  it('has secrets that not everybody can read; what is in them is nowhere', async () => {
    const folder = tempFolder();
    const files = { open: join(folder, 'open'), shut: join(folder, 'shut'), none: join(folder, 'none') };
    for (const file of [files.open, files.shut]) writeFileSync(file, 'hush-hush');
    chmodSync(files.open, 0o644);
    chmodSync(files.shut, 0o600);
    const found = await run(secretChecks(files));
    expect(states(found)).toEqual({ open: 'warning', shut: 'ok', none: 'failed' });
    expect(JSON.stringify(found)).not.toContain('hush-hush');
  });

  it('has a clock that agrees with what a server says, give or take half a minute', async () => {
    const at = async (aheadMs: number) => {
      const date = new Date(NOW_MS).toUTCString();
      const [found] = await run([
        clockCheck(
          'https://s/',
          async () => date,
          () => NOW_MS + 500 + aheadMs,
        ),
      ]);
      return [found?.state, found?.detail];
    };
    expect(await at(0)).toEqual(['ok', 'within 1 s of https://s/']);
    expect(await at(29_000)).toEqual(['ok', 'within 29 s of https://s/']);
    expect(await at(45_000)).toEqual(['failed', '45 s ahead of https://s/']);
    expect(await at(-3_600_000)).toEqual(['failed', '3600 s behind https://s/']);
    const [silent] = await run([
      clockCheck(
        'https://s/',
        async () => null,
        () => NOW_MS,
      ),
    ]);
    expect(silent?.state).toBe('skipped');
  });
});

describe('places', () => {
  const queue = (policy: unknown) =>
    ({ deadLetterPolicy: async () => policy, close: async () => undefined }) as unknown as Queue;

  async function places(over: Partial<Parameters<typeof placeChecks>[0]> = {}, yaml = '') {
    const folder = tempFolder();
    mkdirSync(join(folder, 'full/logs/job/1'), { recursive: true });
    writeFileSync(join(folder, 'full/logs/job/1/started.json'), '{}');
    mkdirSync(join(folder, 'empty/logs'), { recursive: true });
    const file = join(folder, 'buckets.yaml');
    writeFileSync(
      file,
      yaml ||
        ['full', 'empty', 'none']
          .map((name) => `file://${folder}/${name}/logs/:\n  sequential: false\n`)
          .join(''),
    );
    const results = await run(
      placeChecks({
        roots: await loadRoots(file),
        demo: false,
        openBucket: (url) => openBucket(url, { timeoutMs: 5_000, connections: 1 }),
        warehouse: 'duckdb:w',
        openWarehouse: async () => memoryWarehouse(),
        tables: ['all'],
        subscription: undefined,
        openQueue: async () => queue(undefined),
        ...over,
      }),
    );
    return results;
  }

  it('a folder with builds passes; an empty one, and one that is not there, are told of', async () => {
    const found = (await places()).filter(({ area }) => area === 'buckets');
    expect(found.map(({ state }) => state)).toEqual([
      'ok',
      'warning',
      expect.stringMatching(/warning|failed/),
    ]);
  });

  it('a bucket that may not be listed fails with what to do, and is closed', async () => {
    let isClosed = false;
    const denied = {
      list: async () => {
        throw new SamovarError('denied', 'gs://bucket: 403');
      },
      close: async () => {
        isClosed = true;
      },
    } as unknown as Bucket;
    const [found] = await places({ openBucket: () => denied }, 'gs://bucket/logs/:\n  sequential: false\n');
    expect(found).toMatchObject({
      state: 'failed',
      remedy: expect.stringContaining('roles/storage.objectViewer'),
    });
    expect(isClosed).toBe(true);
  });

  it('a warehouse that is held or not there yet is no failure; one that refuses is', async () => {
    const opened = async (code: 'conflict' | 'missing' | 'denied') => {
      const openWarehouse = async () => {
        throw new SamovarError(code, 'no');
      };
      return (await places({ openWarehouse })).find(({ area }) => area === 'warehouse')?.state;
    };
    expect([await opened('conflict'), await opened('missing'), await opened('denied')]).toEqual([
      'ok',
      'warning',
      'failed',
    ]);
  });

  it('a warehouse without the tables names them', async () => {
    const found = (await places()).find(({ area }) => area === 'warehouse');
    expect(found).toMatchObject({ state: 'warning', detail: 'answers, and has no all' });
  });

  it('a subscription without a dead-letter topic is told of', async () => {
    const asked = async (policy: unknown) =>
      (await places({ subscription: 'p/s', openQueue: async () => queue(policy) })).find(
        ({ area }) => area === 'queue',
      );
    expect(await asked(undefined)).toMatchObject({ state: 'warning' });
    expect(await asked({ topic: 't', attemptsMax: 20 })).toMatchObject({ state: 'ok' });
  });
});
