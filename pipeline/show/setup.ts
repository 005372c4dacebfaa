import type { StepResult } from '../jobs/setup.ts';
import { safeText } from './text.ts';

/** Each step with what became of it; commands for what somebody else must do stand below, to be copied. */
export function setupText(results: readonly StepResult[]): string {
  if (results.length === 0) return 'nothing is needed: folders are watched as they are';
  const width = Math.max(...results.map(({ state }) => state.length));
  const lines = results.map(({ what, state, detail }) => {
    const more = detail === '' || state === 'by hand' ? '' : `: ${detail}`;
    return `${state.padEnd(width)}  ${safeText(what + more)}`;
  });
  const commands = results
    .filter(({ state }) => state === 'by hand')
    .map(({ detail }) => `    ${safeText(detail)}`);
  return [
    ...lines,
    ...(commands.length === 0 ? [] : ['', 'By hand, by somebody who may:', ...commands]),
  ].join('\n');
}
