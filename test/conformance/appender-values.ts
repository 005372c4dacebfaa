import { describe, expect } from 'vitest';
import type { Appender, TableSpec, Warehouse } from '../../pipeline/backends/warehouse/contract.ts';
import { appendRow, COLUMNS, type GapTests, WRITTEN_MS } from '../support/warehouse-files.ts';

export interface ValueTools {
  readonly holds: GapTests['holds'];
  warehouse(): Warehouse;
  appender(): Appender;
  /** A table of its own. */
  made(): Promise<TableSpec>;
  /** Appends at a place of its own. */
  put(table: TableSpec, rows: readonly unknown[]): Promise<unknown>;
  rowsOf(table: TableSpec): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

const GOOD = { refused: [], tooLarge: [] };

/** What every appender promises of the values it brings in. */
export function appenderValueTests({ holds, warehouse, appender, made, put, rowsOf }: ValueTools): void {
  describe('values', () => {
    holds('each type comes back, nothing as null, and no list as an empty one', async () => {
      const table = await made();
      const whole = { path: 'a', number: -7, elapsed: 1.25, passed: false };
      const test = [
        { name: 'x', time: 0 },
        { name: 'y', time: null },
      ];
      expect(
        await put(table, [{ ...whole, test }, { path: 'b', number: null, test: null }, { path: 'c' }]),
      ).toEqual(GOOD);
      const none = { number: null, elapsed: null, passed: null, started: null, test: [] };
      expect(await rowsOf(table)).toMatchObject([
        { ...whole, test, started: null },
        { path: 'b', ...none },
        { path: 'c', ...none },
      ]);
    });
    holds('the version and the time of writing stand in columns of their own', async () => {
      const table = await made();
      const rows = [appendRow({ path: 'a' }, 7), appendRow({ path: 'b' }, 8_589_934_593)];
      const place = await appender().open(table);
      await appender().append({ table, place, rows: rows.map((row) => appender().encode(table, row)) });
      const row_written = new Date(WRITTEN_MS).toISOString();
      expect(await rowsOf(table)).toMatchObject([
        { path: 'a', row_version: 7, row_written },
        { path: 'b', row_version: 8_589_934_593, row_written },
      ]);
    });
    holds('a table without these columns gets the rows all the same', async () => {
      const table = { ...(await made()), name: 'bare', schema: COLUMNS };
      await warehouse().ensureTable(table);
      expect(await put(table, [{ path: 'a' }])).toEqual(GOOD);
      expect(await rowsOf(table)).toMatchObject([{ path: 'a', number: null }]);
    });
    holds('text keeps every character; half a character becomes a replacement', async () => {
      const table = await made();
      const texts = [
        '\u{1f525} 日本語',
        'quotes " \' ` \\ /',
        'line\nbreak\ttab',
        '\u001b[31m\u0000red',
        'e\u0301 é',
        ' ',
      ];
      await put(table, [{ path: 'a', test: [...texts, '\ud83d half'].map((name) => ({ name })) }]);
      const [row] = await rowsOf(table);
      expect(row?.test).toMatchObject([...texts, '\ufffd half'].map((name) => ({ name })));
    });
    holds('whole numbers keep all 64 bits, and texts their digits', async () => {
      const table = await made();
      const numbers = [
        '9223372036854775807',
        '-9223372036854775808',
        '9007199254740991',
        '1234567890123456789',
      ];
      await put(
        table,
        numbers.map((number, i) => `{"path":"${i}","number":${number},"test":[{"name":"\\":${number},"}]}`),
      );
      const rows = await rowsOf(table);
      expect(rows.map(({ number }) => number)).toEqual([
        numbers[0],
        numbers[1],
        9_007_199_254_740_991,
        numbers[3],
      ]);
      expect(rows[3]?.test).toMatchObject([{ name: `":${numbers[3]},` }]);
    });
    holds('timestamps are seconds since the epoch, fractions of them, and texts', async () => {
      const table = await made();
      const noon = '2024-02-29 12:00:00';
      const started = [
        1_700_000_000,
        -1,
        1_700_000_000.5,
        noon.replace(' ', 'T').concat('Z'),
        noon,
        `${noon}+02:00`,
      ];
      await put(
        table,
        started.map((time, i) => ({ path: String(i), started: time })),
      );
      expect((await rowsOf(table)).map((row) => row.started)).toEqual([
        '2023-11-14T22:13:20.000Z',
        '1969-12-31T23:59:59.000Z',
        '2023-11-14T22:13:20.500Z',
        '2024-02-29T12:00:00.000Z',
        '2024-02-29T12:00:00.000Z',
        '2024-02-29T10:00:00.000Z',
      ]);
    });
  });
}
