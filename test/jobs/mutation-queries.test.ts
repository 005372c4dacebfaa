import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Warehouse } from '../../pipeline/backends/warehouse/contract.ts';
import { openWarehouse } from '../../pipeline/backends/warehouse/index.ts';
import { MUTATION_QUERIES, runMutationQuery } from '../../pipeline/jobs/mutation-queries.ts';
import { type RepositoryRule, sloOfCorpus } from '../../pipeline/jobs/mutation-queries-slo.ts';
import { makeRows } from '../../pipeline/jobs/mutation-tables-rows.ts';
import { unpackRow } from '../../pipeline/records/chunk.ts';
import type { Mutation } from '../../pipeline/records/mutation/types.ts';
import { at, issueMutation, repoMutation } from '../support/corpus.ts';
import { type BigQueryEmulator, emulatorOrSkip, startBigQueryEmulator } from '../support/emulators.ts';
import { TABLES, type TestTables, testTables, testWarehouse } from '../support/mutation-tables.ts';
import { NOW_MS } from '../support/store.ts';
import { tempFolder } from '../support/temp.ts';

const temp = tempFolder();
const DAY_S = 86_400;
const ago = (days: number) => at(Math.round(NOW_MS / 1000 - days * DAY_S));
const ann = { id: 1n, login: 'ann' };
const bob = { id: 2n, login: 'Bob' };
const robot = { id: 3n, login: 'helper[bot]' };
const bug = { id: 7n, name: 'it\'s a "bug"' };
const slow = { id: 8n, name: 'slow' };

const SOME: readonly Mutation[] = [
  repoMutation({ labels: [bug, slow] }),
  // Open for 3 days, answered by bob after 12 hours, by a program at once.
  issueMutation(1, {
    user: ann,
    created: ago(3),
    title: 'new',
    addLabels: [bug],
    comments: [
      { id: 1n, user: robot, body: 'hello', created: ago(3) },
      { id: 2n, user: ann, body: 'more', created: ago(2.9) },
      { id: 3n, user: bob, body: 'yes', created: ago(2.5) },
    ],
  }),
  // Open for 100 days, nobody answered.
  issueMutation(2, { user: ann, created: ago(100), title: 'old', addLabels: [bug, slow] }),
  issueMutation(3, { user: bob, created: ago(20), title: 'plain' }),
  issueMutation(4, { user: bob, created: ago(20), title: 'done', closed: { val: true }, closedAt: ago(1) }),
  issueMutation(5, { user: bob, created: ago(20), title: 'gone' }),
  issueMutation(5, { notExist: true }),
  // Reviewed by ann a day after, bob is asked and has not.
  issueMutation(6, {
    user: robot,
    created: ago(10),
    title: 'change',
    pullRequest: true,
    reviews: [
      { id: 1n, actorId: 1n, created: ago(9), state: 'CHANGES_REQUESTED' },
      { id: 2n, actorId: 1n, created: ago(8), state: 'APPROVED' },
    ],
    events: [
      { id: 1n, eventType: 'review_requested', actorId: 3n, reviewerId: 2n, created: ago(9.5) },
      { id: 2n, eventType: 'review_requested', actorId: 3n, reviewerId: 1n, created: ago(9.5) },
    ],
  }),
];

const RULE: RepositoryRule = {
  name: 'rule "one"',
  labels: [],
  excludedLabels: [],
  appliesToIssues: true,
  appliesToPulls: false,
  responseS: 0,
  resolutionS: 0,
  requiresAssignee: false,
};
const RULES: readonly RepositoryRule[] = [
  { ...RULE, responseS: DAY_S },
  { ...RULE, name: 'bugs', labels: [bug.name], excludedLabels: [slow.name], resolutionS: 2 * DAY_S },
  { ...RULE, name: 'assigned', requiresAssignee: true, responders: ['BOB'] },
  { ...RULE, name: 'nobody', responders: [], responseS: DAY_S },
  { ...RULE, name: 'reviews', appliesToIssues: false, appliesToPulls: true, responseS: DAY_S },
  { ...RULE, name: 'elsewhere', repositories: ['o/other'], resolutionS: DAY_S },
];

