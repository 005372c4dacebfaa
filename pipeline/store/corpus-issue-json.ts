import type { IssueState } from '../records/mutation/issue-state.ts';
import type { Label, Timestamp, User } from '../records/mutation/types.ts';

/**
 * An issue's state as JSON. Ids are texts, for JSON numbers end at 2^53; of users, labels and milestones only ids are kept, their
 * names are the repository's (or everyone's) and found when read.
 */
interface StoredState {
  readonly id?: string;
  readonly closedKnown?: true;
  readonly locked?: true;
  readonly user?: string;
  readonly created?: StoredTime;
  readonly updated?: StoredTime;
  readonly closedAt?: StoredTime;
  readonly closedBy?: string;
  readonly stateReason?: string;
  readonly transferredTo?: string;
  /** 0: none, and that is known. */
  readonly milestone?: string;
  readonly assignees?: readonly string[];
  readonly labels?: readonly string[];
  readonly pull?: object;
}

/** Seconds, or seconds and nanoseconds. */
export type StoredTime = number | readonly [number, number];

export interface IssueRow {
  readonly key: number;
  readonly kind: number;
  readonly comments_us: number;
  readonly events_us: number;
  readonly reviews_us: number;
  readonly event_max_us: number;
  readonly title: string;
  readonly state: string;
  /** Null where it has no text, or where it was not asked for. */
  readonly body: string | null;
}

const TOMBSTONED = 1;
const CLOSED = 2;
const PULL = 4;
/** All combinations of the three. */
export const KINDS: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7];

/** The kind of an issue: three yes-or-no facts by which issues are counted. */
export function kindOf(state: Pick<IssueState, 'notExist' | 'closed' | 'pullRequest'>): number {
  return (state.notExist ? TOMBSTONED : 0) + (state.closed ? CLOSED : 0) + (state.pullRequest ? PULL : 0);
}

export function factsOf(kind: number) {
  return {
    notExist: (kind & TOMBSTONED) !== 0,
    closed: (kind & CLOSED) !== 0,
    pullRequest: (kind & PULL) !== 0,
  };
}

/** Keys: corpus-tables.ts. Not with shifts, which are of 32 bits. */
const KEY_UNIT = 2 ** 32;

export function issueKey(repo: number, issue: number): number {
  return repo * KEY_UNIT + issue;
}

/** In microseconds since the epoch, as far as numbers go (the year 2255); 0: no time. */
export function timeUs(time: Timestamp | undefined): number {
  if (time === undefined) return 0;
  const us = time.seconds * 1_000_000 + Math.trunc((time.nanos ?? 0) / 1_000);
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, us));
}

export function timeOfUs(us: number): Timestamp | undefined {
  if (us === 0) return undefined;
  const seconds = Math.floor(us / 1_000_000);
  const nanos = (us - seconds * 1_000_000) * 1_000;
  return nanos === 0 ? { seconds } : { seconds, nanos };
}

export function storedTime(time: Timestamp | undefined): StoredTime | undefined {
  return time?.nanos ? [time.seconds, time.nanos] : time?.seconds;
}

export function timeOf(stored: StoredTime | undefined): Timestamp | undefined {
  if (stored === undefined) return undefined;
  return typeof stored === 'number' ? { seconds: stored } : { seconds: stored[0], nanos: stored[1] };
}

export function stateJson(state: IssueState): string {
  const stored: StoredState = {
    id: state.id === 0n ? undefined : String(state.id),
    closedKnown: state.closedKnown || undefined,
    locked: state.locked || undefined,
    user: idText(state.user),
    created: storedTime(state.created),
    updated: storedTime(state.updated),
    closedAt: storedTime(state.closedAt),
    closedBy: idText(state.closedBy),
    stateReason: state.stateReason,
    transferredTo: state.transferredTo,
    milestone: state.milestone === 'none' ? '0' : idText(state.milestone),
    assignees: idTexts(state.assignees),
    labels: idTexts(state.labels),
    pull: state.pull && { ...state.pull, mergedAt: storedTime(state.pull.mergedAt) },
  };
  return JSON.stringify(stored);
}

function idText(item: { readonly id: bigint } | undefined): string | undefined {
  return item && String(item.id);
}

function idTexts(items: readonly { readonly id: bigint }[]): readonly string[] | undefined {
  return items.length === 0 ? undefined : items.map(({ id }) => String(id));
}

/** Who knows the names that belong to ids. */
export interface Names {
  user(id: bigint): User;
  /** Undefined: the repository has no such label any more, and so no issue does. */
  label(id: bigint): Label | undefined;
  milestone(id: bigint): IssueState['milestone'];
}

/** For the replay rules, which need no names. */
export const NAMELESS: Names = {
  user: (id) => ({ id }),
  label: (id) => ({ id }),
  milestone: (id) => ({ id }),
};

export function readIssue(row: IssueRow, names: Names): IssueState {
  const stored = JSON.parse(row.state) as StoredState;
  const facts = factsOf(row.kind);
  const user = (id: string | undefined) => (id === undefined ? undefined : names.user(BigInt(id)));
  const pull = stored.pull as (Omit<NonNullable<IssueState['pull']>, 'mergedAt'> & PullTime) | undefined;
  return {
    number: row.key % KEY_UNIT,
    id: BigInt(stored.id ?? 0),
    notExist: facts.notExist,
    closed: facts.closed,
    pullRequest: facts.pullRequest,
    closedKnown: stored.closedKnown ?? false,
    locked: stored.locked ?? false,
    title: row.title,
    body: row.body ?? '',
    user: user(stored.user),
    created: timeOf(stored.created),
    updated: timeOf(stored.updated),
    closedAt: timeOf(stored.closedAt),
    closedBy: user(stored.closedBy),
    stateReason: stored.stateReason,
    transferredTo: stored.transferredTo,
    milestone: milestoneOf(stored.milestone, names),
    assignees: (stored.assignees ?? []).map((id) => names.user(BigInt(id))),
    labels: (stored.labels ?? []).flatMap((id) => names.label(BigInt(id)) ?? []),
    pull: pull && { ...pull, mergedAt: timeOf(pull.mergedAt) },
    commentsUntil: timeOfUs(row.comments_us),
    eventsUntil: timeOfUs(row.events_us),
    reviewsUntil: timeOfUs(row.reviews_us),
    eventMax: timeOfUs(row.event_max_us),
  };
}

interface PullTime {
  readonly mergedAt?: StoredTime;
}

function milestoneOf(id: string | undefined, names: Names): IssueState['milestone'] {
  if (id === undefined) return undefined;
  return id === '0' ? 'none' : names.milestone(BigInt(id));
}
