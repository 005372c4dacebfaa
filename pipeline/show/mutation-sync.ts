import type { Quota } from '../collect/sources/github/pool.ts';
import type { RepoResult } from '../jobs/mutation-sync-loop.ts';
import { textTable } from './table.ts';

export interface SyncSummary {
  readonly repositories: readonly RepoResult[];
  readonly requests: { readonly sent: number; readonly unchanged: number };
  readonly quotas: readonly Quota[];
  readonly dryRun: boolean;
  readonly seconds: number;
}

export function syncText({ repositories, requests, quotas, dryRun, seconds }: SyncSummary): string {
  const written = dryRun ? 'would be written' : 'written';
  const rows = repositories.map((result) =>
    'failure' in result
      ? [result.repo, '', `failed: ${result.failure.split('\n')[0]}`]
      : [
          result.repo,
          String(result.mutations),
          result.paused === undefined ? result.state : `paused: ${result.paused}`,
        ],
  );
  const free = requests.unchanged === 0 ? '' : `, ${requests.unchanged} of them free: nothing had changed`;
  return [
    textTable(
      [{ title: 'repository' }, { title: `mutations ${written}`, align: 'right' }, { title: 'state' }],
      rows,
    ),
    '',
    `${requests.sent} requests to GitHub${free}, in ${seconds.toFixed(1)} s`,
    ...quotas.map(
      ({ name, resource, remaining, limit, resetMs }) =>
        `${name}: ${remaining} of ${limit} left (${resource}) until ${new Date(resetMs).toISOString().slice(11, 16)} UTC`,
    ),
  ].join('\n');
}
