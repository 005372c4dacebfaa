import { describe, expect } from 'vitest';
import type { TableSpec, Warehouse } from '../../pipeline/backends/warehouse/contract.ts';
import { errorOf, type GapTests, tableSpec } from '../support/warehouse-files.ts';

export interface ViewTools {
  readonly holds: GapTests['holds'];
  warehouse(): Warehouse;
  /** A table of its own. */
  made(more?: Partial<TableSpec>): Promise<TableSpec>;
  load(table: TableSpec, rows: readonly unknown[]): Promise<unknown>;
}

const COLUMNS = ['number', 'elapsed'];

/** What every driver promises of views with one row per key. */
export function viewTests({ holds, warehouse, made, load }: ViewTools): void {
  const rowsOf = async (name: string) => {
    const rows = await warehouse().query(`SELECT * FROM ${warehouse().tableName(name)} ORDER BY path`);
    return rows.map(({ path, number, elapsed }) => [path, number, elapsed]);
  };

  describe('views', () => {
    holds('a view shows the newest row of each key, by the first column that differs', async () => {
      const table = await made();
      const view = { name: 'latest_1', table, columns: COLUMNS };
      await load(table, [
        { path: 'a', number: 1, elapsed: 9 },
        { path: 'a', number: 2, elapsed: 1 },
        { path: 'a', number: 2, elapsed: 3 },
        { path: 'b', elapsed: 5 },
        { path: 'b', number: -1 },
        { path: 'c' },
      ]);
      expect(await warehouse().ensureLatestView(view)).toBe(true);
      expect(await rowsOf('latest_1')).toEqual([
        ['a', 2, 3],
        ['b', -1, null],
        ['c', null, null],
      ]);
      await load(table, [{ path: 'a', number: 10 }]);
      expect((await rowsOf('latest_1'))[0]).toEqual(['a', 10, null]);
    });
    holds('a view is made once, and made anew when its query changes', async () => {
      const table = await made();
      const view = { name: 'latest_2', table, columns: COLUMNS };
      expect(await warehouse().ensureLatestView(view)).toBe(true);
      expect(await warehouse().ensureLatestView(view)).toBe(false);
      await load(table, [
        { path: 'a', number: 1, elapsed: 9 },
        { path: 'a', number: 2, elapsed: 1 },
      ]);
      const other = { ...view, columns: ['elapsed'] };
      expect(await warehouse().ensureLatestView(other, { dryRun: true })).toBe(true);
      expect(await rowsOf('latest_2')).toEqual([['a', 2, 1]]);
      expect(await warehouse().ensureLatestView(other)).toBe(true);
      expect(await rowsOf('latest_2')).toEqual([['a', 1, 9]]);
      expect(await warehouse().ensureLatestView(other)).toBe(false);
    });
    holds('columns the table does not have are passed over; with none left there is no view', async () => {
      const table = await made();
      const view = { name: 'latest_3', table, columns: ['row_version', 'number', 'none'] };
      expect(await warehouse().ensureLatestView(view)).toBe(true);
      await load(table, [
        { path: 'a', number: 1 },
        { path: 'a', number: 2 },
      ]);
      expect(await rowsOf('latest_3')).toEqual([['a', 2, null]]);
      const error = await errorOf(warehouse().ensureLatestView({ ...view, columns: ['none'] }));
      expect(error.code).toBe('config');
    });
    holds('new columns of the table are in the view', async () => {
      const table = await made();
      const view = { name: 'latest_4', table, columns: COLUMNS };
      await warehouse().ensureLatestView(view);
      const grown = { ...table, schema: [...table.schema, { name: 'more', type: 'STRING' as const }] };
      await warehouse().ensureTable(grown);
      await warehouse().ensureLatestView({ ...view, table: grown });
      await load(grown, [{ path: 'a', more: 'm' }]);
      const name = warehouse().tableName('latest_4');
      expect(await warehouse().query(`SELECT * FROM ${name} ORDER BY path`)).toMatchObject([
        { path: 'a', more: 'm' },
      ]);
    });
    holds('a dry run makes no view, and needs no table', async () => {
      const view = { name: 'latest_5', table: tableSpec('not_yet'), columns: COLUMNS };
      expect(await warehouse().ensureLatestView(view, { dryRun: true })).toBe(true);
      expect(await warehouse().ensureLatestView({ ...view, table: await made() }, { dryRun: true })).toBe(
        true,
      );
      expect((await errorOf(warehouse().ensureLatestView(view))).code).toBe('missing');
      await errorOf(rowsOf('latest_5'));
    });
    holds('a table of the name is a conflict, and stays', async () => {
      const [table, taken] = [await made(), await made()];
      await load(taken, [{ path: 'a' }]);
      for (const dryRun of [true, false]) {
        const view = { name: taken.name, table, columns: COLUMNS };
        expect((await errorOf(warehouse().ensureLatestView(view, { dryRun }))).code).toBe('conflict');
      }
      expect(await rowsOf(taken.name)).toEqual([['a', null, null]]);
    });
  });
}
