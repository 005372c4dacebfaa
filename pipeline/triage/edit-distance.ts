/**
 * Edits (a value put in, taken out or changed) that make one list of the other, or `max` + 1 when there are more: then no more
 * than a band of `max` cells on either side of the diagonal has been looked at.
 */
export function boundedDistance(a: Int32Array, b: Int32Array, max: number): number {
  if (Math.abs(a.length - b.length) > max) return max + 1;
  let start = 0;
  let [aEnd, bEnd] = [a.length, b.length];
  while (start < aEnd && start < bEnd && a[start] === b[start]) start += 1;
  while (aEnd > start && bEnd > start && a[aEnd - 1] === b[bEnd - 1]) {
    aEnd -= 1;
    bEnd -= 1;
  }
  return banded(a.subarray(start, aEnd), b.subarray(start, bEnd), max);
}

function banded(a: Int32Array, b: Int32Array, max: number): number {
  const over = max + 1;
  let above = new Int32Array(b.length + 1).fill(over);
  let row = new Int32Array(b.length + 1).fill(over);
  for (let at = 0; at <= Math.min(b.length, max); at += 1) above[at] = at;
  for (let line = 1; line <= a.length; line += 1) {
    const from = Math.max(1, line - max);
    const to = Math.min(b.length, line + max);
    row[from - 1] = from === 1 ? Math.min(line, over) : over;
    let least = row[from - 1] ?? over;
    for (let at = from; at <= to; at += 1) {
      const changed = (above[at - 1] ?? over) + (a[line - 1] === b[at - 1] ? 0 : 1);
      const cost = Math.min(changed, (above[at] ?? over) + 1, (row[at - 1] ?? over) + 1, over);
      row[at] = cost;
      if (cost < least) least = cost;
    }
    if (least > max) return over;
    [above, row] = [row, above];
  }
  return above[b.length] ?? over;
}
