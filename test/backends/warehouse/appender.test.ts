import { describe, expect, it } from 'vitest';
import type { Appender } from '../../../pipeline/backends/warehouse/contract.ts';
import { openWarehouse } from '../../../pipeline/backends/warehouse/index.ts';
import { testAppender } from '../../conformance/appender.ts';
import { startBigQueryFake } from '../../support/bigquery-fake.ts';
import { emulatorOrSkip, startBigQueryEmulator } from '../../support/emulators.ts';
import type { WarehouseGaps } from '../../support/warehouse-files.ts';

const OPTIONS = { timeoutMs: 20_000, loadTimeoutMs: 60_000 };
const KINDS: readonly Appender['kind'][] = ['insert-all', 'storage-write'];
/** As seen on 0.8.1. */
const NO_MODES = 'it takes nulls for REQUIRED columns';
const NO_OFFSETS = 'it does not look at offsets';
const EMULATOR_GAPS: Readonly<Record<Appender['kind'], WarehouseGaps>> = {
  'insert-all': {
    tests: { 'rows the table can never take are named, and none of their append is in': NO_MODES },
  },
  'storage-write': {
    tests: {
      'rows the table can never take are named, and none of their append is in': NO_MODES,
      'the same rows at the same place are in once, however often they are sent': NO_OFFSETS,
      'rows past the end of a place are a conflict, and not in': NO_OFFSETS,
      'a place that is settled says how many rows it has had, and takes no more':
        'it counts no rows of committed streams',
      'of a place that never was nobody can tell': 'its errors have no status',
      'a table that was not made is missing': 'its errors have no status',
      'as many bytes as allowed are taken at once': 'it takes 4 MiB',
    },
  },
};

for (const kind of KINDS)
  testAppender({ server: 'a strict server', kind, faulty: true }, async () => {
    const server = await startBigQueryFake();
    const { endpoint, storageWriteEndpoint, storageWrite, faults } = server;
    const warehouse = await openWarehouse('bigquery:fake-project:fake', {
      ...OPTIONS,
      endpoint,
      storageWriteEndpoint,
    });
    return {
      warehouse,
      fault(what) {
        const lost = what === 'lost' ? 1 : 0;
        if (kind === 'insert-all') Object.assign(faults, { lostInserts: lost, silentInserts: 1 - lost });
        else Object.assign(storageWrite.faults, { lostAppends: lost, stalledAppends: 1 - lost });
      },
      async close() {
        await warehouse.close();
        await server.stop();
      },
    };
  });

const found = emulatorOrSkip('bigquery');
for (const kind of KINDS)
  if ('skip' in found)
    describe.skip(`appender: ${kind} on the emulator (${found.skip})`, () =>
      it('passes the suite', () => {}));
  else
    testAppender({ server: 'the emulator', kind, faulty: false, gaps: EMULATOR_GAPS[kind] }, async () => {
      const emulator = await startBigQueryEmulator();
      const warehouse = await openWarehouse(`bigquery:${emulator.project}:${emulator.dataset}`, {
        ...OPTIONS,
        endpoint: emulator.endpoint,
        storageWriteEndpoint: emulator.grpcEndpoint,
      });
      return {
        warehouse,
        async close() {
          await warehouse.close();
          await emulator.stop();
        },
      };
    });

describe('DuckDB', () => {
  it.each(KINDS)('has no %s, and says which way to write it has', async (kind) => {
    const warehouse = await openWarehouse('duckdb::memory:', OPTIONS);
    expect(() => warehouse.appender(kind)).toThrow(
      expect.objectContaining({ code: 'config', remedy: expect.stringContaining('writer: load') }),
    );
    await warehouse.close();
  });
});
