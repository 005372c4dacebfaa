import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  Appender,
  AppendPlace,
  EncodedRow,
  TableSpec,
  Warehouse,
} from '../../pipeline/backends/warehouse/contract.ts';
import {
  appendRow,
  appendSpec,
  COLUMNS,
  errorOf,
  gapTests,
  type WarehouseGaps,
} from '../support/warehouse-files.ts';
import { appenderValueTests } from './appender-values.ts';

export interface AppenderUnderTest {
  readonly warehouse: Warehouse;
  /** What the next append meets: its rows are taken and the answer is lost, or nobody ever answers. */
  readonly fault?: (what: 'lost' | 'silent') => void;
  close(): Promise<void>;
}

export interface AppenderSuite {
  readonly server: string;
  readonly kind: Appender['kind'];
  /** True where `open` gives a `fault`. */
  readonly faulty: boolean;
  readonly gaps?: WarehouseGaps;
}

const GOOD = { refused: [], tooLarge: [] };

/** What every appender promises: each sentence of contract.ts. */
export function testAppender(suite: AppenderSuite, open: () => Promise<AppenderUnderTest>): void {
  const { server, kind, faulty, gaps = {} } = suite;
  const exact = kind !== 'insert-all';
  describe(`appender: ${kind} on ${server}`, () => {
    let under: AppenderUnderTest;
    let warehouse: Warehouse;
    let appender: Appender;
    const { holds, check } = gapTests(gaps);
    beforeAll(async () => {
      under = await open();
      warehouse = under.warehouse;
      appender = warehouse.appender(kind);
    });
    afterAll(async () => {
      await under?.close();
      check();
    });
    let tables = 0;
    const made = async (schema = COLUMNS): Promise<TableSpec> => {
      tables += 1;
      const table = appendSpec(`a${tables}`, schema);
      await warehouse.ensureTable(table);
      return table;
    };
    const encoded = (table: TableSpec, rows: readonly unknown[]) =>
      rows.map((row) => appender.encode(table, appendRow(row)));
    const append = (table: TableSpec, place: AppendPlace, rows: readonly EncodedRow[]) =>
      appender.append({ table, place, rows });
    /** Appends at a place of its own. */
    const put = async (table: TableSpec, rows: readonly unknown[]) =>
      append(table, await appender.open(table), encoded(table, rows));
    const rowsOf = (table: TableSpec) =>
      warehouse.query(`SELECT * FROM ${warehouse.tableName(table.name)} ORDER BY ${table.key}`);
    const count = async (table: TableSpec) => {
      const name = warehouse.tableName(table.name);
      return (await warehouse.query(`SELECT COUNT(*) AS found FROM ${name}`))[0]?.found;
    };
    const named = (count: number, from = 0) =>
      Array.from({ length: count }, (_, i) => ({ path: `p${String(from + i).padStart(6, '0')}` }));

    appenderValueTests({ holds, warehouse: () => warehouse, appender: () => appender, made, put, rowsOf });

    describe('places', () => {
      holds('appends follow each other, and none is nothing', async () => {
        const table = await made();
        const place = await appender.open(table);
        expect(await append(table, place, [])).toEqual(GOOD);
        for (const offset of [0, 2, 4])
          await append(table, { ...place, offset }, encoded(table, named(2, offset)));
        expect((await rowsOf(table)).map(({ path }) => path)).toEqual(named(6).map(({ path }) => path));
      });
      if (exact) {
        holds('the same rows at the same place are in once, however often they are sent', async () => {
          const table = await made();
          const place = await appender.open(table);
          const rows = encoded(table, named(3));
          for (let times = 0; times < 3; times += 1) expect(await append(table, place, rows)).toEqual(GOOD);
          await append(table, { ...place, offset: 3 }, encoded(table, named(1, 3)));
          expect(await append(table, place, rows)).toEqual(GOOD);
          expect(await count(table)).toBe(4);
        });
        holds('a place that is settled says how many rows it has had, and takes no more', async () => {
          const table = await made();
          const [place, empty] = [await appender.open(table), await appender.open(table)];
          await append(table, place, encoded(table, named(3)));
          expect(await appender.settle(place)).toBe(3);
          expect(await appender.settle(place)).toBe(3);
          expect(await appender.settle(empty)).toBe(0);
          const late = append(table, { ...place, offset: 3 }, encoded(table, named(1)));
          expect((await errorOf(late)).code).toBe('conflict');
          expect(await count(table)).toBe(3);
        });
        holds('of a place that never was nobody can tell', async () => {
          const place = await appender.open(await made());
          expect(await appender.settle({ ...place, stream: `${place.stream}0` })).toBeUndefined();
        });
        holds('rows past the end of a place are a conflict, and not in', async () => {
          const table = await made();
          const place = await appender.open(table);
          const error = await errorOf(append(table, { ...place, offset: 5 }, encoded(table, named(1))));
          expect(error.code).toBe('conflict');
          expect(await count(table)).toBe(0);
        });
      } else
        holds('nobody can tell how many rows a place has had', async () => {
          const place = await appender.open(await made());
          expect(place).toEqual({ stream: '', offset: 0 });
          expect(await appender.settle(place)).toBeUndefined();
        });
      it('the guarantee is said', () =>
        expect(appender.guarantee).toBe(exact ? 'exactly-once' : 'at-least-once'));
    });

    describe('refusals', () => {
      holds('rows the table can never take are named, and none of their append is in', async () => {
        const strict = await made(
          COLUMNS.map((field) => (field.name === 'number' ? { ...field, mode: 'REQUIRED' } : field)),
        );
        const lax = appendSpec(strict.name);
        const place = await appender.open(lax);
        const rows = named(5).map((row, i) => (i === 1 || i === 3 ? row : { ...row, number: i }));
        const { refused } = await append(lax, place, encoded(lax, rows));
        expect(refused.map(({ index }) => index)).toEqual([1, 3]);
        for (const { reason } of refused) expect(reason).toMatch(/number/);
        expect(await count(lax)).toBe(0);
        const good = rows.filter((_, i) => i !== 1 && i !== 3);
        expect(await append(lax, place, encoded(lax, good))).toEqual(GOOD);
        expect(await count(lax)).toBe(3);
      });
      it.each([
        ['an unknown field', { path: 'bad', other: 1 }],
        ['an unknown nested field', { path: 'bad', test: [{ name: 'x', other: 1 }] }],
        ['a text where a number belongs', { path: 'bad', number: 'seven' }],
        ['a fraction where a whole number belongs', { path: 'bad', number: 1.5 }],
        ['a record where a list belongs', { path: 'bad', test: { name: 'x' } }],
        ['a null in a list', { path: 'bad', test: [null] }],
        ['a time past the year 9999', { path: 'bad', started: 253_402_300_800 }],
        ['a line that is not JSON', '{"path":"bad"'],
        ['a line that is no object', '[]'],
      ])('%s is malformed before it is sent, and its key is named', (_what, row) => {
        const table = appendSpec('never');
        const encode = () => appender.encode(table, { ...appendRow(row), key: 'the-key' });
        expect(encode).toThrow(expect.objectContaining({ code: 'malformed', subject: 'the-key' }));
      });
      it('a row past the limit is too large before it is sent', () => {
        const row = { path: 'big', test: [{ name: 'x'.repeat(appender.limits.bytesMax) }] };
        const encode = () => appender.encode(appendSpec('never'), appendRow(row));
        expect(encode).toThrow(expect.objectContaining({ code: 'too-large', subject: 'big' }));
      });
      holds('a table that was not made is missing', async () => {
        expect((await errorOf(put(appendSpec('never'), [{ path: 'a' }]))).code).toBe('missing');
      });
    });

    describe('limits', () => {
      holds('as many rows as allowed are taken at once', async () => {
        const table = await made();
        expect(await put(table, named(appender.limits.rowsMax))).toEqual(GOOD);
        expect(await count(table)).toBe(appender.limits.rowsMax);
      });
      holds('as many bytes as allowed are taken at once', async () => {
        const table = await made();
        const { bytesMax } = appender.limits;
        const filled = (bytes: number, i = 0) => ({
          path: String(10 + i),
          test: [{ name: 'x'.repeat(bytes) }],
        });
        const sizeOf = (bytes: number) =>
          encoded(table, [filled(bytes)]).reduce((sum, row) => sum + row.bytes, 0);
        const part = 1_000_000;
        const parts = Math.floor(bytesMax / sizeOf(part));
        const rest = bytesMax - parts * sizeOf(part);
        const last = rest - (sizeOf(part) - part) - 8;
        const rows = encoded(table, [
          ...Array.from({ length: parts }, (_, i) => filled(part, i)),
          filled(last, parts),
        ]);
        const bytes = rows.reduce((sum, row) => sum + row.bytes, 0);
        expect(bytes).toBeLessThanOrEqual(bytesMax);
        expect(bytes).toBeGreaterThan(bytesMax - 100);
        expect(await append(table, await appender.open(table), rows)).toEqual(GOOD);
        expect(await count(table)).toBe(rows.length);
      });
    });

    describe('ends', () => {
      it('a run that is ending gives up', async () => {
        const table = await made();
        const [place, rows] = [await appender.open(table), encoded(table, named(1))];
        const signal = AbortSignal.abort();
        expect((await errorOf(appender.append({ table, place, rows }, { signal }))).code).toBe('aborted');
        if (exact) {
          expect((await errorOf(appender.open(table, { signal }))).code).toBe('aborted');
          expect((await errorOf(appender.settle(place, { signal }))).code).toBe('aborted');
        }
        expect(await count(table)).toBe(0);
        expect(await append(table, place, rows)).toEqual(GOOD);
      });
      if (!faulty) return;
      it('a lost answer leaves the outcome open, and the same append settles it', async () => {
        const table = await made();
        const [place, rows] = [await appender.open(table), encoded(table, named(3))];
        under.fault?.('lost');
        expect((await errorOf(append(table, place, rows))).code).toBe('network');
        expect(await append(table, place, rows)).toEqual(GOOD);
        expect(await count(table)).toBe(3);
      });
      it('no answer is a timeout, and the same append settles it', async () => {
        const table = await made();
        const [place, rows] = [await appender.open(table), encoded(table, named(3))];
        under.fault?.('silent');
        const late = appender.append({ table, place, rows }, { timeoutMs: 1_500 });
        expect((await errorOf(late)).code).toBe('timeout');
        expect(await append(table, place, rows)).toEqual(GOOD);
        expect(await count(table)).toBe(3);
      });
      it('a run that ends does not wait for an answer', async () => {
        const table = await made();
        const [place, rows] = [await appender.open(table), encoded(table, named(3))];
        under.fault?.('silent');
        const ending = new AbortController();
        const appending = appender.append({ table, place, rows }, { signal: ending.signal });
        setTimeout(() => ending.abort(), 100);
        expect((await errorOf(appending)).code).toBe('aborted');
      });
    });
  });
}
