import { expect, it, onTestFinished } from 'vitest';
import { openBucket } from '../../pipeline/backends/bucket/index.ts';
import { METRIC_QUERIES } from '../../pipeline/queries/index.ts';
import { duckDbOf } from '../queries/demo-table.ts';
import { cli } from '../support/cli.ts';
import { startGcsServer } from '../support/gcs-server.ts';
import { tempFolder } from '../support/temp.ts';

it('samovar metrics writes into a bucket of Cloud Storage, and again over what is there', async () => {
  const gcs = await startGcsServer();
  onTestFinished(() => gcs.close());
  gcs.put('metrics/other', 'a bucket is there once something is in it');
  const bucket = openBucket('gs://metrics', { timeoutMs: 10_000, connections: 2, endpoint: gcs.endpoint });
  onTestFinished(() => bucket.close());
  const cwd = tempFolder();
  const started = Math.round(Date.now() / 1000) - 48 * 3600;
  const warehouse = await duckDbOf(cwd, [
    {
      ...{ started, finished: started + 60, elapsed: 60, number: 1, job: 'ci-a', path: 'gs://b/logs/ci-a/1' },
      ...{ passed: false, result: 'FAILURE', tests_run: 1, tests_failed: 0, metadata: [], test: [] },
    },
  ]);
  await warehouse.close();
  for (let round = 0; round < 2; round += 1) {
    const args = ['metrics', '--out', 'gs://metrics/ci/', '--warehouse', 'duckdb:demo.duckdb'];
    const { code, stderr } = await cli(args, { cwd, env: { STORAGE_EMULATOR_HOST: gcs.endpoint } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  }
  for (const { name } of METRIC_QUERIES) {
    const read = await bucket.read(`ci/${name}-latest.json`);
    if (typeof read !== 'object') throw new Error(`${name} is not there`);
    expect(() => JSON.parse(Buffer.from(read.bytes).toString()), name).not.toThrow();
  }
}, 120_000);
