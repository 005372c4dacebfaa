import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { demoHistories, RECORDED_UNTIL_MS } from '../../pipeline/demo/mutation-history.ts';
import { runDemo } from '../../pipeline/jobs/mutation-demo.ts';
import { openBucketLog } from '../../pipeline/mutation-log/bucket-log.ts';
import { openLogWriter } from '../../pipeline/mutation-log/writer.ts';
import { demoText } from '../../pipeline/show/mutation-tools-demo.ts';
import { fileBucket } from '../support/mutation-logs.ts';
import { TABLES, testTables } from '../support/mutation-tables.ts';
import { NOW_MS } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();

test('the demo goes the whole way, and a second run adds nothing', async () => {
  const { context } = await testTables(folder);
  const bucket = fileBucket(folder, 'demo');
  const run = () =>
    runDemo({
      tables: context,
      configured: TABLES,
      histories: demoHistories(),
      destination: ({ owner, name }) => {
        const prefix = `mutation-log/${owner}/${name}/`;
        const wal = join(folder, 'wal', owner, name);
        return {
          log: openBucketLog(bucket, prefix),
          openWriter: () => openLogWriter({ bucket, prefix, folder: wal, nowMs: () => NOW_MS }),
          discard: () => rm(wal, { recursive: true }),
        };
      },
      asOfMs: RECORDED_UNTIL_MS,
    });
  const mutations = demoHistories().reduce((sum, one) => sum + one.mutations.length, 0);
  const first = await run();
  expect([first.added, first.replayed]).toEqual([mutations, mutations]);
  expect(first.rows).toBeGreaterThan(mutations);
  for (const { log, issues, pulls, comments } of first.repositories) {
    expect(log?.bytesBehind).toBe(0);
    expect(Math.min(issues, pulls, comments)).toBeGreaterThan(10);
  }
  for (const { name, rows } of first.queries) expect([name, rows.length > 2]).toEqual([name, true]);
  const second = await run();
  expect([second.added, second.replayed, second.rows]).toEqual([0, 0, 0]);
  expect(second.queries).toEqual(first.queries);
  const text = demoText(second, { logs: 'demo/mutation-log', settings: 'demo/mutation-log.yaml' });
  expect(text).toMatch(/^Nothing new/);
  expect(text).toContain('samovar mutation-log slo --config demo/mutation-log.yaml');
});
