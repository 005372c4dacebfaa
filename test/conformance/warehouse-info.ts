import { describe, expect } from 'vitest';
import type { Warehouse } from '../../pipeline/backends/warehouse/contract.ts';
import type { ViewTools } from './warehouse-views.ts';

const DAY_MS = 86_400_000;

/** What every driver promises of a table's size and age. */
export function infoTests({ holds, warehouse, made, load }: ViewTools): void {
  const info = (name: string): ReturnType<Warehouse['tableInfo']> => warehouse().tableInfo(name);

  describe('size and age', () => {
    holds('a table that is not there has none', async () => {
      expect(await info('never_made')).toBeUndefined();
    });
    holds('a table tells its rows and when it was loaded', async () => {
      const table = await made();
      expect((await info(table.name))?.rows).toBe(0);
      await load(table, [{ path: 'a' }, { path: 'b' }]);
      const found = await info(table.name);
      expect(found?.rows).toBe(2);
      expect(Math.abs((found?.modifiedMs ?? 0) - Date.now())).toBeLessThan(DAY_MS);
      expect(found?.bytes === undefined || found.bytes >= 0).toBe(true);
    });
  });
}
