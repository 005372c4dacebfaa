import { describe, expect, it } from 'vitest';
import { loadMutations } from '../../pipeline/jobs/mutation-tables.ts';
import { loadText } from '../../pipeline/show/mutation-load.ts';
import { at, issueMutation, repoMutation } from '../support/corpus.ts';
import { TABLES, testTables } from '../support/mutation-tables.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();
const MONDAY = 1_700_000_000;

/** Two issues and a pull request with something of everything. */
const SOME = [
  repoMutation({ labels: [{ id: 7n, name: 'bug' }], milestones: [{ id: 9n, title: 'v1', number: 2n }] }),
  issueMutation(1, {
    id: 11n,
    user: { id: 100n, login: 'ann' },
    created: at(MONDAY),
    updated: at(MONDAY + 60),
    title: 'first',
    bodyChange: { val: 'text\0 with a NUL' },
    addLabels: [{ id: 7n, name: 'bug' }],
    milestoneId: 9n,
    milestoneNum: 2n,
    milestoneTitle: 'v1',
    comments: [
      { id: 3_000_000_000n, user: { id: 101n, login: 'bob' }, body: 'hi', created: at(MONDAY + 30) },
    ],
    events: [
      {
        id: 5n,
        eventType: 'labeled',
        actorId: 101n,
        created: at(MONDAY + 20),
        label: { id: 0n, name: 'bug' },
      },
    ],
  }),
  issueMutation(2, {
    id: 12n,
    user: { id: 101n, login: 'bob' },
    created: at(MONDAY + 100),
    updated: at(MONDAY + 200),
    title: 'change',
    pullRequest: true,
    reviews: [{ id: 50n, actorId: 100n, created: at(MONDAY + 150), state: 'APPROVED', body: 'ok' }],
    samovar: {
      pull: { merged: true, headRef: 'topic', baseRef: 'main', additions: 10 },
      reviewComments: [
        {
          id: 60n,
          reviewId: 50n,
          user: { id: 100n },
          body: 'here',
          path: 'a.ts',
          line: 3,
          created: at(MONDAY + 149),
        },
      ],
    },
  }),
];

