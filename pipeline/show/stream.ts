import type { StreamSummary } from '../jobs/stream-state.ts';
import type { LagSummary } from '../stream/lags.ts';
import { textTable } from './table.ts';

/** The end of a stream in words. */
export function streamText({ events, tables, reconciled, lag }: StreamSummary): string {
  const { finished, noise, duplicate, poison } = events;
  return [
    `Stream: ${finished} builds told of, ${duplicate} told again, ${noise} other messages, ${poison} without success; ${reconciled} found by listing`,
    `Lag:    ${lag === undefined ? 'no row written' : lagText(lag)}`,
    '',
    textTable(
      [{ title: 'table' }, { title: 'rows', align: 'right' }],
      tables.map(({ table, rows }) => [table, rows]),
    ),
  ].join('\n');
}

export interface StreamPlan {
  readonly queues: readonly string[];
  readonly tables: readonly string[];
}

/** What would be followed. */
export function streamPlanText({ queues, tables }: StreamPlan): string {
  const what =
    queues.length === 0
      ? 'There is nothing to follow: no subscription is named (--poll) and no bucket is a folder'
      : `Would follow ${queues.join(', ')} and write into ${tables.join(', ')}`;
  return `${what} (dry run: nothing was done)`;
}

/** From a build's finish to its row. */
function lagText({ p50Ms, p99Ms, maxMs }: LagSummary): string {
  const [p50, p99, max] = [p50Ms, p99Ms, maxMs].map((ms) => (ms / 1000).toFixed(1));
  return `${p50} s from finish to row (median), ${p99} s at the 99th percentile, ${max} s at most`;
}
