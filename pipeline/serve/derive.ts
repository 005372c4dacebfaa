import type { IssueEvent, Review, Timestamp } from '../records/mutation/types.ts';

/** What the labels of an issue say. */
export interface LabelMeaning {
  /** By the letters, whatever their case. */
  readonly sorted: readonly string[];
  /** 0 to 4; undefined: no label says so. */
  readonly priority: number | undefined;
  readonly type: 'BUG' | 'FEATURE' | 'QUESTION' | 'CLEANUP' | 'PROCESS' | undefined;
  readonly blocked: boolean;
  readonly releaseBlocking: boolean;
}

const BUGS: ReadonlySet<string> = new Set([
  'bug',
  'type: bug',
  'type:bug',
  'kind/bug',
  'end-to-end bugs',
  'type:bug/performance',
]);

/** In this order: a label that matches two is of the first. */
const TYPES = [
  ['FEATURE', /enhanc|feat|addition/],
  ['QUESTION', /question/],
  ['CLEANUP', /cleanup/],
  ['PROCESS', /process/],
] as const;

/** `p` and one digit as a word of its own: `http2`, `cpp1` and `p10` are no priorities. */
const PRIORITY = /(?<![a-z0-9])p([0-4])(?![a-z0-9])/g;

export function meaningOf(labels: readonly string[]): LabelMeaning {
  const sorted = [...labels].sort(byLetters);
  const lower = sorted.map((name) => name.toLowerCase());
  const blocked = lower.some((name) => name.includes('blocked'));
  return {
    sorted,
    priority: first(lower, priorityOf),
    type: first(lower, typeOf),
    blocked,
    releaseBlocking: !blocked && lower.some((name) => name.includes('blocking')),
  };
}

function priorityOf(label: string): number | undefined {
  const found = [...label.matchAll(PRIORITY)].map(([, digit]) => Number(digit));
  return found.length === 0 ? undefined : Math.min(...found);
}

function typeOf(label: string): LabelMeaning['type'] {
  if (BUGS.has(label)) return 'BUG';
  return TYPES.find(([, pattern]) => pattern.test(label))?.[0];
}

function first<T>(labels: readonly string[], of: (label: string) => T | undefined): T | undefined {
  for (const label of labels) {
    const value = of(label);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** By code points, without regard to case; where that says nothing, with it: the order never depends on a language. */
function byLetters(a: string, b: string): number {
  return compare(a.toLowerCase(), b.toLowerCase()) || compare(a, b);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The commit of the latest event that has one. `events` are in order of time. */
export function commitOf(
  events: readonly Pick<IssueEvent, 'id' | 'created' | 'commit'>[],
): string | undefined {
  return events.findLast(({ commit }) => commit?.commitId !== undefined)?.commit?.commitId;
}

/** Whether there is a review, and the last one of every reviewer approves. */
export function isApproved(reviews: readonly Review[]): boolean {
  const last = new Map<bigint | undefined, string | undefined>();
  for (const { actorId, state } of [...reviews].sort(byTime)) last.set(actorId, state);
  return last.size > 0 && [...last.values()].every((state) => state === 'APPROVED');
}

function byTime(a: Review, b: Review): number {
  return microsOf(a.created) - microsOf(b.created) || compareIds(a.id, b.id);
}

function compareIds(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Microseconds since the epoch; 0 without a time. */
function microsOf(time: Timestamp | undefined): number {
  return time === undefined ? 0 : time.seconds * 1e6 + Math.floor((time.nanos ?? 0) / 1000);
}
