import { createHash } from 'node:crypto';
import { createMatcher, type Matcher } from './matcher.ts';
import { createWordBook, type WordBook, type Words } from './words.ts';

/** A normalised text that no cluster has yet. */
export interface NewText {
  readonly text: string;
  /** The test that fails with it most often; of equal ones the first by name. */
  readonly test: string;
  readonly failures: number;
}

/** A cluster is known by the text it began with; texts near to that belong to it. */
export interface ClusterSeed {
  readonly id: string;
  readonly text: string;
}

/** The cluster of a text: `known` is the id of an earlier one, else the text that begins a new one. */
export interface Assigned {
  readonly text: string;
  readonly cluster: ClusterSeed;
}

/** Hex digits of a cluster's id, out of the SHA-1 of its text. */
const ID_DIGITS = 20;

export function clusterId(text: string): string {
  return createHash('sha1').update(text).digest('hex').slice(0, ID_DIGITS);
}

/**
 * Gives each text its cluster: an earlier one that is near; else texts of one test that are near to each other go together, and then
 * such groups of all tests. A function of what is given, in whatever order. Memory: the texts and clusters, and their words.
 */
export function* assignClusters(
  texts: readonly NewText[],
  earlier: readonly ClusterSeed[],
): Generator<Assigned> {
  const book = createWordBook();
  for (const { text } of [...texts, ...earlier]) book.count(text);
  const seeds = new Map(earlier.map((seed) => [seed.id, seed]));
  const everywhere = createMatcher();
  for (const seed of [...earlier].sort(byId)) everywhere.add(seed.id, book.wordsOf(seed.text));

  const fresh: NewText[] = [];
  for (const entry of [...texts].sort(byWeight)) {
    const cluster =
      seeds.get(clusterId(entry.text)) ?? nearestOf(seeds, everywhere, book.wordsOf(entry.text));
    if (cluster === undefined) fresh.push(entry);
    else yield { text: entry.text, cluster };
  }
  const groups = [...byTest(fresh).values()].flatMap((ofTest) => groupsOf(ofTest, book));
  for (const { first, members } of groups.sort((a, b) => byWeight(weightOf(a), weightOf(b)))) {
    const words = book.wordsOf(first.text);
    const cluster = nearestOf(seeds, everywhere, words) ?? { id: clusterId(first.text), text: first.text };
    if (!seeds.has(cluster.id)) {
      seeds.set(cluster.id, cluster);
      everywhere.add(cluster.id, words);
    }
    for (const { text } of members) yield { text, cluster };
  }
}

interface Group {
  /** The text that the others are near to: it fails most often. */
  readonly first: NewText;
  readonly members: NewText[];
}

/** Texts of one test, each with the first one before it that is near. */
function groupsOf(texts: readonly NewText[], book: WordBook): readonly Group[] {
  const groups = new Map<string, Group>();
  const matcher = createMatcher();
  for (const entry of texts) {
    const words = book.wordsOf(entry.text);
    const group = nearestOf(groups, matcher, words);
    if (group !== undefined) group.members.push(entry);
    else {
      groups.set(entry.text, { first: entry, members: [entry] });
      matcher.add(entry.text, words);
    }
  }
  return [...groups.values()];
}

function weightOf({ first, members }: Group): NewText {
  return { ...first, failures: members.reduce((sum, { failures }) => sum + failures, 0) };
}

function nearestOf<T>(of: ReadonlyMap<string, T>, matcher: Matcher, words: Words): T | undefined {
  const id = matcher.nearest(words);
  return id === undefined ? undefined : of.get(id);
}

function byTest(texts: readonly NewText[]): ReadonlyMap<string, NewText[]> {
  const tests = new Map<string, NewText[]>();
  for (const entry of texts) {
    const list = tests.get(entry.test);
    if (list === undefined) tests.set(entry.test, [entry]);
    else list.push(entry);
  }
  return tests;
}

/** Most failures first, so that what is seen most often names the cluster; then by the text itself. */
function byWeight(a: NewText, b: NewText): number {
  return b.failures - a.failures || (a.text < b.text ? -1 : a.text > b.text ? 1 : 0);
}

function byId(a: ClusterSeed, b: ClusterSeed): number {
  return a.id < b.id ? -1 : 1;
}
