/** Letters of every script, digits and what marks a placeholder; a run without an end is many words. */
const WORD = /[\w<>\u00aa-\uffff]{1,32}/g;

/** A text as the numbers of its words, in their order. */
export interface Words {
  readonly list: Int32Array;
  /** The words that are in fewest texts, first: as many as two near texts must share one of. */
  readonly rarest: Int32Array;
}

export interface WordBook {
  /** Counts the text's words: before any `wordsOf`. */
  count(text: string): void;
  wordsOf(text: string): Words;
}

/** Two texts are near when so many of ten words differ at most. */
const DIFFERENT_SHARE = 0.1;

/** Edits by which texts of so many words may differ. Below ten words it is none: such texts are the same, or they are not. */
export function editsMax(wordsA: number, wordsB: number): number {
  return Math.floor(((wordsA + wordsB) / 2) * DIFFERENT_SHARE);
}

/** As `editsMax`, against the longest text that can be near. */
function editsMaxOf(words: number): number {
  return Math.floor((words * DIFFERENT_SHARE) / (1 - DIFFERENT_SHARE / 2));
}

/**
 * Numbers words, and orders them by the number of texts that have them (then by their letters, so that the order in which texts come
 * does not matter). Lists that `k` edits make equal lack at most `k` of each other's words: among the `k + 1` rarest of each there is one
 * that both have. That is what finds near texts without comparing all of them.
 */
export function createWordBook(): WordBook {
  const numbers = new Map<string, number>();
  const spelling: string[] = [];
  const texts: number[] = [];
  const numberOf = (word: string) => {
    const known = numbers.get(word);
    if (known !== undefined) return known;
    numbers.set(word, spelling.length);
    texts.push(0);
    return spelling.push(word) - 1;
  };
  const listOf = (text: string) => Int32Array.from(text.match(WORD) ?? [], numberOf);
  const byRarity = (a: number, b: number) =>
    (texts[a] ?? 0) - (texts[b] ?? 0) || ((spelling[a] ?? '') < (spelling[b] ?? '') ? -1 : a === b ? 0 : 1);
  return {
    count(text) {
      for (const word of new Set(listOf(text))) texts[word] = (texts[word] ?? 0) + 1;
    },
    wordsOf(text) {
      const list = listOf(text);
      const rarest = list
        .slice()
        .sort(byRarity)
        .slice(0, editsMaxOf(list.length) + 1);
      return { list, rarest: Int32Array.from(new Set(rarest)) };
    },
  };
}
