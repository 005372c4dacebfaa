import type { MutationLoad, MutationPlan, MutationTableResult } from '../jobs/mutation-tables.ts';
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
  const behind = repositories.filter(({ bytesBehind }) => bytesBehind > 0);
  const remedy = behind.map(({ repository }) => `samovar mutation-log replay ${repository}`);
  return [logs, '', written, ...(remedy.length === 0 ? [] : ['', 'To go on:', ...remedy])].join('\n');
}

function placeText(position: LogPosition | undefined): string {
  return position === undefined ? 'nothing yet' : `segment ${position.segment}, byte ${position.offset}`;
}

function countText({ warehouse, complete }: MutationTableResult): string {
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
