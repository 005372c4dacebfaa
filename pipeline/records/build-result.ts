import { type JsonObject, pythonJson } from './json.ts';
import { loadable } from './text.ts';

/** States of a ProwJob. Prow's pods write them in capitals into finished.json, its crier, which steps in for them, does not. */
const PROW_STATES: ReadonlySet<string> = new Set([
  'scheduling',
  'triggered',
  'pending',
  'success',
  'failure',
  'aborted',
  'error',
]);

/**
 * The columns `passed` and `result`. The boolean is the truth where there is one (Kettle lets the text overrule it, and so
 * takes crier's `success` for a failure); each stands in for the other where that is missing.
 */
export function buildResult(finished: JsonObject | undefined): {
  readonly passed?: boolean;
  readonly result?: string;
} {
  const raw = finished?.result ?? undefined;
  const said = typeof finished?.passed === 'boolean' ? finished.passed : undefined;
  if (raw === undefined)
    return said === undefined ? {} : { passed: said, result: said ? 'SUCCESS' : 'FAILURE' };
  const text = typeof raw === 'string' ? raw : pythonJson(raw);
  const result = PROW_STATES.has(text) ? text.toUpperCase() : loadable(text);
  return { passed: said ?? text.toUpperCase() === 'SUCCESS', result };
}
