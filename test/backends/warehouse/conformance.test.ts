import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWarehouse } from '../../../pipeline/backends/warehouse/index.ts';
import { testWarehouse } from '../../conformance/warehouse.ts';

const OPTIONS = { timeoutMs: 20_000, loadTimeoutMs: 60_000 };

testWarehouse('duckdb:', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'warehouse-'));
  const open = () => openWarehouse(`duckdb:${directory}/deep/it's here.duckdb`, OPTIONS);
  let warehouse = await open();
  return {
    warehouse,
    reopen: async () => {
      await warehouse.close();
      warehouse = await open();
      return warehouse;
    },
    close: async () => {
      await warehouse.close();
      await rm(directory, { recursive: true });
    },
  };
});
