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

/** From a build's finish to its row. */
function lagText({ p50Ms, p99Ms, maxMs }: LagSummary): string {
  const [p50, p99, max] = [p50Ms, p99Ms, maxMs].map((ms) => (ms / 1000).toFixed(1));
  return `${p50} s from finish to row (median), ${p99} s at the 99th percentile, ${max} s at most`;
}
