import type { Finding, SetupStep } from '../backends/setup/contract.ts';
import { describeError, SamovarError } from '../errors.ts';

export type StepState =
  | 'there'
  | 'created'
  | 'changed'
  | 'would be created'
  | 'would be changed'
  | 'differs'
  | 'by hand'
  | 'failed';

export interface StepResult {
  readonly what: string;
  readonly state: StepState;
  /** What differs, which command to run, or why it failed. */
  readonly detail: string;
}

/** Works through the steps in order. One that fails is told, and the others are tried all the same. */
export async function runSetup(
  steps: readonly SetupStep[],
  options: { readonly dryRun: boolean; readonly signal: AbortSignal },
): Promise<readonly StepResult[]> {
  const results: StepResult[] = [];
  for (const step of steps) {
    if (options.signal.aborted) break;
    results.push(await runStep(step, options.dryRun));
  }
  return results;
}

async function runStep(step: SetupStep, dryRun: boolean): Promise<StepResult> {
  const { what } = step;
  try {
    const found = await step.look();
    const known = settled(found);
    if (known !== undefined) return { what, ...known };
    const detail = found.state === 'differs' ? found.detail : '';
    const missing = found.state === 'missing';
    if (dryRun) return { what, state: missing ? 'would be created' : 'would be changed', detail };
    await step.apply();
    return { what, state: missing ? 'created' : 'changed', detail };
  } catch (error) {
    const remedy = error instanceof SamovarError && error.remedy !== undefined ? ` ${error.remedy}` : '';
    return { what, state: 'failed', detail: `${describeError(error)}${remedy}` };
  }
}

/** What is known without doing anything. */
function settled(found: Finding): Pick<StepResult, 'state' | 'detail'> | undefined {
  if (found.state === 'there') return { state: 'there', detail: '' };
  if (found.state === 'by-hand') return { state: 'by hand', detail: found.command };
  if (found.state === 'differs' && !found.mendable) return { state: 'differs', detail: found.detail };
  return undefined;
}
