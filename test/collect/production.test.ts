import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { loadRoots } from '../../pipeline/config/buckets.ts';
import { snowflakeAt } from '../../pipeline/records/ids.ts';
import { collect, storedRows } from '../support/collect.ts';
import { startGcsServer } from '../support/gcs-server.ts';
import { junitXml, prowBucket } from '../support/prow.ts';
import { NOW_MS, testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();

it('the shipped production configuration collects its public bucket without credentials, by documented requests only', async () => {
  // The server answers 400 to any query parameter that the documentation does not list.
  const server = await startGcsServer();
  onTestFinished(() => server.close());
  const url = 'gs://kubernetes-ci-logs';
  const prow = prowBucket((name, bytes) => void server.put(`kubernetes-ci-logs/${name}`, bytes), url);
  const build = {
    started: { timestamp: NOW_MS / 1000 - 90_000 },
    finished: { timestamp: NOW_MS / 1000 - 87_000, passed: true, result: 'SUCCESS' },
    files: { 'artifacts/junit_runner.xml': junitXml({ passed: 1 }), 'artifacts/nodes/kubelet.log': 'x' },
  };
  const id = snowflakeAt(NOW_MS - 90_000_000);
  for (const job of ['ci-kubernetes-unit', 'ci-kubernetes-coverage-unit', 'ci-some-flaky-thing'])
    prow.build(job, id, build);
  prow.presubmit('kubernetes_kubernetes', 123_456, 'pull-kubernetes-unit', id, build);

  const roots = await loadRoots(fileURLToPath(new URL('../../config/buckets.yaml', import.meta.url)));
  const store = testStore(temp);
  const { result, stats } = await collect(store, roots, {}, { endpoint: server.endpoint });
  expect(result.failures).toEqual([]);
  expect(stats.failures).toBe(0);
  expect(storedRows(store).map(({ job, path }) => [job, path.startsWith(`${url}/`)])).toEqual([
    ['ci-kubernetes-unit', true],
    ['pr:pull-kubernetes-unit', true],
  ]);
  expect(server.log.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
  expect(
    server.log.map(({ query }) => Number(query.get('maxResults') ?? 5_000)).every((size) => size >= 1_000),
  ).toBe(true);
});
