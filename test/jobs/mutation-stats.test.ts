import { expect, test } from 'vitest';
import { SamovarError } from '../../pipeline/errors.ts';
import { repoStats } from '../../pipeline/jobs/mutation-stats.ts';
import { openBucketLog } from '../../pipeline/mutation-log/bucket-log.ts';
import { statsText } from '../../pipeline/show/mutation-tools.ts';
import { applyAll, at, issueMutation, recordsOf, repoMutation } from '../support/corpus.ts';
import { fileBucket, writeLog } from '../support/mutation-logs.ts';
import { testStore } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();
const T = 1_700_000_000;
const comment = (id: bigint) => ({ id, user: { id: 1n }, body: 'x', created: at(T), updated: at(T) });

const HISTORY = [
  repoMutation({ labels: [{ id: 5n, name: 'bug' }] }),
  issueMutation(1, { title: 'open', created: at(T), updated: at(T), comments: [comment(1n), comment(2n)] }),
  issueMutation(2, { title: 'closed', created: at(T), updated: at(T + 86_400), closed: { val: true } }),
  issueMutation(3, { title: 'pull', created: at(T), updated: at(T), pullRequest: true }),
  issueMutation(4, { title: 'gone', created: at(T), updated: at(T + 999_999) }),
  issueMutation(4, { notExist: true }),
];

test('counts what is known and what the log has beyond it', async () => {
  const store = testStore(folder);
  const repo = store.corpus.repo('o', 'r');
  applyAll(store, repo, HISTORY);
  applyAll(store, store.corpus.repo('o', 's'), []);
  const bucket = fileBucket(folder, 'logs');
  await writeLog({ bucket, prefix: 'o/r/', folder }, [...HISTORY, issueMutation(9, { title: 'new' })]);
  const known = recordsOf(HISTORY).at(-1)?.end ?? 0;
  const [stats, none] = await repoStats({
    repos: store.corpus.repos(),
    segments: ({ name }) => openBucketLog(bucket, `o/${name}/`).segments(),
  });
  const bytes = stats?.log?.bytes ?? 0;
  expect(stats).toMatchObject({
    ...{ repository: 'o/r', state: 'ok', issues: 2, openIssues: 1, pulls: 1, openPulls: 1, tombstones: 1 },
    ...{ comments: 2, reviews: 0, events: 0, labels: 1, milestones: 0 },
    log: { segments: 1, bytesBehind: bytes - known },
  });
  expect(bytes).toBeGreaterThan(known);
  expect([none?.issues, none?.log, none?.latestAt]).toEqual([0, undefined, undefined]);
  expect(statsText([stats, none].flatMap((one) => one ?? []))).toMatch(
    /o\/r .* not replayed\n.*o\/s .* no log here/,
  );
});

test('a log that cannot be looked at is told with its repository', async () => {
  const store = testStore(folder);
  applyAll(store, store.corpus.repo('o', 'r'), HISTORY);
  const [stats] = await repoStats({
    repos: store.corpus.repos(),
    segments: async () => {
      throw new SamovarError('denied', 'no rights');
    },
  });
  expect(stats).toMatchObject({ issues: 2, logFailure: 'no rights' });
});
