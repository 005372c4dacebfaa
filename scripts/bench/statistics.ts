/** The middle value; of an even number the mean of the middle two. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

/** The median of a figure over repeated runs, leaving out runs that do not have it; undefined when none has. */
export function medianOf<T>(runs: readonly T[], figure: (run: T) => number | undefined): number | undefined {
  const values = runs.map(figure).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : median(values);
}

/** A number as a person reads it: three digits that count. */
export function short(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '-';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}
