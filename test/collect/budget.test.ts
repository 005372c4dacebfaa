import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../pipeline/backends/bucket/contract.ts';
import { snowflakeAt } from '../../pipeline/records/ids.ts';
import { collect, root, storedRows } from '../support/collect.ts';
import { junitXml, prowFolder } from '../support/prow.ts';
import { NOW_MS, testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();
const LARGE = 'ci-large';
let release: (() => void)[] = [];
afterEach(() => {
  for (const go of release) go();
  release = [];
});

/** Three builds of ordinary size and one with a file of 2 MB. */
function bucketOf(): string {
  const folder = mkdtempSync(join(temp, 'bucket-'));
  const prow = prowFolder(folder);
  for (const [n, job] of ['ci-a', 'ci-b', 'ci-c', LARGE].entries()) {
    const timestamp = Math.floor(NOW_MS / 1000) - 100_000 - n;
    prow.build(job, snowflakeAt(timestamp * 1000), {
      started: { timestamp: timestamp - 60 },
      finished: { timestamp, passed: true },
      files: { 'artifacts/junit.xml': junitXml({ passed: job === LARGE ? 40_000 : 3 }) },
    });
  }
  return folder;
}

describe('a build past its budget is a dead letter, and the others go on', () => {
  it('of bytes', async () => {
    const store = testStore(temp);
    const { stats } = await collect(store, [root(`file:${bucketOf()}/logs`)], { buildBytesMax: 500_000 });
    expect(stats).toMatchObject({ failures: 1, rows: 3 });
    expect(storedRows(store).map(({ job }) => job)).toEqual(expect.not.arrayContaining([LARGE]));
    expect([...store.deadLetters.list()]).toMatchObject([
      {
        job: LARGE,
        code: 'too-large',
        reason: expect.stringContaining('more than the 1 MB a build may have'),
      },
    ]);
  });

  it('of time, though its bucket goes on saying nothing', async () => {
    const store = testStore(temp);
    const silent = (bucket: Bucket): Bucket => ({
      ...bucket,
      read: (name, options) =>
        name.includes(LARGE) && name.endsWith('junit.xml')
          ? never(options?.signal)
          : bucket.read(name, options),
      stream: (name, options) =>
        name.includes(LARGE) ? never(options?.signal) : bucket.stream(name, options),
    });
    const { stats } = await collect(
      store,
      [root(`file:${bucketOf()}/logs`)],
      { buildMs: 300 },
      { wrap: silent },
    );
    expect(stats).toMatchObject({ failures: 1, rows: 3 });
    expect([...store.deadLetters.list()]).toMatchObject([
      { job: LARGE, code: 'timeout', reason: expect.stringContaining('min a build may take') },
    ]);
  });
});

/** Nothing comes until the call is aborted. */
function never(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
    release.push(() => reject(new Error('the test has ended')));
  });
}
