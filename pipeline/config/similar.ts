/** The known name nearest to a mistyped one, when it is near enough to be meant: a third of its letters may differ. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(name.length / 3));
  let best: { readonly word: string; readonly distance: number } | undefined;
  for (const word of known) {
    if (Math.abs(word.length - name.length) > limit) continue;
    const distance = editDistance(name.toLowerCase(), word.toLowerCase());
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { word, distance };
  }
  return best?.word;
}

/** `Did you mean "week"? `, for the beginning of a remedy; empty when nothing is near. */
export function guess(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === undefined ? '' : `Did you mean "${near}"? `;
}

/** Letters to add, drop or change, or neighbours to swap (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let above2: readonly number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const change = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const swap = isSwap ? (above2[column - 2] ?? 0) + 1 : change;
      current.push(Math.min((above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, change, swap));
    }
    above2 = above;
    above = current;
  }
  return above[b.length] ?? 0;
}
