import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Warehouse } from '../../../pipeline/backends/warehouse/contract.ts';
import { openWarehouse } from '../../../pipeline/backends/warehouse/index.ts';
import { type BigQueryFake, startBigQueryFake } from '../../support/bigquery-fake.ts';
import { tempFolder } from '../../support/temp.ts';
import { loadRequest, rowsFile, tableSpec } from '../../support/warehouse-files.ts';

const UPLOAD = /^POST \/upload\//;
const QUERY_JOB = /^POST \/bigquery\/v2\/projects\/[^/]+\/jobs$/;

describe('BigQuery when things go wrong', () => {
  const folder = tempFolder();
  const table = tableSpec('builds');
  let server: BigQueryFake;
  let warehouse: Warehouse;
  const open = (more: { readonly timeoutMs?: number; readonly loadTimeoutMs?: number } = {}) =>
    openWarehouse('bigquery:fake-project:fake', {
      timeoutMs: 5_000,
      loadTimeoutMs: 10_000,
      endpoint: server.endpoint,
      ...more,
    });
  beforeEach(async () => {
    server = await startBigQueryFake();
    warehouse = await open();
    await warehouse.ensureTable(table);
  });
  afterEach(() => server.stop());
  const sent = (pattern: RegExp) => server.requests.filter((line) => pattern.test(line)).length;
  const count = async () =>
    (await warehouse.query(`SELECT COUNT(*) AS found FROM ${warehouse.tableName('builds')}`))[0]?.found;
  const request = (more: Parameters<typeof loadRequest>[2] = {}) =>
    loadRequest(table, rowsFile(folder, [{ path: 'a' }, { path: 'b' }]), more);

  it('an answer lost after the job was made loads once', async () => {
    server.faults.lostAnswers = 1;
    expect(await warehouse.load(request())).toEqual({ rows: 2 });
    expect(await count()).toBe(2);
    expect(sent(UPLOAD)).toBe(1);
  });

  it('an answer lost, and the question after it too, leaves the outcome open; the same id then loads nothing more', async () => {
    server.faults.lostAnswers = 1;
    server.faults.unavailableAfterLoss = 1;
    const one = request();
    await expect(warehouse.load(one)).rejects.toMatchObject({ code: 'network' });
    expect(await warehouse.loadState(one.jobId)).toEqual({ state: 'done', rows: 2 });
    expect(await warehouse.load(one)).toEqual({ rows: 2 });
    expect(await count()).toBe(2);
  });

  it('a job made by another run under this id is waited for, not sent again', async () => {
    const one = request();
    await warehouse.load(one);
    const before = sent(UPLOAD);
    expect(await (await open()).load(one)).toEqual({ rows: 2 });
    expect(sent(UPLOAD)).toBe(before);
    expect(await count()).toBe(2);
  });

  it('503 on submission is for another try under the same id, which then loads', async () => {
    server.faults.unavailable = 1;
    const one = request();
    await expect(warehouse.load(one)).rejects.toMatchObject({ code: 'unavailable', status: 503 });
    expect(await warehouse.loadState(one.jobId)).toEqual({ state: 'unknown' });
    expect(await warehouse.load(one)).toEqual({ rows: 2 });
    expect(await count()).toBe(2);
  });

  it('a slow job is waited for, through 503s on the way', async () => {
    server.faults.runningPolls = 3;
    const loading = warehouse.load(request());
    setTimeout(() => {
      server.faults.unavailablePolls = 1;
    }, 150);
    expect(await loading).toEqual({ rows: 2 });
    expect(server.faults.unavailablePolls).toBe(0);
  });

  it('a job that outlasts its deadline is a timeout, and its state can still be asked', async () => {
    server.faults.runningPolls = 50;
    const one = request();
    const error = await (await open({ loadTimeoutMs: 600 })).load(one).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'timeout', message: expect.stringContaining('600 ms') });
    expect(await warehouse.loadState(one.jobId)).toEqual({ state: 'running' });
  });

  it('a server that never answers costs one deadline', async () => {
    server.faults.silent = /\/tables\//;
    const started = performance.now();
    await expect((await open({ timeoutMs: 300 })).ensureTable(table)).rejects.toMatchObject({
      code: 'timeout',
    });
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('a run that ends stops an upload nobody answers', async () => {
    server.faults.silent = UPLOAD;
    const ending = new AbortController();
    const loading = warehouse.load(request(), { signal: ending.signal });
    setTimeout(() => ending.abort(), 200);
    await expect(loading).rejects.toMatchObject({ code: 'aborted' });
  });

  it.each([
    ['backendError', 'unavailable'],
    ['internalError', 'unavailable'],
    ['rateLimitExceeded', 'throttled'],
    ['quotaExceeded', 'refused'],
    ['invalid', 'malformed'],
  ])('a job that fails with %s is %s, loads nothing and stays failed', async (reason, code) => {
    server.faults.jobErrors.push({ reason, message: `it was ${reason}` });
    const one = request();
    await expect(warehouse.load(one)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`it was ${reason}`),
    });
    expect(await warehouse.loadState(one.jobId)).toEqual({ state: 'failed', reason: `it was ${reason}` });
    await expect(warehouse.load(one)).rejects.toMatchObject({ code });
    expect(await count()).toBe(0);
    expect(await warehouse.load(request())).toEqual({ rows: 2 });
  });

  it('a job error longer than a screen is cut', async () => {
    server.faults.jobErrors.push({ reason: 'invalid', message: 'x'.repeat(100_000) });
    const error = await warehouse.load(request()).catch((thrown: unknown) => thrown);
    expect(String(error).length).toBeLessThan(1_000);
  });

  it('older rows are removed once, in chunks, before the load; asked again, neither is done again', async () => {
    await warehouse.load(request());
    const superseded = Array.from({ length: 10_001 }, (_, i) => (i === 10_000 ? 'a' : `none-${i}`));
    const one = request({ superseded });
    const before = sent(QUERY_JOB);
    await warehouse.load(one);
    expect(sent(QUERY_JOB) - before).toBe(2);
    expect(await warehouse.loadState(`${one.jobId}_supersede_1`)).toMatchObject({ state: 'done' });
    await warehouse.load(one);
    expect(sent(QUERY_JOB) - before).toBe(2);
    expect(await count()).toBe(3);
  });

  it('an answer lost to the removal of older rows neither removes twice nor stops the load', async () => {
    await warehouse.load(request());
    server.faults.lostAnswers = 1;
    expect(await warehouse.load(request({ superseded: ['a', 'b'] }))).toEqual({ rows: 2 });
    expect(await count()).toBe(2);
  });

  it('older rows stay when the file that supersedes them would be refused', async () => {
    await warehouse.load(request());
    const bad = loadRequest(table, rowsFile(folder, [{ path: 'a', other: 1 }]), { superseded: ['a'] });
    await expect(warehouse.load(bad)).rejects.toMatchObject({ code: 'malformed' });
    expect(await count()).toBe(2);
  });

  it('rows in the streaming buffer cannot be superseded, and the message says how long to wait', async () => {
    server.faults.streaming.add('builds');
    const refused = warehouse.load(request({ superseded: ['a'] }));
    await expect(refused).rejects.toMatchObject({
      code: 'refused',
      remedy: expect.stringContaining('90 minutes'),
    });
    expect(await count()).toBe(0);
  });

  it('a second change of a table since it was read is a conflict, not an overwrite', async () => {
    const grown = (name: string) => ({
      ...table,
      schema: [...table.schema, { name, type: 'STRING' as const }],
    });
    const both = await Promise.allSettled([
      warehouse.ensureTable(grown('one')),
      warehouse.ensureTable(grown('two')),
    ]);
    const refused = both.filter((each) => each.status === 'rejected');
    for (const each of refused) expect(each.reason).toMatchObject({ code: 'conflict' });
    for (const name of ['one', 'two']) await warehouse.ensureTable(grown(name));
    expect(
      (
        await warehouse.ensureTable({
          ...table,
          schema: [...grown('one').schema, { name: 'two', type: 'STRING' }],
        })
      ).action,
    ).toBe('unchanged');
  });

  it('a connection that is refused is a network error that names the warehouse', async () => {
    await server.stop();
    await expect(warehouse.ensureTable(table)).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining('bigquery:fake-project:fake'),
    });
  });

  it('an endpoint of the user gets no credentials of his', async () => {
    await count();
    expect([...server.authorizations]).toEqual(['Bearer emulator']);
  });
});

it('a page with status 200, as a sign-in before the service gives, is an error of each call and no exception of the process', async () => {
  const page = createServer((_, response) =>
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>sign in</html>'),
  );
  await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(page.address() as AddressInfo).port}`;
  const warehouse = await openWarehouse('bigquery:fake-project:fake', {
    timeoutMs: 5_000,
    loadTimeoutMs: 5_000,
    endpoint,
  });
  const unavailable = { code: 'unavailable', message: expect.stringContaining('a page came') };
  await expect(warehouse.ensureTable(tableSpec('builds'))).rejects.toMatchObject(unavailable);
  await expect(warehouse.loadState('a-job')).rejects.toMatchObject(unavailable);
  await expect(warehouse.query('SELECT 1')).rejects.toMatchObject(unavailable);
  await warehouse.close();
  page.closeAllConnections();
  page.close();
});
