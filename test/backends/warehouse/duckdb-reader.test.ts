import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import type { WarehouseReader } from '../../../pipeline/backends/warehouse/contract.ts';
import { openDuckDb } from '../../../pipeline/backends/warehouse/duckdb.ts';
import { openDuckDbReader } from '../../../pipeline/backends/warehouse/duckdb-reader.ts';
import { openWarehouse } from '../../../pipeline/backends/warehouse/index.ts';
import { tempFolder } from '../../support/temp.ts';

const TIMEOUTS = { timeoutMs: 30_000, loadTimeoutMs: 30_000 };
const COUNT = 'SELECT count(*) AS n FROM t';
const temp = tempFolder();
const readers: WarehouseReader[] = [];
const children: ChildProcess[] = [];
let nth = 0;

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const reader of readers.splice(0)) await reader.close();
});

function place(): { readonly file: string; readonly url: string; readonly folder: string } {
  nth += 1;
  const folder = join(temp, String(nth));
  mkdirSync(folder);
  return { folder, file: join(folder, 'w.duckdb'), url: `duckdb:${join(folder, 'w.duckdb')}` };
}

function reader(url: string, more: { readonly copyBytesMax?: number } = {}): WarehouseReader {
  const opened = openDuckDbReader(url, { ...TIMEOUTS, ...more });
  readers.push(opened);
  return opened;
}

/** A process that holds the file to write, and adds a row for each line it is sent. */
async function writer(file: string): Promise<{ add(): Promise<void> }> {
  const script = `
    import { DuckDBInstance } from '@duckdb/node-api';
    const connection = await (await DuckDBInstance.create(${JSON.stringify(file)})).connect();
    await connection.run('CREATE TABLE IF NOT EXISTS t (n INTEGER)');
    process.stdout.write('ready\\n');
    for await (const _ of process.stdin) {
      await connection.run('INSERT INTO t VALUES (1)');
      process.stdout.write('done\\n');
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const answered = () => new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  await answered();
  return {
    add: async () => {
      const answer = answered();
      child.stdin.write('\n');
      await answer;
    },
  };
}

it('reads what another process has committed while that one holds the file', async () => {
  const { file, url } = place();
  const { add } = await writer(file);
  await expect(openWarehouse(url, TIMEOUTS)).rejects.toMatchObject({ code: 'conflict' });
  const opened = reader(url);
  expect(await opened.query(COUNT)).toEqual([{ n: 0 }]);
  for (let n = 1; n <= 3; n += 1) {
    await add();
    await vi.waitFor(async () => expect(await opened.query(COUNT)).toEqual([{ n }]), 20_000);
  }
});

it('keeps no writer out, not even while it is asked', async () => {
  const { url } = place();
  const first = await openDuckDb(url, TIMEOUTS);
  await first.query('CREATE TABLE t AS SELECT range AS n FROM range(100000)');
  await first.close();
  const opened = reader(url);
  await opened.query(COUNT);
  const stop = new AbortController();
  const slow = opened.query('SELECT count(*) FROM t AS a, t AS b, t AS c WHERE a.n + b.n + c.n = -1', {
    signal: stop.signal,
  });
  slow.catch(() => undefined);
  const second = await openDuckDb(url, TIMEOUTS);
  await second.query('INSERT INTO t VALUES (1)');
  await second.close();
  await vi.waitFor(async () => expect(await opened.query(COUNT)).toEqual([{ n: 100_001 }]), 20_000);
  stop.abort();
  await expect(slow).rejects.toMatchObject({ code: 'aborted' });
});

it('leaves nothing behind, nor what a reader that was killed has left', async () => {
  const { folder, url } = place();
  await (await openDuckDb(url, TIMEOUTS)).close();
  mkdirSync(join(folder, 'w.duckdb.reading-999999999-abc'));
  const opened = reader(url);
  await opened.query('SELECT 1 AS one');
  expect(readdirSync(folder).filter((name) => name.includes('reading'))).toHaveLength(1);
  await opened.close();
  expect(readdirSync(folder)).toEqual(['w.duckdb']);
});

it('without room for a copy reads the file itself, and lets go of it', async () => {
  const { folder, url } = place();
  const first = await openDuckDb(url, TIMEOUTS);
  await first.query('CREATE TABLE t AS SELECT 1 AS n');
  const opened = reader(url, { copyBytesMax: 0 });
  await first.close();
  expect(await opened.query(COUNT)).toEqual([{ n: 1 }]);
  expect(readdirSync(folder)).toEqual(['w.duckdb']);
  await opened.close();
  await (await openDuckDb(url, TIMEOUTS)).close();
});

it('a file that is not there is missing, and is not made', async () => {
  const { folder, url } = place();
  await expect(reader(url).query(COUNT)).rejects.toMatchObject({ code: 'missing' });
  expect(readdirSync(folder)).toEqual([]);
});