describe('mutation logs in the warehouse', () => {
  it('has each record, and each thing as it is now', async () => {
    const { log, replay, load, rows } = await testTables(temp);
    log.add(...SOME);
    replay();
    const result = await load();
    expect(result.complete).toBe(true);
    expect(result.repositories).toMatchObject([
      { repository: 'o/r', records: 3, bytesBehind: 0, restarted: false, position: { segment: 0 } },
    ]);
    expect(result.tables.map(({ table, rows, known }) => [table, rows, known])).toEqual([
      ['mutations', 3, 3],
      ['issues', 2, 2],
      ['pulls', 1, 1],
      ['comments', 2, 2],
      ['reviews', 1, 1],
      ['events', 1, 1],
      ['labels', 1, 1],
      ['milestones', 1, 1],
    ]);
    expect(
      await rows('mutations', 'path, kind, number, record_offset, comments, deleted', 'record_offset'),
    ).toEqual([
      {
        path: 'o/r/0000/0',
        kind: 'repository',
        number: null,
        record_offset: 0,
        comments: null,
        deleted: null,
      },
      expect.objectContaining({
        kind: 'issue',
        number: 1,
        comments: 1,
        record_offset: log.records[1]?.offset,
      }),
      expect.objectContaining({
        kind: 'issue',
        number: 2,
        comments: null,
        record_offset: log.records[2]?.offset,
      }),
    ]);
    expect(
      await rows(
        'issues',
        'path, title, body, user_login, pull_request, closed, milestone_title, labels, epoch(created) AS created, deleted',
      ),
    ).toEqual([
      {
        path: 'o/r/1',
        title: 'first',
        body: 'text\ufffd with a NUL',
        user_login: 'ann',
        pull_request: false,
        closed: false,
        milestone_title: 'v1',
        labels: [{ id: 7, name: 'bug' }],
        created: MONDAY,
        deleted: false,
      },
      expect.objectContaining({ path: 'o/r/2', pull_request: true, labels: [] }),
    ]);
    expect(await rows('pulls', 'merged, draft, head_ref, additions')).toEqual([
      { merged: true, draft: false, head_ref: 'topic', additions: 10 },
    ]);
    expect(await rows('comments', 'path, kind, user_login, body, file_path')).toEqual([
      { path: 'o/r/1/c/3000000000', kind: 'issue', user_login: 'bob', body: 'hi', file_path: null },
      { path: 'o/r/2/r/60', kind: 'review', user_login: 'ann', body: 'here', file_path: 'a.ts' },
    ]);
    expect(await rows('reviews', 'user_login, state')).toEqual([{ user_login: 'ann', state: 'APPROVED' }]);
    expect(await rows('events', 'kind, actor_login, label')).toEqual([
      { kind: 'labeled', actor_login: 'bob', label: 'bug' },
    ]);
    expect(await rows('milestones', 'number, title, closed')).toEqual([
      { number: 2, title: 'v1', closed: false },
    ]);
  });

  it('writes only what changed, and reads only what is new', async () => {
    const { log, replay, load, rows } = await testTables(temp);
    log.add(...SOME);
    replay();
    await load();
    const reads = log.reads();
    log.add(issueMutation(1, { updated: at(MONDAY + 500), title: 'other' }));
    replay();
    const result = await load();
    expect(result.tables.map(({ rows }) => rows)).toEqual([1, 1, 0, 0, 0, 0, 0, 0]);
    // Once to see that it is the same log still, with what follows.
    expect(log.reads() - reads).toBeLessThanOrEqual(3);
    expect(await rows('issues', 'title')).toEqual([{ title: 'other' }, { title: 'change' }]);
    expect((await load()).tables.map(({ rows }) => rows)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('goes only as far as the corpus, and says how much is behind', async () => {
    const { log, replay, load } = await testTables(temp);
    log.add(...SOME);
    replay();
    log.add(issueMutation(3, { title: 'not applied yet' }));
    const behind = await load();
    const [last] = log.records.slice(-1);
    expect(behind.complete).toBe(false);
    expect(behind.repositories[0]?.bytesBehind).toBe((last?.end ?? 0) - (last?.offset ?? 0));
    replay();
    const after = await load();
    expect(after).toMatchObject({ complete: true, repositories: [{ records: 1, bytesBehind: 0 }] });
  });

  it('says of what is gone that it is, and of what came back that it is there', async () => {
    const { log, replay, load, rows } = await testTables(temp);
    log.add(...SOME);
    replay();
    await load();
    log.add(
      issueMutation(1, { samovar: { deletedComments: [3_000_000_000n] } }),
      issueMutation(2, { notExist: true }),
    );
    replay();
    await load();
    expect(await rows('issues', 'deleted')).toEqual([{ deleted: false }, { deleted: true }]);
    expect(await rows('comments', 'deleted, body')).toEqual([
      { deleted: true, body: 'hi' },
      { deleted: true, body: 'here' },
    ]);
    expect(await rows('reviews', 'deleted')).toEqual([{ deleted: true }]);
    log.add(issueMutation(2, { updated: at(MONDAY + 900), title: 'back' }));
    replay();
    expect(await load()).toMatchObject({ complete: true });
    expect(await rows('issues', 'deleted, title')).toEqual([
      { deleted: false, title: 'first' },
      { deleted: false, title: 'back' },
    ]);
    expect(await rows('reviews', 'deleted')).toEqual([{ deleted: false }]);
  });

  it('gives issues the new name of a label, though no mutation names them', async () => {
    const { log, replay, load, rows } = await testTables(temp);
    log.add(...SOME);
    replay();
    await load();
    log.add(repoMutation({ labels: [{ id: 7n, name: 'defect' }] }));
    replay();
    const result = await load();
    expect(result.tables.map(({ rows }) => rows)).toEqual([1, 1, 0, 0, 0, 0, 1, 0]);
    expect(await rows('issues', 'labels')).toEqual([{ labels: [{ id: 7, name: 'defect' }] }, { labels: [] }]);
  });

  it('follows a log that was replaced: what only the old one had is marked', async () => {
    const { store, log, replay, load, rows } = await testTables(temp);
    log.add(...SOME, issueMutation(3, { title: 'only before' }));
    replay();
    await load();
    log.replace(issueMutation(1, { title: 'fetched anew', updated: at(MONDAY + 1) }));
    store.transaction(() => store.corpus.repo('o', 'r').clear());
    replay();
    const result = await load();
    expect(result).toMatchObject({ complete: true, repositories: [{ restarted: true, records: 1 }] });
    expect(await rows('issues', 'number, deleted, title')).toEqual([
      { number: 1, deleted: false, title: 'fetched anew' },
      { number: 2, deleted: true, title: 'change' },
      { number: 3, deleted: true, title: 'only before' },
    ]);
    expect(await rows('mutations', 'kind, deleted')).toEqual([
      { kind: 'issue', deleted: null },
      ...Array.from({ length: 3 }, () => ({ kind: 'issue', deleted: true })),
    ]);
    expect(await load()).toMatchObject({ complete: true, repositories: [{ restarted: false, records: 0 }] });
  });

  it('takes a copy of the log that lags behind for no other log', async () => {
    const { context, log, replay, load } = await testTables(temp);
    log.add(...SOME);
    replay();
    await load();
    const lagging = { ...context, openLog: async () => log.shortened(2) };
    const result = await loadMutations(lagging, { tables: TABLES, replace: false, check: false });
    expect(result.repositories).toMatchObject([{ restarted: false, records: 0 }]);
    expect(await load()).toMatchObject({ complete: true, repositories: [{ restarted: false, records: 0 }] });
  });

  it('makes the tables anew, each row once', async () => {
    const { log, replay, load, rows } = await testTables(temp);
    log.add(...SOME);
    replay();
    await load();
    const result = await load({ replace: true });
    expect(result.complete).toBe(true);
    expect(result.tables[0]).toMatchObject({ table: 'mutations', rows: 3, warehouse: { rows: 3, keys: 3 } });
    expect(await rows('issues', 'number')).toEqual([{ number: 1 }, { number: 2 }]);
  });

  it('says what is not as it is to be, and what mends it', async () => {
    const { log, replay, load, warehouse } = await testTables(temp);
    log.add(...SOME);
    replay();
    expect(loadText(await load())).not.toContain('To mend');
    await warehouse.query('DELETE FROM issues WHERE number = 1');
    log.add(issueMutation(3, { title: 'not applied yet' }));
    const result = await load();
    expect(result.complete).toBe(false);
    const text = loadText(result);
    expect(text).toContain('   samovar mutation-log replay o/r');
    expect(text).toContain('   samovar mutation-log load --table issues --replace');
    replay();
    expect((await load({ replace: true })).complete).toBe(true);
  });

  it('has a table for every kind', () => {
    expect(TABLES).toHaveLength(8);
  });
});
