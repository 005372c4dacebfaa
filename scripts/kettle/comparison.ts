import type { ServedBucket } from '../bench/corpus/index.ts';
import { DELIBERATE, type Difference } from './differences.ts';
import { type BuildFacts, factsOf } from './facts.ts';

/** A difference with the id of what explains it; undefined: nothing does. */
export interface Classified extends Difference {
  readonly id: string | undefined;
}

export interface Comparison {
  readonly kettleRows: number;
  readonly ourRows: number;
  readonly differences: readonly Classified[];
}

const VALUE_CHARS_MAX = 160;

/** Finds for every difference the deliberate one that explains it from what the bucket holds. */
export function classify(
  differences: readonly Difference[],
  buckets: ReadonlyMap<string, ServedBucket>,
): readonly Classified[] {
  let facts: BuildFacts | undefined;
  return differences.map((difference) => {
    if (facts?.path !== difference.path) facts = factsOf(buckets, difference.path);
    const of = facts;
    return { ...difference, id: DELIBERATE.find((deliberate) => deliberate.explains(difference, of))?.id };
  });
}

/** Every differing row and field, then how often each deliberate difference was met, then the verdict. */
export function comparisonText({ kettleRows, ourRows, differences }: Comparison): string {
  const rows = new Set(differences.map(({ path }) => path));
  const lines = [...rows].flatMap((path) => [
    path,
    ...differences.filter((difference) => difference.path === path).map(differenceLine),
  ]);
  const unlisted = differences.filter(({ id }) => id === undefined).length;
  const counts = DELIBERATE.map(({ id, reason }) => ({
    reason,
    id,
    count: differences.filter((difference) => difference.id === id).length,
  }));
  const met = counts
    .filter(({ count }) => count > 0)
    .map(({ id, count, reason }) => `  ${String(count).padStart(6)}  ${id}: ${reason}`);
  const verdict =
    unlisted === 0 ? 'only deliberate differences' : `${unlisted} differences that are not in the list`;
  return [
    ...lines,
    '',
    `${kettleRows} rows of Kettle, ${ourRows} of ours, ${rows.size} differ`,
    ...met,
    verdict,
    '',
  ].join('\n');
}

function differenceLine({ field, test, kettle, ours, id }: Classified): string {
  const place = test === undefined ? field : `${field} of ${JSON.stringify(test)}`;
  return `  [${id ?? 'NOT LISTED'}] ${place}: Kettle ${cut(kettle)}, ours ${cut(ours)}`;
}

function cut(value: string | undefined): string {
  if (value === undefined) return 'nothing';
  return value.length > VALUE_CHARS_MAX ? `${value.slice(0, VALUE_CHARS_MAX)}…` : value;
}
