import { boundedDistance } from './edit-distance.ts';
import { editsMax, type Words } from './words.ts';

/** Texts of one rare word that are looked at: more have it only where texts are made to be alike. */
const PLACES_MAX = 1_000;
/** Texts whose distance is measured, those that share most rare words first. */
const MEASURED_MAX = 16;

/** Finds a text near to another among those it was given. */
export interface Matcher {
  add(id: string, words: Words): void;
  /** The nearest; of equally near ones the first that was added. */
  nearest(words: Words): string | undefined;
}

export function createMatcher(): Matcher {
  const ids: string[] = [];
  const lists: Int32Array[] = [];
  const places = new Map<number, number[]>();

  /** Those that share a rare word and are not too long or short, most shared words first. */
  const candidates = ({ list, rarest }: Words): readonly number[] => {
    const shared = new Map<number, number>();
    for (const word of rarest)
      for (const at of places.get(word) ?? []) shared.set(at, (shared.get(at) ?? 0) + 1);
    return [...shared]
      .filter(([at]) => {
        const length = lists[at]?.length ?? 0;
        return Math.abs(length - list.length) <= editsMax(length, list.length);
      })
      .sort(([a, countA], [b, countB]) => countB - countA || a - b)
      .slice(0, MEASURED_MAX)
      .map(([at]) => at);
  };

  return {
    add(id, words) {
      const at = ids.push(id) - 1;
      lists.push(words.list);
      for (const word of words.rarest) {
        const of = places.get(word);
        if (of === undefined) places.set(word, [at]);
        else if (of.length < PLACES_MAX) of.push(at);
      }
    },
    nearest(words) {
      let best: { readonly at: number; readonly edits: number } | undefined;
      for (const at of candidates(words)) {
        const list = lists[at] ?? new Int32Array();
        const max = editsMax(list.length, words.list.length);
        // One that is as near as the best so far counts only when it came first.
        const bound = best === undefined ? max : Math.min(max, at < best.at ? best.edits : best.edits - 1);
        const edits = bound < 0 ? 1 : boundedDistance(list, words.list, bound);
        if (edits <= bound) best = { at, edits };
      }
      return best === undefined ? undefined : ids[best.at];
    },
  };
}
