import { describe, expect, it } from 'vitest';
import { randomFor } from '../../pipeline/demo/random.ts';
import { assignClusters, type ClusterSeed, clusterId, type NewText } from '../../pipeline/triage/cluster.ts';
import { boundedDistance } from '../../pipeline/triage/edit-distance.ts';
import { createMatcher } from '../../pipeline/triage/matcher.ts';
import { createWordBook, editsMax } from '../../pipeline/triage/words.ts';

const random = randomFor('clusters');
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const word = () => Array.from({ length: 6 }, () => LETTERS.charAt(random.below(26))).join('');
const sentence = (words: number) => Array.from({ length: words }, word).join(' ');

/** The text with so many of its words changed. */
function changed(text: string, edits: number): string {
  const words = text.split(' ');
  for (let at = 0; at < edits; at += 1) words[Math.floor((at * words.length) / edits)] = word();
  return words.join(' ');
}

function clustersOf(texts: readonly NewText[], earlier: readonly ClusterSeed[] = []): Map<string, string> {
  return new Map([...assignClusters(texts, earlier)].map(({ text, cluster }) => [text, cluster.id]));
}

const failing = (text: string, test = 'test', failures = 1): NewText => ({ text, test, failures });

function shuffled<T>(list: readonly T[]): readonly T[] {
  return list
    .map((value) => [random.next(), value] as const)
    .sort(([a], [b]) => a - b)
    .map(([, value]) => value);
}

describe('clusters of texts', () => {
  it('have the texts that differ by a word in ten at most, in one test and over tests', () => {
    const base = sentence(40);
    const [near, elsewhere, far] = [changed(base, 4), changed(base, 3), changed(base, 9)];
    const clusters = clustersOf([
      failing(base, 'a', 10),
      failing(near, 'a'),
      failing(elsewhere, 'b'),
      failing(far, 'a'),
    ]);
    expect(clusters.get(near)).toBe(clusterId(base));
    expect(clusters.get(elsewhere)).toBe(clusterId(base));
    expect(clusters.get(far)).toBe(clusterId(far));
  });

  it('keep short texts apart that are not the same words', () => {
    const clusters = clustersOf([failing('exit status 1', 'a'), failing('exit status 2', 'a')]);
    expect(new Set(clusters.values()).size).toBe(2);
  });

  it('do not depend on the order in which texts come', () => {
    const texts = Array.from({ length: 30 }, () => sentence(30)).flatMap((base, at) =>
      Array.from({ length: 8 }, (_, edits) =>
        failing(changed(base, edits % 4), `test ${(at + edits) % 7}`, 1 + ((at * edits) % 5)),
      ),
    );
    const wanted = [...clustersOf(texts)].sort();
    for (let round = 0; round < 5; round += 1)
      expect([...clustersOf(shuffled(texts))].sort()).toEqual(wanted);
  });

  it('keep their ids from day to day, whatever text is the most frequent', () => {
    const base = sentence(50);
    const [first] = [...assignClusters([failing(base)], [])];
    const next = changed(base, 4);
    const later = clustersOf([failing(next, 'another', 1_000)], first === undefined ? [] : [first.cluster]);
    expect(later.get(next)).toBe(clusterId(base));
  });

  it('take the nearest of the earlier ones', () => {
    const base = sentence(60);
    const [near, nearer] = [changed(base, 4), changed(base, 1)];
    const seeds = [near, nearer].map((text) => ({ id: clusterId(text), text }));
    expect(clustersOf([failing(base)], seeds).get(base)).toBe(clusterId(nearer));
    expect(clustersOf([failing(base)], seeds.toReversed()).get(base)).toBe(clusterId(nearer));
  });

  it('are of texts without words too', () => {
    expect([...clustersOf([failing('!!!'), failing('???'), failing('')]).values()]).toEqual(
      expect.arrayContaining(['!!!', '???', ''].map(clusterId)),
    );
  });

  it('end soon when all texts are made of the same few words', () => {
    const texts = Array.from({ length: 1_500 }, (_, at) =>
      failing(Array.from({ length: 200 }, (__, place) => `w${(place * at * 7 + at) % 40}`).join(' '), 'one'),
    );
    const started = performance.now();
    clustersOf([...new Map(texts.map((entry) => [entry.text, entry])).values()]);
    expect(performance.now() - started).toBeLessThan(60_000);
  }, 120_000);
});

describe('the search for a near text', () => {
  it('finds one wherever comparing with each would', () => {
    const bases = Array.from({ length: 20 }, () => sentence(10 + random.below(40)));
    const texts = bases.flatMap((base) => [base, changed(base, 1), changed(base, 3)]);
    const book = createWordBook();
    for (const text of texts) book.count(text);
    const matcher = createMatcher();
    for (const base of bases) matcher.add(base, book.wordsOf(base));
    for (const text of texts) {
      const { list } = book.wordsOf(text);
      const isNear = bases.some((base) => {
        const other = book.wordsOf(base).list;
        const max = editsMax(list.length, other.length);
        return boundedDistance(list, other, max) <= max;
      });
      expect(matcher.nearest(book.wordsOf(text)) !== undefined, text).toBe(isNear);
    }
  });
});
