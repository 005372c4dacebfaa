import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Field } from '../../../pipeline/backends/warehouse/contract.ts';
import { openWarehouse } from '../../../pipeline/backends/warehouse/index.ts';
import { tempFolder } from '../../support/temp.ts';
import { loadRequest, rowsFile, tableSpec } from '../../support/warehouse-files.ts';

const OPTIONS = { timeoutMs: 20_000, loadTimeoutMs: 60_000 };

describe('a DuckDB file', () => {
  const folder = tempFolder();
  let files = 0;
  const url = () => {
    files += 1;
    return `duckdb:${join(folder, `w${files}.duckdb`)}`;
  };

  it('that another process has open is a conflict, and free once that has ended', async () => {
    const place = url();
    const program = `
      const { openWarehouse } = await import('./pipeline/backends/warehouse/index.ts');
      await openWarehouse(${JSON.stringify(place)}, ${JSON.stringify(OPTIONS)});
      console.log('open');
      setInterval(() => {}, 1000);`;
    const other = spawn('node', ['--import', 'tsx', '--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(other.stdout, 'data');
    await expect(openWarehouse(place, OPTIONS)).rejects.toMatchObject({
      code: 'conflict',
      remedy: expect.stringContaining('One process at a time'),
    });
    const ended = once(other, 'exit');
    other.kill('SIGKILL');
    await ended;
    await (await openWarehouse(place, OPTIONS)).close();
  });

  it('of a process killed in the middle of a replacing load holds the old rows or the new, never a mix', async () => {
    const place = url();
    const table = tableSpec('t');
    const first = await openWarehouse(place, OPTIONS);
    await first.ensureTable(table);
    await first.load(loadRequest(table, rowsFile(folder, [{ path: 'old' }])));
    await first.close();
    const rows = Array.from({ length: 60_000 }, (_, i) => ({
      path: `new-${i}`,
      test: [{ name: 'x'.repeat(200) }],
    }));
    const file = rowsFile(folder, rows, '.json');
    const outcomes = new Set<string>();
    for (const delayMs of [0, 100, 200, 300, 400]) {
      const request = loadRequest(table, file, { replace: true });
      const program = `
        const { openWarehouse } = await import('./pipeline/backends/warehouse/index.ts');
        const warehouse = await openWarehouse(${JSON.stringify(place)}, ${JSON.stringify(OPTIONS)});
        console.log('loading');
        await warehouse.load(${JSON.stringify(request)});`;
      const child = spawn('node', ['--import', 'tsx', '--input-type=module', '-e', program], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = once(child, 'exit');
      await once(child.stdout, 'data');
      await sleep(delayMs);
      child.kill('SIGKILL');
      await ended;
      const warehouse = await openWarehouse(place, OPTIONS);
      const { state } = await warehouse.loadState(request.jobId);
      const [found] = await warehouse.query(
        "SELECT count(*) AS n, count(*) FILTER (path = 'old') AS old FROM t",
      );
      outcomes.add(JSON.stringify(found));
      if (state === 'done') expect(found).toEqual({ n: 60_000, old: 0 });
      await warehouse.close();
    }
    for (const each of outcomes) expect(['{"n":1,"old":1}', '{"n":60000,"old":0}']).toContain(each);
  });

  it('that is no database is refused as such, and stays as it was', async () => {
    const file = join(folder, 'notes.txt');
    writeFileSync(file, 'not a database'.repeat(1_000));
    await expect(openWarehouse(`duckdb:${file}`, OPTIONS)).rejects.toMatchObject({ code: 'incompatible' });
    expect(readFileSync(file, 'utf8')).toBe('not a database'.repeat(1_000));
  });

  it('takes rows of the shipped schema', async () => {
    const schema = JSON.parse(readFileSync('schemas/build.json', 'utf8')) as Field[];
    const warehouse = await openWarehouse(url(), OPTIONS);
    const table = { name: 'all', schema, key: 'path', partitionBy: 'started', clusterBy: ['job'] };
    await warehouse.ensureTable(table);
    const row = {
      path: 'gs://b/logs/j/1',
      started: 1_700_000_000,
      number: 1,
      test: [{ name: 't', time: 1.5, flaky: true }],
    };
    await warehouse.load(loadRequest(table, rowsFile(folder, [row])));
    expect(await warehouse.query('SELECT path, number, started, test[1].flaky AS flaky FROM "all"')).toEqual([
      { path: row.path, number: 1, started: '2023-11-14T22:13:20.000Z', flaky: true },
    ]);
    await warehouse.close();
  });

  it('keeps times within records, and knows a REQUIRED column again', async () => {
    const schema: Field[] = [
      { name: 'path', type: 'STRING', mode: 'REQUIRED' },
      { name: 'at', type: 'RECORD', fields: [{ name: 'time', type: 'TIMESTAMP' }] },
      {
        name: 'events',
        type: 'RECORD',
        mode: 'REPEATED',
        fields: [{ name: 'times', type: 'TIMESTAMP', mode: 'REPEATED' }],
      },
    ];
    const warehouse = await openWarehouse(url(), OPTIONS);
    const table = tableSpec('nested', { schema });
    await warehouse.ensureTable(table);
    expect((await warehouse.ensureTable(table)).action).toBe('unchanged');
    const rows = [
      { path: 'a', at: { time: 1 }, events: [{ times: [0, '1970-01-01T00:00:02Z'] }, {}] },
      { path: 'b', at: null },
    ];
    await warehouse.load(loadRequest(table, rowsFile(folder, rows)));
    expect(await warehouse.query('SELECT * FROM nested ORDER BY path')).toEqual([
      {
        path: 'a',
        at: { time: '1970-01-01T00:00:01.000Z' },
        events: [{ times: ['1970-01-01T00:00:00.000Z', '1970-01-01T00:00:02.000Z'] }, { times: [] }],
      },
      { path: 'b', at: null, events: [] },
    ]);
    const refused = warehouse.load(loadRequest(table, rowsFile(folder, [{ at: { time: 1 } }])));
    await expect(refused).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('row 1: path is required'),
    });
    await warehouse.close();
  });

  it('names the row it refuses', async () => {
    const warehouse = await openWarehouse(url(), OPTIONS);
    const table = tableSpec('t');
    await warehouse.ensureTable(table);
    const rows = [
      ...Array.from({ length: 5_000 }, (_, i) => ({ path: `p${i}` })),
      { path: 'bad', test: [{ nam: 1 }] },
    ];
    await expect(warehouse.load(loadRequest(table, rowsFile(folder, rows)))).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('row 5001: no such field: test.nam'),
    });
    await warehouse.close();
  });

  it('refuses a gzip file that was cut, and bytes that are not UTF-8', async () => {
    const warehouse = await openWarehouse(url(), OPTIONS);
    const table = tableSpec('t');
    await warehouse.ensureTable(table);
    const cut = join(folder, 'cut.json.gz');
    const whole = gzipSync('{"path":"a"}\n'.repeat(10_000));
    writeFileSync(cut, whole.subarray(0, whole.length - 12));
    await expect(warehouse.load(loadRequest(table, cut))).rejects.toMatchObject({ code: 'malformed' });
    const latin = join(folder, 'latin.json');
    writeFileSync(latin, Buffer.from('{"path":"caf\xe9"}\n', 'latin1'));
    await expect(warehouse.load(loadRequest(table, latin))).rejects.toMatchObject({ code: 'malformed' });
    expect(await warehouse.query('SELECT count(*) AS n FROM t')).toEqual([{ n: 0 }]);
    await warehouse.close();
  });

  it('takes a row of 90 MB', async () => {
    const warehouse = await openWarehouse(url(), OPTIONS);
    const table = tableSpec('t');
    await warehouse.ensureTable(table);
    const test = Array.from({ length: 90 }, () => ({ name: 'x'.repeat(1_000_000) }));
    expect(
      await warehouse.load(loadRequest(table, rowsFile(folder, [{ path: 'a', test }], '.json'))),
    ).toEqual({ rows: 1 });
    expect(await warehouse.query('SELECT len(test) AS n FROM t')).toEqual([{ n: 90 }]);
    await warehouse.close();
  });

  it('refuses a row past 100 MB', async () => {
    const warehouse = await openWarehouse(url(), OPTIONS);
    const table = tableSpec('t');
    await warehouse.ensureTable(table);
    const file = rowsFile(folder, [{ path: 'x'.repeat(104_857_601) }], '.json');
    await expect(warehouse.load(loadRequest(table, file))).rejects.toMatchObject({ code: 'too-large' });
    await warehouse.close();
  });

  it('loads whose calls overlap each arrive whole', async () => {
    const warehouse = await openWarehouse(url(), OPTIONS);
    const table = tableSpec('t');
    await warehouse.ensureTable(table);
    const one = loadRequest(table, rowsFile(folder, [{ path: 'a' }]));
    const two = loadRequest(table, rowsFile(folder, [{ path: 'b' }]));
    expect(await Promise.all([warehouse.load(one), warehouse.load(two), warehouse.load(one)])).toEqual([
      { rows: 1 },
      { rows: 1 },
      { rows: 1 },
    ]);
    expect(await warehouse.query('SELECT path FROM t ORDER BY path')).toEqual([{ path: 'a' }, { path: 'b' }]);
    await warehouse.close();
  });

  it('gives up a query at its deadline and goes on working', async () => {
    const warehouse = await openWarehouse(url(), OPTIONS);
    const slow = warehouse.query(
      'SELECT count(*) AS n FROM range(100000000) a, range(100000) b WHERE a.range % 7 = b.range % 11',
      { timeoutMs: 100 },
    );
    await expect(slow).rejects.toMatchObject({ code: 'timeout' });
    expect(await warehouse.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await warehouse.close();
  });

  it('its own table of loads cannot be a table of rows', async () => {
    const warehouse = await openWarehouse(url(), OPTIONS);
    await expect(warehouse.ensureTable(tableSpec('samovar_loads'))).rejects.toMatchObject({ code: 'config' });
    await warehouse.close();
  });

  it('opened to read only, several readers have it at once, and none can write', async () => {
    const place = url();
    const written = await openWarehouse(place, OPTIONS);
    const table = tableSpec('t');
    await written.ensureTable(table);
    await written.load(loadRequest(table, rowsFile(folder, [{ path: 'a' }])));
    await written.close();
    const before = readFileSync(place.slice('duckdb:'.length));
    const readers = await Promise.all([1, 2].map(() => openWarehouse(place, { ...OPTIONS, readOnly: true })));
    for (const reader of readers) {
      expect((await reader.tableInfo('T'))?.rows).toBe(1);
      await expect(reader.ensureTable(tableSpec('other'))).rejects.toThrow(/read-only/);
      await reader.close();
    }
    expect(readFileSync(place.slice('duckdb:'.length)).equals(before)).toBe(true);
  });

  it('that is not there is missing to a reader, and stays so', async () => {
    const place = url();
    for (let times = 0; times < 2; times += 1)
      await expect(openWarehouse(place, { ...OPTIONS, readOnly: true })).rejects.toMatchObject({
        code: 'missing',
      });
  });

  it('that somebody looks at is waited for by who is to write, for as long as it was told', async () => {
    const place = url();
    await (await openWarehouse(place, OPTIONS)).close();
    const program = `
      const { openWarehouse } = await import('./pipeline/backends/warehouse/index.ts');
      const warehouse = await openWarehouse(${JSON.stringify(place)}, { ...${JSON.stringify(OPTIONS)}, readOnly: true });
      console.log('open');
      process.stdin.once('data', () => warehouse.close().then(() => process.exit()));`;
    const other = spawn('node', ['--import', 'tsx', '--input-type=module', '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(other, 'exit');
    await once(other.stdout, 'data');
    await expect(openWarehouse(place, { ...OPTIONS, lockWaitMs: 150 })).rejects.toMatchObject({
      code: 'conflict',
    });
    const waiting = openWarehouse(place, { ...OPTIONS, lockWaitMs: 60_000 });
    other.stdin.write('go');
    await (await waiting).close();
    await ended;
  });
});
