import type { KindTableResult } from '../jobs/kind-tables.ts';
import type { MutationLoad, MutationPlan } from '../jobs/mutation-tables.ts';
import type { LogPosition } from '../mutation-log/contract.ts';
import { byteSize } from './progress.ts';
import { textTable } from './table.ts';

const number = { align: 'right' } as const;

/** What a load did, and what is still behind. */
export function loadText({ repositories, tables }: MutationLoad): string {
  const logs = textTable(
    [
      { title: 'repository' },
      { title: 'new records', ...number },
      { title: 'at' },
      { title: 'behind', ...number },
      { title: 'latest change' },
    ],
    repositories.map(({ repository, records, position, bytesBehind, latestAt, restarted }) => [
      repository,
      records,
      `${placeText(position)}${restarted ? ' (another log)' : ''}`,
      bytesBehind === 0 ? '-' : byteSize(bytesBehind),
      latestAt === undefined ? '' : new Date(latestAt * 1000).toISOString().replace('.000Z', 'Z'),
    ]),
  );
  const written = textTable(
    [
      { title: 'table' },
      { title: 'written', ...number },
      { title: 'rows', ...number },
      { title: 'missing', ...number },
      { title: 'in the warehouse', ...number },
    ],
    tables.map((table) => [table.table, table.rows, table.known, table.missing, countText(table)]),
  );
  return [logs, '', written, ...remedies({ repositories, tables })].join('\n');
}

/** What to do about what is not complete. */
function remedies({
  repositories,
  tables,
}: Pick<MutationLoad, 'repositories' | 'tables'>): readonly string[] {
  const replay = repositories
    .filter(({ bytesBehind }) => bytesBehind > 0)
    .map(({ repository }) => `samovar mutation-log replay ${repository}`);
  // The ledger says that all is there, and it is not: somebody else has written to the table.
  const anew = tables
    .filter(({ complete, missing }) => !complete && missing === 0)
    .map(({ table }) => `samovar mutation-log load --table ${table} --replace`);
  const commands = [...replay, ...anew];
  return commands.length === 0 ? [] : ['', 'To mend that:', ...commands.map((command) => `   ${command}`)];
}

function placeText(position: LogPosition | undefined): string {
  return position === undefined ? 'nothing yet' : `segment ${position.segment}, byte ${position.offset}`;
}

function countText({ warehouse, complete }: KindTableResult): string {
  if (warehouse === undefined) return 'not counted';
  return `${warehouse.keys}${complete ? '' : `, ${warehouse.rows} rows: NOT COMPLETE`}`;
}

export function planText({ repositories, tables }: MutationPlan): string {
  return [
    ...repositories.map(
      ({ repository, bytesBehind }) => `${repository}: ${byteSize(bytesBehind)} of its log are new`,
    ),
    ...tables.map(({ table, action, added }) => {
      const columns = action === 'extended' ? `: ${added.join(', ')}` : '';
      return `${table} would be ${action}${columns} (dry run)`;
    }),
  ].join('\n');
}
