import type { CheckResult } from '../jobs/doctor.ts';
import { paint } from './colour.ts';
import { safeText } from './text.ts';

const SIGNS = { ok: 'ok     ', warning: 'WARNING', failed: 'FAILED ', skipped: '-      ' } as const;
const NAME_CHARS_MAX = 44;

/** `samovar doctor`, for people: a line for each check, with what to do below those that found something. */
export function doctorText(results: readonly CheckResult[]): string {
  const areas = [...new Set(results.map(({ area }) => area))];
  const width = Math.min(NAME_CHARS_MAX, Math.max(...results.map(({ name }) => name.length)));
  return [
    ...areas.flatMap((area) => [
      paint('stdout').bold(safeText(area)),
      ...results.filter((result) => result.area === area).flatMap((result) => lines(result, width)),
    ]),
    '',
    summary(results),
  ].join('\n');
}

function lines(result: CheckResult, width: number): readonly string[] {
  const { state, name, detail } = result;
  const colours = paint('stdout');
  const sign = { ok: colours.green, warning: colours.yellow, failed: colours.red, skipped: colours.dim }[
    state
  ];
  const first = `  ${sign(SIGNS[state])} ${safeText(name).padEnd(width)} ${safeText(detail)}`;
  return 'remedy' in result ? [first, `          ${safeText(result.remedy)}`] : [first];
}

function summary(results: readonly CheckResult[]): string {
  const count = (state: CheckResult['state']) => results.filter((result) => result.state === state).length;
  const [failures, warnings, skips] = [count('failed'), count('warning'), count('skipped')];
  const parts = [
    `${results.length} checks`,
    failures === 0 ? 'none failed' : `${failures} failed`,
    ...(warnings > 0 ? [`${warnings} with a warning`] : []),
    ...(skips > 0 ? [`${skips} not made`] : []),
  ];
  const text = `${parts.join(', ')}.`;
  return failures === 0 ? paint('stdout').green(text) : paint('stdout').red(text);
}
