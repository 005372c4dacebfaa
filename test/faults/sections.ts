import type { Section } from './case.ts';
import { diskSection } from './disk.ts';
import { harnessSection } from './harness.ts';
import { killSection } from './kills.ts';
import { fileToDuckDb } from './scenarios/file-duckdb.ts';
import { gsToBigQuery } from './scenarios/gs-bigquery.ts';
import { syncGithub } from './scenarios/mutation-sync.ts';
import { streamFileToDuckDb, streamPubSub } from './scenarios/stream.ts';
import { supersededInBigQuery, supersededInDuckDb } from './scenarios/superseded.ts';
import { serverSection } from './servers.ts';
import { soakSection } from './soak.ts';
import { streamFaultSections } from './stream-faults.ts';
import { meetingSection } from './two-processes.ts';
import type { Bench } from './world.ts';

const SCENARIOS = [
  fileToDuckDb,
  gsToBigQuery,
  supersededInDuckDb,
  supersededInBigQuery,
  streamFileToDuckDb,
  streamPubSub('DuckDB', 'load'),
  streamPubSub('BigQuery', 'load'),
  streamPubSub('BigQuery', 'storage-write'),
  streamPubSub('BigQuery', 'insert-all'),
  syncGithub,
];

/** Everything the harness does, in the order of the table: last what takes as much time as there is. */
export function sectionsOf(bench: Bench): readonly Section[] {
  return [
    harnessSection(bench),
    meetingSection(bench),
    diskSection(bench),
    serverSection(bench),
    ...streamFaultSections(bench),
    soakSection(bench),
    ...SCENARIOS.map((scenario) => killSection(bench, scenario)),
  ];
}
