import type { DemoResult } from '../jobs/mutation-demo.ts';
import { queryText } from './mutation-query.ts';
import { statsText } from './mutation-tools.ts';

export interface DemoPlaces {
  /** Folder of the logs. */
  readonly logs: string;
  /** Settings file that names all of the demo's places. */
  readonly settings: string;
}

const HEADS: Readonly<Record<string, string>> = {
  'open-issues': 'Open issues of each label, by age in days',
  'first-response': 'Time to the first answer, in hours',
  'review-load': 'Reviews of each reviewer',
};

/** What the demo did, what it found, what to try next. */
export function demoText(result: DemoResult, { logs, settings }: DemoPlaces): string {
  const { repositories, added, replayed, rows, asOfMs, queries } = result;
  const day = new Date(asOfMs).toISOString().slice(0, 10);
  const isNew = added > 0 || replayed > 0 || rows > 0;
  return [
    isNew
      ? `${added} mutations written to ${logs}, ${replayed} replayed into the database, ${rows} rows loaded into DuckDB`
      : `Nothing new: all of it is in ${logs}, in the database and in DuckDB already`,
    `Two made-up repositories, recorded until ${day}`,
    '',
    statsText(repositories),
    ...queries.flatMap((query) => ['', `${HEADS[query.name] ?? query.name}:`, queryText(query)]),
    '',
    'Try next:',
    `  samovar mutation-log export --kind comments --config ${settings} | head -3`,
    `  samovar mutation-log slo --config ${settings}`,
    `  samovar mutation-log serve --config ${settings}`,
    '  SAMOVAR_GITHUB_TOKENS=... samovar mutation-log sync OWNER/REPO --once',
  ].join('\n');
}
