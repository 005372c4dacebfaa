import { expect, test } from 'vitest';
import { repairLedgerTable, verifyLedgerTable } from '../../pipeline/commands/ledger-tables.ts';
import { checksText } from '../../pipeline/show/ledger.ts';
import { cli } from '../support/cli.ts';
import { at, issueMutation, repoMutation } from '../support/corpus.ts';
import { TABLES, testTables } from '../support/mutation-tables.ts';
import { tempFolder } from '../support/temp.ts';

const folder = tempFolder();
const MONDAY = 1_700_000_000;
const DAY_S = 86_400;

const issueOn = (number: number, day: number) =>
  issueMutation(number, {
    title: `"issue" ${number}, ünï|côde\nand a line`,
    user: { id: 9_007_199_254_740_993n, login: 'ann' },
    created: at(MONDAY + day * DAY_S),
    updated: at(MONDAY + day * DAY_S),
    comments: [{ id: BigInt(number), user: { id: 1n, login: 'bob' }, body: 'b', created: at(MONDAY) }],
  });

async function loaded() {
  const tables = await testTables(folder);
  const { log, replay, load, context } = tables;
  log.add(
    repoMutation({ labels: [{ id: 7n, name: 'bug' }] }),
    issueOn(1, 0),
    issueOn(2, 0),
    issueOn(3, 1),
    issueOn(4, 2),
  );
  replay();
  await load();
  const table = (kind: string) => {
    const found = TABLES.find((one) => one.kind === kind);
    if (found === undefined) throw new Error(`no table of ${kind}`);
    return found;
  };
  return {
    ...tables,
    check: (kind: string) => verifyLedgerTable(context, table(kind)),
    repair: (kind: string) => repairLedgerTable(context, table(kind)),
  };
}

test('tables of mutation logs are as the ledger says after a load, and after one that changes rows', async () => {
  const { check, log, replay, load } = await loaded();
  for (const round of [1, 2]) {
    for (const { kind } of TABLES)
      expect((await check(kind)).differences, `${kind}, round ${round}`).toEqual([]);
    log.add(issueMutation(2, { title: 'other', updated: at(MONDAY + 9 * DAY_S) }));
    replay();
    await load();
  }
  expect(await check('issues')).toMatchObject({
    unit: 'rows',
    builds: 4,
    days: [{ rows: 2 }, { rows: 1 }, { rows: 1 }],
  });
  expect((await check('labels')).days).toMatchObject([{ day: '', rows: 1 }]);
  expect(checksText([await check('issues')])).toBe('issues: 4 rows on 3 days, as the ledger says');
});

test('what is missing, doubled, different or of nobody is named by row, and a repair makes it right', async () => {
  const { check, repair, warehouse, store, rows } = await loaded();
  const name = warehouse.tableName('issues');
  await warehouse.query(`DELETE FROM ${name} WHERE number = 1`);
  await warehouse.query(`INSERT INTO ${name} SELECT * FROM ${name} WHERE number = 2`);
  await warehouse.query(`UPDATE ${name} SET title = 'spoilt' WHERE number = 3`);
  await warehouse.query(`INSERT INTO ${name}(path) VALUES ('of/another')`);
  const found = await check('issues');
  expect(found.differences.map(({ kind, path }) => [kind, path])).toEqual([
    ['missing', 'o/r/1'],
    ['doubled', 'o/r/2'],
    ['different', 'o/r/3'],
    ['unknown', 'of/another'],
  ]);
  expect(await repair('issues')).toMatchObject({ again: 3, adopted: 0, left: 1, rows: 3 });
  expect((await check('issues')).differences).toMatchObject([{ kind: 'unknown', path: 'of/another' }]);
  expect((await rows('issues', 'number', 'number')).map(({ number }) => Number(number ?? 0))).toEqual([
    1, 2, 3, 4, 0,
  ]);
  const destination = store.ledger.findDestination(`${warehouse.url}/issues`);
  expect(store.mutationRows.lags('issues', destination)).toMatchObject([{ known: 4, missing: 0 }]);
});

test('the command looks into the database of mutation logs, and only when it is asked to', {
  timeout: 120_000,
}, async () => {
  const run = (...args: readonly string[]) => cli(args, { cwd: folder });
  expect(await run('mutation-log', 'demo')).toMatchObject({ code: 0 });
  const settings = ['--config', 'demo/mutation-log.yaml'];
  const { code, stdout } = await run('ledger', 'verify', '--mutation-log', ...settings, '--json');
  expect(code).toBe(0);
  const checks = JSON.parse(stdout) as readonly { readonly table: string; readonly builds: number }[];
  expect(checks.map(({ table }) => table)).toEqual(TABLES.map(({ config }) => config.name));
  expect(checks.every(({ builds }) => builds > 0)).toBe(true);
  expect((await run('ledger', 'show', ...settings)).stdout).not.toContain('milestones');
});
