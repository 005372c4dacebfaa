import type { CollectStats } from '../collect/stats.ts';
import type { RootFailure } from '../jobs/builds.ts';
import type { Store } from '../store/open.ts';
import { paint } from './colour.ts';
import { byteSize, duration } from './progress.ts';
import { safeText } from './text.ts';

export interface CollectionSummary {
  readonly stats: CollectStats;
  readonly failures: readonly RootFailure[];
  readonly seconds: number;
}

/** What a collection did, in a few lines. */
export function collectionText({ stats, failures, seconds }: CollectionSummary, store: Store): string {
  const counts = store.builds.counts();
  const requests = stats.requests.list + stats.requests.read;
  const letters = store.deadLetters.count();
  const lines = [
    `${stats.added} builds added, ${stats.rechecked} looked at again, ${stats.rows} rows made, ${stats.tests} tests from ${stats.junitFiles} JUnit files, in ${duration(seconds)}`,
    `${requests} requests (${stats.requests.list} lists), ${byteSize(stats.bytes)} read, ${stats.retries} retries`,
    `${store.file}: ${counts.builds} builds, ${counts.finished} finished, ${counts.open} still watched`,
  ];
  if (letters > 0) lines.push(`${letters} dead letters: see \`samovar dead-letters list\``);
  for (const { root, reason, remedy } of failures)
    lines.push(`${paint('stdout').red('FAILED')} ${root}: ${safeText(reason)}${remedy ? ` ${remedy}` : ''}`);
  return lines.join('\n');
}
