import { describe, expect, it, onTestFinished } from 'vitest';
import { snowflakeAt } from '../../pipeline/records/ids.ts';
import { collect, root, storedRows } from '../support/collect.ts';
import { type GcsServer, startGcsServer } from '../support/gcs-server.ts';
import { NOW_MS, testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();
const DAY_MS = 86_400_000;
const ROOT = root('gs://ci-logs/pr-logs/', { pr: true, prefix: 'pr:' });

/** A presubmit whose pointer says its link in metadata, or only in its content. */
function presubmit(server: GcsServer, job: string, id: string, linked: boolean): void {
  const folder = `pr-logs/pull/org_repo/7/${job}/${id}`;
  const link = `gs://ci-logs/${folder}`;
  // Old uploads have a space before the link.
  const extra = linked ? { metadata: { link: ` ${link}` } } : {};
  server.put(`ci-logs/pr-logs/directory/${job}/${id}.txt`, linked ? 'not looked at' : `${link}\n`, extra);
  server.put(
    `ci-logs/${folder}/finished.json`,
    JSON.stringify({ timestamp: NOW_MS / 1000 - 86_400, passed: true }),
  );
}

async function serve(pageSizeMax: number): Promise<GcsServer> {
  const server = await startGcsServer({ pageSizeMax });
  onTestFinished(() => server.close());
  for (const job of ['pull-a', 'pull-b', 'pull-c']) {
    for (let n = 1; n <= 4; n += 1) presubmit(server, job, snowflakeAt(NOW_MS - n * DAY_MS), n % 2 === 0);
    server.put(`ci-logs/pr-logs/directory/${job}/latest-build.txt`, 'x');
  }
  return server;
}

describe('presubmits', () => {
  it.each([
    ['in one page', 1_000],
    ['in many pages, job by job', 5],
  ])(
    'are found through their pointers %s; a link in the metadata saves reading the pointer',
    async (_, pageSizeMax) => {
      const server = await serve(pageSizeMax);
      const store = testStore(temp);
      await collect(store, [ROOT], {}, { endpoint: server.endpoint });
      expect(store.rows.count()).toBe(12);
      const pointersRead = server.log.filter(
        ({ kind, object }) => kind === 'read' && object?.includes('/directory/'),
      );
      expect(pointersRead).toHaveLength(6);

      const before = server.requests.list;
      const idle = await collect(store, [ROOT], {}, { endpoint: server.endpoint });
      expect(idle.stats).toMatchObject({ found: 0, requests: { read: 0 } });
      // One page, or: its first page, the jobs, each job from where it ended; and the batches.
      expect(server.requests.list - before).toBeLessThanOrEqual(pageSizeMax === 5 ? 2 + 3 + 1 : 2);

      presubmit(server, 'pull-b', snowflakeAt(NOW_MS - 2 * 3_600_000), true);
      await collect(store, [ROOT], {}, { endpoint: server.endpoint });
      expect(storedRows(store).filter(({ job }) => job === 'pr:pull-b')).toHaveLength(5);
    },
  );

  it('a pointer whose build is not there yet is looked at again', async () => {
    const server = await serve(1_000);
    const id = snowflakeAt(NOW_MS - 600_000);
    server.put(
      `ci-logs/pr-logs/directory/pull-a/${id}.txt`,
      `gs://ci-logs/pr-logs/pull/org_repo/7/pull-a/${id}`,
    );
    const store = testStore(temp);
    await collect(store, [ROOT], {}, { endpoint: server.endpoint });
    expect(store.rows.count()).toBe(12);
    presubmit(server, 'pull-a', id, false);
    await collect(store, [ROOT], {}, { endpoint: server.endpoint, nowMs: () => NOW_MS + 60_000 });
    expect(store.rows.count()).toBe(13);
  });
});
