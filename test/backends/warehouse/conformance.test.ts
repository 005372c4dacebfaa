import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { openWarehouse } from '../../../pipeline/backends/warehouse/index.ts';
import { testWarehouse } from '../../conformance/warehouse.ts';
import { startBigQueryFake } from '../../support/bigquery-fake.ts';
import { emulatorOrSkip, startBigQueryEmulator } from '../../support/emulators.ts';
import type { WarehouseGaps } from '../../support/warehouse-files.ts';

/** As seen on 0.8.1. It makes a job before it reads the file, and a job whose file it cannot read ends as if it had. */
const LOOKS_DONE = 'a job that failed looks like one that succeeded';
const EMULATOR_GAPS: WarehouseGaps = {
  gzip: 'it reads an uploaded file as it is',
  counts: 'its jobs have no statistics',
  random: Object.fromEntries(
    ['each type comes back, nothing as null, and no list as an empty one', 'text keeps every character'].map(
      (name) => [name, 'a server that keeps the order of the fields in a record'],
    ),
  ),
  tests: {
    'rows are appended, from gzip and from plain files': 'it reads no gzip',
    'new columns are added, nested ones too, and old rows have none of them':
      'it changes the schema, not what it stores',
    'a view is made once, and made anew when its query changes':
      'it changes what it says of a view, not the view',
    'new columns of the table are in the view': 'it changes the schema, not what it stores',
    'timestamps are seconds since the epoch, and come back in ISO 8601':
      'it takes only texts for a TIMESTAMP',
    'timestamps are fractions of seconds and texts too': 'it takes only texts for a TIMESTAMP',
    'a table tells its rows and when it was loaded': 'its tables have no sizes',
    'a table that was not made is missing': LOOKS_DONE,
    ...Object.fromEntries(
      [
        'an unknown field',
        'an unknown nested field',
        'a text where a number belongs',
        'a fraction where a whole number belongs',
        'a record where a list belongs',
        'a record where a text belongs',
        'a line that is not JSON',
      ].map((what) => [`${what} refuses the whole file, and what was there stays`, LOOKS_DONE]),
    ),
  },
};
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

testWarehouse('bigquery: on a strict server', async () => {
  const server = await startBigQueryFake();
  const open = () => openWarehouse('bigquery:fake-project:fake', { ...OPTIONS, endpoint: server.endpoint });
  return { warehouse: await open(), reopen: open, close: server.stop };
});

const found = emulatorOrSkip('bigquery');
if ('skip' in found)
  describe.skip(`warehouse: bigquery: on the emulator (${found.skip})`, () =>
    it('passes the suite', () => {}));
else
  testWarehouse(
    'bigquery: on the emulator',
    async () => {
      const emulator = await startBigQueryEmulator();
      const url = `bigquery:${emulator.project}:${emulator.dataset}`;
      const open = () => openWarehouse(url, { ...OPTIONS, endpoint: emulator.endpoint });
      return { warehouse: await open(), reopen: open, close: emulator.stop };
    },
    EMULATOR_GAPS,
  );
