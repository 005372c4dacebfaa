import { expect, test } from 'vitest';
import { archivePrefix, archiveTime } from '../../pipeline/mutation-log/archive.ts';
import { findLogs } from '../../pipeline/mutation-log/discover.ts';
import { fileBucket } from '../support/mutation-logs.ts';
import { NOW_MS } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();

test('archives at the root of a bucket are no repositories, and an owner of that name has some', async () => {
  const bucket = fileBucket(folder, 'root');
  const archived = archivePrefix(archiveTime(NOW_MS), 'o/r/');
  for (const prefix of ['o/r/', archived, 'archive/tools/'])
    await bucket.write(`${prefix}manifest.json`, Buffer.from('{}'));
  expect(await findLogs(bucket, '')).toEqual(['archive/tools', 'o/r']);
});

test('archives lie beside the logs that are below a prefix', async () => {
  const bucket = fileBucket(folder, 'below');
  for (const prefix of ['logs/o/r/', archivePrefix(archiveTime(NOW_MS), 'logs/o/r/')])
    await bucket.write(`${prefix}manifest.json`, Buffer.from('{}'));
  expect(await findLogs(bucket, 'logs/')).toEqual(['o/r']);
  expect(await findLogs(bucket, 'nothing/')).toEqual([]);
});
