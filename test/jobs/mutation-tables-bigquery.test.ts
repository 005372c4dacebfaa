import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Warehouse } from '../../pipeline/backends/warehouse/contract.ts';
import { openWarehouse } from '../../pipeline/backends/warehouse/index.ts';
import { loadMutations } from '../../pipeline/jobs/mutation-tables.ts';
import { loadMutationTables } from '../../pipeline/jobs/mutation-tables-config.ts';
import { type BigQueryFake, startBigQueryFake } from '../support/bigquery-fake.ts';
import { at, issueMutation, repoMutation } from '../support/corpus.ts';
import { testTables } from '../support/mutation-tables.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();
let fake: BigQueryFake;
let files = 0;
beforeAll(async () => {
  fake = await startBigQueryFake();
});
afterAll(() => fake.stop());

const user = { id: 2n ** 40n, login: 'ann' };
const FIRST = [
  repoMutation({ labels: [{ id: 7n, name: 'bug' }], milestones: [{ id: 9n, title: 'v1', number: 1n }] }),
  issueMutation(1, {
    id: 2n ** 60n,
    user,
    created: at(1_700_000_000),
    title: 'one',
    addLabels: [{ id: 7n, name: 'bug' }],
    assignees: [user],
    comments: [{ id: 2n ** 33n, user, body: 'first', created: at(1_700_000_100) }],
    events: [{ id: 5n, eventType: 'labeled', actorId: user.id, created: at(1_700_000_050) }],
  }),
  issueMutation(2, {
    title: 'two',
    pullRequest: true,
    removeLabels: [8n],
    reviews: [{ id: 3n, actorId: user.id, state: 'APPROVED', created: at(1_700_000_200) }],
    samovar: { pull: { merged: true, commits: 3, mergedAt: at(1_700_000_300) } },
  }),
];
const THEN = [issueMutation(1, { title: 'one again' }), issueMutation(2, { notExist: true })];

/** Every table with one writer, each under a name of its own. */
async function setUp(writer: 'load' | 'storage-write') {
  files += 1;
  const kinds = ['mutations', 'issues', 'pulls', 'comments', 'reviews', 'events', 'labels', 'milestones'];
  const file = join(temp, `tables-${files}.yaml`);
  writeFileSync(file, kinds.map((kind) => `${kind}: {name: ${kind}_${files}, writer: ${writer}}\n`).join(''));
  const tables = await loadMutationTables(file);
  const warehouse = await openWarehouse('bigquery:fake-project:fake', {
    timeoutMs: 5_000,
    loadTimeoutMs: 20_000,
    endpoint: fake.endpoint,
    storageWriteEndpoint: fake.storageWriteEndpoint,
  });
  const made = await testTables(temp, { warehouse, tables });
  const nameOf = (kind: string) => tables.find((table) => table.kind === kind)?.config.name ?? '';
  return {
    ...made,
    nameOf,
    load: () => loadMutations(made.context, { tables, replace: false, check: false }),
  };
}

async function paths(warehouse: Warehouse, table: string): Promise<readonly string[]> {
  const rows = await warehouse.query(`SELECT path FROM ${warehouse.tableName(table)} ORDER BY path`);
  return rows.map(({ path }) => String(path)).sort();
}

describe('on a strict BigQuery', () => {
  it('load jobs take every table, and newer rows replace older ones', async () => {
    const { warehouse, nameOf, log, replay, load } = await setUp('load');
    log.add(...FIRST);
    replay();
    expect((await load()).tables.map(({ rows }) => rows)).toEqual([3, 2, 1, 1, 1, 1, 1, 1]);
    log.add(...THEN);
    replay();
    const then = await load();
    expect(then.complete).toBe(true);
    expect(then.tables.map(({ rows }) => rows)).toEqual([2, 2, 1, 0, 1, 0, 0, 0]);
    expect(await paths(warehouse, nameOf('issues'))).toEqual(['o/r/1', 'o/r/2']);
    expect(await paths(warehouse, nameOf('mutations'))).toHaveLength(5);
  });

  it('the Storage Write API appends newer rows with their versions, below a view of the latest', async () => {
    const { warehouse, nameOf, log, replay, load } = await setUp('storage-write');
    log.add(...FIRST);
    replay();
    await load();
    log.add(...THEN);
    replay();
    fake.storageWrite.faults.lostAppends = 1;
    expect(await load()).toMatchObject({ complete: true });
    expect(fake.storageWrite.faults.lostAppends).toBe(0);
    expect(await load()).toMatchObject({ complete: true });
    expect(await paths(warehouse, nameOf('issues'))).toEqual(['o/r/1', 'o/r/1', 'o/r/2', 'o/r/2']);
    expect(await paths(warehouse, nameOf('mutations'))).toHaveLength(5);
    expect(await paths(warehouse, `${nameOf('issues')}_latest`)).toEqual(['o/r/1', 'o/r/2']);
  });
});
