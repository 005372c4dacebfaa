import { type Case, isGood, type Verdict } from './case.ts';
import { groupBy } from './group.ts';

export interface Outcome {
  readonly section: string;
  readonly given: Pick<Case, 'fault' | 'stage' | 'label' | 'replay'>;
  readonly verdict: Verdict;
}

export interface ReportRow {
  readonly fault: string;
  readonly stage: string;
  readonly injected: number;
  readonly lost: number;
  readonly doubled: number;
  readonly other: number;
}

/** One row for each fault and stage, in the order they came. */
export function reportRows(outcomes: readonly Outcome[]): readonly ReportRow[] {
  const groups = groupBy(outcomes, ({ given }) => `${given.stage}\0${given.fault}`);
  return [...groups.values()].map((group) => {
    const sum = (of: (verdict: Verdict) => number) =>
      group.reduce((total, { verdict }) => total + of(verdict), 0);
    return {
      fault: group[0]?.given.fault ?? '',
      stage: group[0]?.given.stage ?? '',
      injected: sum(({ injected }) => injected),
      lost: sum(({ lost }) => lost),
      doubled: sum(({ doubled }) => doubled),
      other: sum(({ problems }) => problems.length),
    };
  });
}

/** A fault that never happened proves nothing: a whole row without one is a failure too. */
export function hasFailed(outcomes: readonly Outcome[]): boolean {
  return (
    outcomes.some(({ verdict }) => !isGood(verdict)) ||
    reportRows(outcomes).some(({ injected }) => injected === 0)
  );
}

const HEAD = {
  fault: 'fault',
  stage: 'stage',
  injected: 'injected',
  lost: 'rows lost',
  doubled: 'rows doubled',
  other: 'else',
};

export function reportText(rows: readonly ReportRow[]): string {
  const lines = [HEAD, ...rows].map((row) =>
    [row.fault, row.stage, row.injected, row.lost, row.doubled, row.other].map(String),
  );
  const widths = HEAD_KEYS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((text, column) => pad(text, widths[column] ?? 0, column < 2))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const HEAD_KEYS = Object.keys(HEAD);
const pad = (text: string, width: number, left: boolean) =>
  left ? text.padEnd(width) : text.padStart(width);

/** What is needed to find out about one failure. */
export function failureText({ given, verdict }: Outcome, seed: number): string {
  const few = (list: readonly string[]) =>
    list.length > 10 ? [...list.slice(0, 10), `and ${list.length - 10} more`] : list;
  return [
    `FAILED: ${given.stage}: ${given.fault}: ${given.label}`,
    `  lost ${verdict.lost}, doubled ${verdict.doubled}`,
    ...few(verdict.problems).map((text) => `  ${text}`),
    ...few(verdict.paths).map((text) => `  differs: ${text}`),
    `  again: npm run test:faults -- ${given.replay} --seed ${seed}`,
    ...(verdict.stderr.trim() === ''
      ? []
      : ['  the last lines of its stderr:', ...verdict.stderr.split('\n').map((line) => `    ${line}`)]),
  ].join('\n');
}