/** Rules that look into labels or assignees. */
const WITH_RECORDS = new Set(['bugs', 'assigned']);

/** Issues of which no two are alike, and the words that rules look at are all there. */
function randomIssues(count: number): readonly Mutation[] {
  const random = randomFrom(5);
  const some = <T>(list: readonly T[]) => list.filter(() => random() < 0.4);
  return Array.from({ length: count }, (_, n) =>
    issueMutation(100 + n, {
      title: `issue ${n}`,
      user: random() < 0.5 ? ann : bob,
      created: ago(random() * 5),
      pullRequest: random() < 0.3,
      closed: { val: random() < 0.2 },
      addLabels: some([bug, slow]),
      assignees: some([ann, bob]),
      comments: some([ann, bob, robot]).map((user, at) => ({
        id: BigInt(1000 + n * 10 + at),
        user,
        body: 'words',
        created: ago(random()),
      })),
    }),
  );
}

/** A linear congruential generator: the same numbers in every run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

/**
 * The emulator reads no gzip, and takes only texts for a TIMESTAMP: the rows in a form that it can load. Nor does it keep the order of
 * fields in records, or pass over nulls in quantiles: what depends on either is compared on DuckDB only.
 */
async function loadPlainly({ store, warehouse, log }: TestTables): Promise<void> {
  const repo = store.corpus.repo('o', 'r');
  await makeRows({ store, corpus: store.corpus, signal: new AbortController().signal }, repo, log);
  const filter = { destination: 0, finishedSince: 0, finishedBefore: 0, everything: true };
  for (const { kind, spec } of TABLES) {
    const times = new Set(spec.schema.filter(({ type }) => type === 'TIMESTAMP').map(({ name }) => name));
    const lines = store.mutationRows
      .rowsOf(kind)
      .pending(filter, undefined, 1000)
      .map(({ data, bytes }) => {
        const row = JSON.parse(unpackRow(data, bytes).toString()) as Record<string, unknown>;
        const texts = Object.entries(row).map(([name, value]) =>
          times.has(name) ? [name, new Date(Number(value) * 1000).toISOString()] : [name, value],
        );
        return JSON.stringify(Object.fromEntries(texts));
      });
    const file = join(temp, `${kind}.json`);
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
    await warehouse.ensureTable(spec);
    const jobId = `${kind}-${lines.length}-${lines.join('').length}`;
    await warehouse.load({ table: spec, jobId, file, replace: true, superseded: [] });
  }
}

const found = emulatorOrSkip('bigquery');
const WAREHOUSES = ['duckdb', 'bigquery'] as const;

