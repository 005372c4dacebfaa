import type { Run } from './run.ts';
import { medianOf, short } from './statistics.ts';

/** One line of the table of what is to be reached. */
export interface Goal {
  readonly work: string;
  readonly wanted: string;
  /** Undefined where it could not be measured. */
  readonly measured: number | undefined;
  readonly unit: string;
  readonly met: boolean | undefined;
}

export function atLeast(work: string, least: number, measured: number | undefined, unit = '×'): Goal {
  const met = measured === undefined ? undefined : measured >= least;
  return { work, wanted: `≥ ${least}${unit}`, measured, unit, met };
}

export function atMost(work: string, most: number, measured: number | undefined, unit = '×'): Goal {
  const met = measured === undefined ? undefined : measured <= most;
  return { work, wanted: `≤ ${most}${unit}`, measured, unit, met };
}

export function goalRows(goals: readonly Goal[]): readonly (readonly string[])[] {
  const rows = goals.map(({ work, wanted, measured, unit, met }) => [
    work,
    wanted,
    measured === undefined ? 'not measured' : `${short(measured)}${unit}`,
    met === undefined ? '-' : met ? 'yes' : 'NO',
  ]);
  return [['goal', 'wanted', 'measured', 'met'], ...rows];
}

/** Runs of one work, by side. */
export function figureOf(
  runs: readonly Run[],
  work: string,
  side: string,
  figure: (run: Run) => number | undefined,
): number | undefined {
  return medianOf(
    runs.filter((run) => run.work === work && run.side === side && run.failed === undefined),
    figure,
  );
}

/** The other side's median over ours; undefined when one is missing. */
export function ratio(over: number | undefined, under: number | undefined): number | undefined {
  return over === undefined || under === undefined || under === 0 ? undefined : over / under;
}

/** How many times faster ours does a work than another side. */
export function timesFaster(runs: readonly Run[], work: string, other: string): number | undefined {
  const wall = (side: string) => figureOf(runs, work, side, (run) => run.wallS);
  return ratio(wall(other), wall('samovar'));
}

export function requestsOf({ requests }: Run): number | undefined {
  return requests && Object.values(requests).reduce((sum, count) => sum + count, 0);
}
