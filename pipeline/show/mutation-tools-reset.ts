import type { ResetPlan, ResetStep } from '../jobs/mutation-reset.ts';
import type { ResetState } from '../jobs/mutation-reset-state.ts';
import { byteSize } from './progress.ts';

/** What would be done, and how to have it done. */
export function planText(plan: ResetPlan): string {
  const { repository, kind, log, segments, bytes, worker, archive, restores, done, steps } = plan;
  return [
    kind === 'reset' ? `Reset of ${repository}` : `Bringing back ${repository}`,
    `  log       ${log} (${segments} segments, ${byteSize(bytes)})`,
    `  worker    ${worker}`,
    `  archive   ${archive}`,
    ...(restores === undefined ? [] : [`  from      ${restores}`]),
    'Steps:',
    ...steps.map(
      ({ step, text }, at) => `  ${at + 1}. ${text}${done.includes(step) ? ' (done before)' : ''}`,
    ),
    ...(kind === 'reset'
      ? ['What was deleted on GitHub and how texts were before they were edited is then only in the archive.']
      : []),
    'Nothing was done. With --yes it is.',
  ].join('\n');
}

export function stepText({ step, state, text }: ResetStep): string {
  return `${step}: ${text}${state === 'before' ? ' (done before)' : state === 'done' ? ': done' : ''}`;
}

export function resetText({ repository, kind, time, restores }: ResetState): string {
  return kind === 'reset'
    ? `${repository} is reset; back with: samovar mutation-log reset ${repository} --undo ${time}`
    : `${repository} is ${restores === undefined ? 'as it was' : `back as of ${restores}`}`;
}
