import type { Section } from './case.ts';
import { killSection } from './kills.ts';
import { fileToDuckDb } from './scenarios/file-duckdb.ts';
import { gsToBigQuery } from './scenarios/gs-bigquery.ts';
import { supersededInBigQuery, supersededInDuckDb } from './scenarios/superseded.ts';
import { serverSection } from './servers.ts';
import type { Bench } from './world.ts';

/** Everything the harness does, in the order of the table. */
export function sectionsOf(bench: Bench): readonly Section[] {
  return [...SCENARIOS.map((scenario) => killSection(bench, scenario)), serverSection(bench)];
}

const SCENARIOS = [fileToDuckDb, gsToBigQuery, supersededInDuckDb, supersededInBigQuery];
