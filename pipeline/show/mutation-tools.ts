import type { CopyResult } from '../jobs/mutation-copy.ts';
import type { Migrated } from '../jobs/mutation-migrate.ts';
import type { RepoStats } from '../jobs/mutation-stats.ts';
import { byteSize } from './progress.ts';
import { textTable } from './table.ts';

const number = { align: 'right' } as const;

/** What was done with the log of one repository, or why nothing was. */
export type RepoOutcome<T> = { readonly repository: string } & (T | { readonly failure: string });

export function failures(outcomes: readonly RepoOutcome<object>[]): number {
  return outcomes.filter((outcome) => 'failure' in outcome).length;
}

const STATES = {
  new: 'new there',
  same: 'the same',
  behind: 'was behind',
  ahead: 'is ahead of its source',
  split: 'had other records',
} as const;

export function copyText(outcomes: readonly RepoOutcome<CopyResult>[], dryRun: boolean): string {
  const table = textTable(
    [
      { title: 'repository' },
      { title: dryRun ? 'to copy' : 'copied', ...number },
      { title: 'bytes', ...number },
      { title: 'there', ...number },
      { title: 'destination', charsMax: 300 },
    ],
    outcomes.map((outcome) =>
      'failure' in outcome
        ? [outcome.repository, '', '', '', outcome.failure]
        : [
            outcome.repository,
            outcome.segments,
            byteSize(outcome.bytes),
            outcome.known,
            `${STATES[outcome.state]}${outcome.archive === undefined ? '' : `, kept at ${outcome.archive}`}`,
          ],
    ),
  );
  return `${table}\n${summary(outcomes, dryRun)}`;
}

function summary(outcomes: readonly RepoOutcome<CopyResult>[], dryRun: boolean): string {
  const done = outcomes.flatMap((outcome) => ('failure' in outcome ? [] : [outcome]));
  const segments = done.reduce((sum, one) => sum + one.segments, 0);
  const bytes = done.reduce((sum, one) => sum + one.bytes, 0);
  const failed = failures(outcomes);
  const what = `${segments} segments (${byteSize(bytes)}) of ${done.length} logs ${dryRun ? 'would be copied; nothing was written' : 'copied'}`;
  return failed === 0 ? what : `${what}; ${failed} failed`;
}

export function migrateText({ repositories, from, ...counts }: Migrated, dryRun: boolean): string {
  const table = textTable(
    [
      { title: 'repository' },
      { title: 'records', ...number },
      { title: 'there', ...number },
      { title: dryRun ? 'to add' : 'added', ...number },
      { title: 'destination', charsMax: 300 },
    ],
    repositories.map((one) =>
      'failure' in one
        ? [one.repository, '', '', '', one.failure]
        : [one.repository, one.records, one.known, one.added, one.ahead ? `${one.to} (has more)` : one.to],
    ),
  );
  const git = counts.git > 0 ? `, ${counts.git} of Git and Gerrit` : '';
  const read = `${counts.records} records (${byteSize(counts.bytes)}) read from ${from}: ${counts.others} of other repositories${git}`;
  return `${table}\n${read}`;
}

export function statsText(all: readonly RepoStats[]): string {
  const table = textTable(
    [
      { title: 'repository' },
      ...['issues', 'open', 'pulls', 'open', 'comments', 'reviews', 'events', 'gone', 'segments', 'log'].map(
        (title) => ({ title, ...number }),
      ),
      { title: 'latest' },
      { title: 'state', charsMax: 300 },
    ],
    all.map((one) => [
      ...[one.repository, one.issues, one.openIssues, one.pulls, one.openPulls],
      ...[one.comments + one.reviewComments, one.reviews, one.events, one.tombstones],
      ...[one.log?.segments ?? '', one.log === undefined ? '' : byteSize(one.log.bytes)],
      one.latestAt === undefined ? '' : new Date(one.latestAt * 1000).toISOString().slice(0, 10),
      stateText(one),
    ]),
  );
  return all.length === 0 ? 'no repository is known: see samovar mutation-log sync and replay' : table;
}

function stateText({ state, renamedTo, log, logFailure, warehouse }: RepoStats): string {
  if (logFailure !== undefined) return logFailure;
  if (renamedTo !== undefined) return `now ${renamedTo}`;
  if (state !== 'ok') return state;
  if (log === undefined) return 'no log here';
  if (log.bytesBehind > 0) return `${byteSize(log.bytesBehind)} not replayed`;
  const missing = (warehouse?.tables ?? []).reduce((sum, table) => sum + table.missing, 0);
  if (missing > 0) return `${missing} rows not in the warehouse`;
  return warehouse?.unread === true ? 'new records not in the warehouse' : 'ok';
}
