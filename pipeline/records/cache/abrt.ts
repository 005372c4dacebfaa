import { fieldsOf, listOf, sift, textOf, wholeOf } from './fields.ts';

export type AbrtIssues = {
  readonly problems_present: boolean;
  readonly retrace_link: string;
  readonly outstanding_problems: readonly AbrtProblem[];
};

export type AbrtProblem = {
  readonly id: number;
  readonly crash_function: string;
  readonly count: number;
  readonly url: string;
};

/** How far over the mean, in standard deviations, a problem's count is outstanding. */
const OUTSTANDING_SIGMAS = 2.7;

/** Of a page's problems: which crash much oftener than the package's others do. Among fewer than nine problems none can. */
export function abrtValue(
  problems: unknown,
  { faf, link }: { readonly faf: string; readonly link: string },
): { readonly value: AbrtIssues; readonly leftOut: number } {
  const { items, leftOut } = sift(problems, 'the problems of FAF', (item) => problemOf(item, faf));
  const counts = items.map(({ count }) => count);
  const mean = counts.reduce((sum, count) => sum + count, 0) / Math.max(1, counts.length);
  const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / Math.max(1, counts.length);
  const limit = mean + OUTSTANDING_SIGMAS * Math.sqrt(variance);
  const outstanding = items.filter(({ count }) => count > limit);
  outstanding.sort((a, b) => b.count - a.count || a.id - b.id);
  return {
    value: { problems_present: items.length > 0, retrace_link: link, outstanding_problems: outstanding },
    leftOut,
  };
}

function problemOf(item: unknown, faf: string): AbrtProblem | undefined {
  const fields = fieldsOf(item);
  const id = wholeOf(fields?.id);
  if (fields === undefined || id === undefined) return undefined;
  const reports = listOf(fields.reports) ?? [];
  const counted = reports.reduce<number>((sum, one) => sum + (wholeOf(fieldsOf(one)?.count) ?? 1), 0);
  return {
    id,
    crash_function: textOf(fields.crash_function) ?? '',
    count: wholeOf(fields.count) ?? counted,
    url: `${faf}/problems/${id}/`,
  };
}