describe.each(WAREHOUSES)('queries in %s', (kind) => {
  let emulator: BigQueryEmulator | undefined;
  beforeAll(async () => {
    if (kind === 'bigquery' && !('skip' in found)) emulator = await startBigQueryEmulator();
  }, 60_000);
  afterAll(() => emulator?.stop());
  let datasets = 0;
  const warehouse = async (): Promise<Warehouse> => {
    datasets += 1;
    if (emulator === undefined) return testWarehouse(`${temp}/queries-${datasets}.duckdb`);
    const { endpoint, project, dataset } = emulator;
    const options = { timeoutMs: 60_000, loadTimeoutMs: 60_000, endpoint };
    return openWarehouse(`bigquery:${project}:${dataset}`, options);
  };
  const loaded = async (mutations: readonly Mutation[]): Promise<TestTables> => {
    const made = await testTables(temp, { warehouse: await warehouse() });
    made.log.add(...mutations);
    made.replay();
    if (kind === 'duckdb') expect((await made.load()).complete).toBe(true);
    else await loadPlainly(made);
    return made;
  };
  const ask = async ({ warehouse: where }: TestTables, name: string) =>
    (
      await runMutationQuery(where, {
        name,
        tables: TABLES,
        nowMs: NOW_MS,
        rules: RULES,
        signal: new AbortController().signal,
      })
    ).rows;
  const skipped = kind === 'bigquery' && 'skip' in found ? found.skip : undefined;

  it.skipIf(skipped !== undefined)(
    `count what is open, how soon it is answered, and who reviews${skipped ? ` (${skipped})` : ''}`,
    async () => {
      const made = await loaded(SOME);
      const open = await ask(made, 'open-issues');
      if (kind === 'bigquery') expect(open).not.toEqual([]);
      else
        expect(open).toEqual([
          {
            repository: 'o/r',
            label: bug.name,
            open: 2,
            under_7_days: 1,
            under_30_days: 0,
            under_90_days: 0,
            older: 1,
            oldest_days: 100,
          },
          {
            repository: 'o/r',
            label: '',
            open: 1,
            under_7_days: 0,
            under_30_days: 1,
            under_90_days: 0,
            older: 0,
            oldest_days: 20,
          },
          {
            repository: 'o/r',
            label: 'slow',
            open: 1,
            under_7_days: 0,
            under_30_days: 0,
            under_90_days: 0,
            older: 1,
            oldest_days: 100,
          },
        ]);
      expect(await ask(made, 'first-response')).toEqual([
        {
          repository: 'o/r',
          kind: 'issue',
          opened: 4,
          answered: 1,
          waiting: 2,
          median_hours: kind === 'bigquery' ? null : 12,
          p90_hours: kind === 'bigquery' ? null : 12,
        },
        {
          repository: 'o/r',
          kind: 'pull',
          opened: 1,
          answered: 1,
          waiting: 0,
          median_hours: 24,
          p90_hours: 24,
        },
      ]);
      expect(await ask(made, 'review-load')).toEqual([
        {
          reviewer: 'ann',
          reviews: 2,
          pulls: 1,
          approvals: 1,
          changes_requested: 1,
          last_30_days: 2,
          waiting: 0,
        },
        {
          reviewer: 'Bob',
          reviews: 0,
          pulls: 0,
          approvals: 0,
          changes_requested: 0,
          last_30_days: 0,
          waiting: 1,
        },
      ]);
      await made.warehouse.close();
    },
    120_000,
  );

  it.skipIf(skipped !== undefined)(
    `say of service levels what the corpus says${skipped ? ` (${skipped})` : ''}`,
    async () => {
      const made = await loaded([repoMutation({ labels: [bug, slow] }), ...randomIssues(80)]);
      const known = sloOfCorpus(made.store.corpus, RULES, NOW_MS);
      const rows = await ask(made, 'slo');
      const expected = known.map(({ rule, applies, open, compliant, overdue, worst }) => ({
        rule,
        applies,
        open,
        compliant,
        overdue,
        worst_overdue_days: expect.closeTo((worst?.overdueS ?? 0) / DAY_S, 1) as number,
      }));
      const compared = expected.filter(
        (_, at) => kind === 'duckdb' || !WITH_RECORDS.has(RULES[at]?.name ?? ''),
      );
      expect(rows.filter(({ rule }) => compared.some((one) => one.rule === rule))).toEqual(compared);
      expect(rows.map(({ rule }) => rule)).toEqual(RULES.map(({ name }) => name));
      // Else it would be no comparison.
      expect(known.slice(0, 5).every(({ overdue, compliant }) => overdue > 0 && compliant > 0)).toBe(true);
      expect(known[5]).toMatchObject({ applies: 0, overdue: 0 });
      await made.warehouse.close();
    },
    120_000,
  );
});

it('a query that is none is named with those that are', async () => {
  const { warehouse } = await testTables(temp);
  const request = {
    name: 'toString',
    tables: TABLES,
    nowMs: 0,
    rules: [],
    signal: new AbortController().signal,
  };
  await expect(runMutationQuery(warehouse, request)).rejects.toMatchObject({
    code: 'config',
    remedy: expect.stringContaining(MUTATION_QUERIES.map(({ name }) => name).join(', ')) as string,
  });
});
