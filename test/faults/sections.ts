import type { Section } from './case.ts';
import { killSection } from './kills.ts';
import { fileToDuckDb } from './scenarios/file-duckdb.ts';
import type { Bench } from './world.ts';

/** Everything the harness does, in the order of the table. */
export function sectionsOf(bench: Bench): readonly Section[] {
  return [killSection(bench, fileToDuckDb)];
}
