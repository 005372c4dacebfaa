import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Field, LoadRequest, TableSpec, Warehouse } from '../../pipeline/backends/warehouse/contract.ts';
import { tempFolder } from '../support/temp.ts';
import {
  COLUMNS,
  errorOf,
  gapTests,
  grow,
  loadRequest,
  rowsFile,
  tableSpec,
  type WarehouseGaps,
} from '../support/warehouse-files.ts';
import { infoTests } from './warehouse-info.ts';
import { viewTests } from './warehouse-views.ts';

export interface WarehouseUnderTest {
  readonly warehouse: Warehouse;
  /** Closes it and opens the same place again, as another run of the program would. */
  reopen(): Promise<Warehouse>;
  close(): Promise<void>;
}

/** What every warehouse driver promises: each sentence of contract.ts. A new driver is done when this passes for it. */
export function testWarehouse(
  driver: string,
  open: () => Promise<WarehouseUnderTest>,
  gaps: WarehouseGaps = {},
): void {
  describe(`warehouse: ${driver}`, () => {
    const folder = tempFolder();
    let under: WarehouseUnderTest;
    let warehouse: Warehouse;
    const { holds, check } = gapTests(gaps);
    beforeAll(async () => {
      under = await open();
      warehouse = under.warehouse;
    });
    afterAll(async () => {
      await under?.close();
      check();
    });
    const endingMost = gaps.gzip === undefined ? '.json.gz' : '.json';
    const fileOf = (rows: readonly unknown[]) => rowsFile(folder, rows, endingMost);
    const counted = (rows: number) => ({ rows: gaps.counts === undefined ? rows : expect.any(Number) });
    let tables = 0;
    const made = async (more: Partial<TableSpec> = {}) => {
      tables += 1;
      const table = tableSpec(`t${tables}`, more);
      await warehouse.ensureTable(table);
      return table;
    };
    type Rows = readonly unknown[];
    const load = (table: TableSpec, rows: Rows, more: Partial<LoadRequest> = {}, ending = endingMost) =>
      warehouse.load(loadRequest(table, rowsFile(folder, rows, ending), more));
    const rowsOf = (table: TableSpec) =>
      warehouse.query(`SELECT * FROM ${warehouse.tableName(table.name)} ORDER BY ${table.key}`);
    const paths = async (table: TableSpec) => (await rowsOf(table)).map(({ path }) => path);

    describe('tables', () => {
      holds('a table is created once, and a dry run creates none', async () => {
        const table = tableSpec('made', { partitionBy: 'started', clusterBy: ['path'] });
        const dry = await warehouse.ensureTable(table, { dryRun: true });
        expect(dry).toEqual({ action: 'created', added: COLUMNS.map(({ name }) => name) });
        expect((await warehouse.ensureTable(table)).action).toBe('created');
        expect(await warehouse.ensureTable(table)).toEqual({ action: 'unchanged', added: [] });
        expect(await rowsOf(table)).toEqual([]);
      });
      holds('new columns are added, nested ones too, and old rows have none of them', async () => {
        const table = await made();
        await load(table, [{ path: 'old', test: [{ name: 'x' }] }]);
        const grown = { ...table, schema: grow(COLUMNS) };
        const added = ['test.flaky', 'more'];
        expect(await warehouse.ensureTable(grown, { dryRun: true })).toEqual({ action: 'extended', added });
        expect(await warehouse.ensureTable(grown)).toEqual({ action: 'extended', added });
        expect(await warehouse.ensureTable(grown)).toEqual({ action: 'unchanged', added: [] });
        await load(grown, [{ path: 'new', more: 'm', test: [{ name: 'y', flaky: true }] }]);
        const [first, second] = await rowsOf(grown);
        expect(first).toMatchObject({
          path: 'new',
          more: 'm',
          test: [{ name: 'y', time: null, flaky: true }],
        });
        expect(second).toMatchObject({
          path: 'old',
          more: null,
          test: [{ name: 'x', time: null, flaky: null }],
        });
      });
      holds('columns that only the table has are kept', async () => {
        const table = await made({ schema: [...COLUMNS, { name: 'theirs', type: 'STRING' }] });
        const ours = { ...table, schema: COLUMNS };
        expect((await warehouse.ensureTable(ours)).action).toBe('unchanged');
        await load(ours, [{ path: 'a' }]);
        expect(await rowsOf(ours)).toMatchObject([{ path: 'a', theirs: null }]);
      });
      holds('a change that would misread rows is refused with each difference', async () => {
        const table = await made();
        const changed = COLUMNS.map((field): Field => {
          if (field.name === 'number') return { ...field, type: 'STRING' };
          return field.name === 'test' ? { ...field, mode: 'NULLABLE' } : field;
        });
        const error = await errorOf(warehouse.ensureTable({ ...table, schema: changed }));
        expect(error.code).toBe('incompatible');
        expect(error.message).toContain('number: the table has INTEGER, the schema wants STRING');
        expect(error.message).toContain('test: the table has RECORD REPEATED, the schema wants RECORD');
        expect((await warehouse.ensureTable(table)).action).toBe('unchanged');
      });
    });

    describe('loads', () => {
      holds('rows are appended, from gzip and from plain files', async () => {
        const table = await made();
        expect(await load(table, [{ path: 'a' }, { path: 'b' }], {}, '.json.gz')).toEqual(counted(2));
        expect(await load(table, [{ path: 'c' }], {}, '.json')).toEqual(counted(1));
        expect(await paths(table)).toEqual(['a', 'b', 'c']);
      });
      holds('replace makes the file the whole table', async () => {
        const table = await made();
        await load(table, [{ path: 'a' }, { path: 'b' }]);
        expect(await load(table, [{ path: 'z' }], { replace: true })).toEqual(counted(1));
        expect(await paths(table)).toEqual(['z']);
        await load(table, [], { replace: true });
        expect(await paths(table)).toEqual([]);
      });
      holds('one job id loads once, whoever asks again', async () => {
        const table = await made();
        const request = loadRequest(table, fileOf([{ path: 'a' }, { path: 'b' }]));
        expect(await warehouse.loadState(request.jobId)).toEqual({ state: 'unknown' });
        expect(await warehouse.load(request)).toEqual(counted(2));
        expect(await warehouse.load(request)).toEqual(counted(2));
        warehouse = await under.reopen();
        expect(await warehouse.loadState(request.jobId)).toEqual({ state: 'done', ...counted(2) });
        expect(await warehouse.load(request)).toEqual(counted(2));
        expect(await paths(table)).toEqual(['a', 'b']);
      });
      holds('superseded keys lose their older rows, others stay', async () => {
        const table = await made();
        await load(table, [
          { path: 'a', number: 1 },
          { path: "b'\\", number: 1 },
          { path: 'c', number: 1 },
        ]);
        const news = [
          { path: 'a', number: 2 },
          { path: "b'\\", number: 2 },
        ];
        await load(table, news, { superseded: ['a', "b'\\", 'not there'] });
        const rows = (await rowsOf(table)).map(({ path, number }) => [path, number]);
        expect(rows).toEqual([
          ['a', 2],
          ["b'\\", 2],
          ['c', 1],
        ]);
      });
      holds('50,000 rows arrive', async () => {
        const table = await made();
        const rows = Array.from({ length: 50_000 }, (_, i) => ({
          path: `p${i}`,
          number: i,
          test: [{ name: 't' }],
        }));
        expect(await load(table, rows)).toEqual(counted(50_000));
        const name = warehouse.tableName(table.name);
        expect(await warehouse.query(`SELECT COUNT(*) AS found FROM ${name}`)).toEqual([{ found: 50_000 }]);
      });
    });

    describe('values', () => {
      holds('each type comes back, nothing as null, and no list as an empty one', async () => {
        const table = await made();
        const whole = { path: 'a', number: -7, elapsed: 1.25, passed: false, test: [{ name: 'x', time: 0 }] };
        await load(table, [whole, { path: 'b', number: null, test: null }, { path: 'c', test: [] }]);
        const none = { number: null, elapsed: null, passed: null, started: null, test: [] };
        const rows = [
          { ...whole, started: null },
          { path: 'b', ...none },
          { path: 'c', ...none },
        ];
        expect(await rowsOf(table)).toEqual(rows);
      });
      holds('text keeps every character', async () => {
        const table = await made();
        const texts = [
          '\u{1f525} 日本語',
          'quotes " \' ` \\ /',
          'line\nbreak\ttab',
          '\u001b[31mred',
          'e\u0301 é',
          ' ',
        ];
        await load(table, [{ path: 'a', test: texts.map((name) => ({ name, time: 1 })) }]);
        const [row] = await rowsOf(table);
        expect(row?.test).toEqual(texts.map((name) => ({ name, time: 1 })));
      });
      holds('whole numbers keep all 64 bits', async () => {
        const table = await made();
        const numbers = [
          '9223372036854775807',
          '-9223372036854775808',
          '9007199254740991',
          '1234567890123456789',
        ];
        await load(
          table,
          numbers.map((number, i) => `{"path":"${i}","number":${number}}`),
        );
        const read = (await rowsOf(table)).map(({ number }) => number);
        expect(read).toEqual([numbers[0], numbers[1], 9_007_199_254_740_991, numbers[3]]);
      });
      holds('timestamps are seconds since the epoch, and come back in ISO 8601', async () => {
        const table = await made({ partitionBy: 'started' });
        const started = [1_700_000_000, 0, -1];
        await load(
          table,
          started.map((time, i) => ({ path: String(i), started: time })),
        );
        const read = (await rowsOf(table)).map((row) => row.started);
        expect(read).toEqual([
          '2023-11-14T22:13:20.000Z',
          '1970-01-01T00:00:00.000Z',
          '1969-12-31T23:59:59.000Z',
        ]);
      });
      holds('timestamps are fractions of seconds and texts too', async () => {
        const table = await made();
        const noon = '2024-02-29 12:00:00';
        const started = [1_700_000_000.5, noon.replace(' ', 'T').concat('Z'), noon, `${noon}+02:00`];
        await load(
          table,
          started.map((time, i) => ({ path: String(i), started: time })),
        );
        expect((await rowsOf(table)).map((row) => row.started)).toEqual([
          '2023-11-14T22:13:20.500Z',
          '2024-02-29T12:00:00.000Z',
          '2024-02-29T12:00:00.000Z',
          '2024-02-29T10:00:00.000Z',
        ]);
      });
    });

    const tools = { holds, warehouse: () => warehouse, made, load };
    viewTests(tools);
    infoTests(tools);

    describe('refusals', () => {
      const REFUSED: readonly (readonly [string, unknown])[] = [
        ['an unknown field', { path: 'bad', other: 1 }],
        ['an unknown nested field', { path: 'bad', test: [{ name: 'x', other: 1 }] }],
        ['a text where a number belongs', { path: 'bad', number: 'seven' }],
        ['a fraction where a whole number belongs', { path: 'bad', number: 1.5 }],
        ['a record where a list belongs', { path: 'bad', test: { name: 'x' } }],
        ['a record where a text belongs', { path: { a: 1 } }],
        ['a line that is not JSON', '{"path":"bad"'],
      ];
      for (const [name, row] of REFUSED) {
        holds(`${name} refuses the whole file, and what was there stays`, async () => {
          const table = await made();
          await load(table, [{ path: 'before' }]);
          const request = loadRequest(table, fileOf([{ path: 'good' }, row]), {
            superseded: [],
            replace: true,
          });
          const error = await errorOf(warehouse.load(request));
          expect(error.code).toBe('malformed');
          expect(['failed', 'unknown']).toContain((await warehouse.loadState(request.jobId)).state);
          expect(await paths(table)).toEqual(['before']);
        });
      }
      holds('a table that was not made is missing', async () => {
        const request = loadRequest(tableSpec('never'), fileOf([{ path: 'a' }]));
        expect((await errorOf(warehouse.load(request))).code).toBe('missing');
      });
      holds('a file that is not there is missing', async () => {
        const table = await made();
        expect((await errorOf(warehouse.load(loadRequest(table, `${folder}/absent.json`)))).code).toBe(
          'missing',
        );
      });
      holds('a run that is ending gives up', async () => {
        const table = await made();
        const request = loadRequest(table, fileOf([{ path: 'a' }]));
        const error = await errorOf(warehouse.load(request, { signal: AbortSignal.abort() }));
        expect(error.code).toBe('aborted');
        expect(await paths(table)).toEqual([]);
      });
      it('names that could break out of a query are refused', () => {
        for (const name of ['', 'a`b', 'a"b', 'a;b', 'a.b', "a'b", 'x'.repeat(1025)])
          expect(() => warehouse.tableName(name), name).toThrow(expect.objectContaining({ code: 'config' }));
      });
    });
  });
}
