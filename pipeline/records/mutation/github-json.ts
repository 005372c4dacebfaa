import { SamovarError } from '../../errors.ts';
import type { Label, Milestone, Timestamp, User } from './types.ts';

/** What GitHub's REST answers say of the things that mutations are about: only what is looked at, and nothing taken on trust. */
export interface GithubUser {
  readonly id: number;
  readonly login: string;
}

export interface GithubLabel {
  readonly id: number;
  readonly name: string;
}

export interface GithubMilestone {
  readonly id: number;
  readonly number: number;
  readonly title: string;
  readonly state?: string;
}

export interface GithubIssue {
  readonly id: number;
  readonly number: number;
  readonly title?: string | null;
  readonly body?: string | null;
  readonly state: string;
  readonly state_reason?: string | null;
  readonly locked?: boolean;
  readonly user?: GithubUser | null;
  readonly closed_by?: GithubUser | null;
  readonly assignees?: readonly GithubUser[] | null;
  readonly labels?: readonly (GithubLabel | string)[] | null;
  readonly milestone?: GithubMilestone | null;
  readonly created_at: string;
  readonly updated_at: string;
  readonly closed_at?: string | null;
  /** There for pull requests only. */
  readonly pull_request?: unknown;
  readonly repository_url?: string;
}

export interface GithubComment {
  readonly id: number;
  readonly body?: string | null;
  readonly user?: GithubUser | null;
  readonly created_at?: string | null;
  readonly updated_at?: string | null;
  readonly issue_url?: string;
}

export interface GithubReview {
  readonly id: number;
  readonly user?: GithubUser | null;
  readonly body?: string | null;
  readonly state?: string | null;
  readonly submitted_at?: string | null;
  readonly commit_id?: string | null;
  readonly author_association?: string | null;
}

export interface GithubReviewComment extends GithubComment {
  readonly pull_request_review_id?: number | null;
  readonly path?: string | null;
  readonly line?: number | null;
  readonly commit_id?: string | null;
  readonly in_reply_to_id?: number | null;
  readonly pull_request_url?: string;
}

export type GithubEvent = Readonly<Record<string, unknown>> & { readonly id: number };

/** Ids of GitHub's are whole numbers that JSON carries exactly. Throws `malformed` for anything else. */
export function idOf(value: unknown, what: string): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return BigInt(value);
  throw new SamovarError('malformed', `GitHub gives ${what} the id ${JSON.stringify(value)}`, {
    subject: what,
  });
}

/** `2016-01-02T15:04:05Z`; undefined for what is no time of this calendar. */
export function timeOf(text: unknown): Timestamp | undefined {
  if (typeof text !== 'string') return undefined;
  const ms = Date.parse(text);
  if (!Number.isFinite(ms)) return undefined;
  const seconds = Math.floor(ms / 1000);
  const nanos = (ms - seconds * 1000) * 1_000_000;
  return nanos === 0 ? { seconds } : { seconds, nanos };
}

export function sameTime(a: Timestamp | undefined, b: Timestamp | undefined): boolean {
  return a?.seconds === b?.seconds && (a?.nanos ?? 0) === (b?.nanos ?? 0);
}

/** Undefined for an account that is gone: GitHub then says null. */
export function userOf(user: GithubUser | null | undefined): User | undefined {
  if (user === null || user === undefined) return undefined;
  return { id: idOf(user.id, 'a user'), login: user.login };
}

export function labelOf({ id, name }: GithubLabel): Label {
  return { id: idOf(id, 'a label'), name };
}

export function milestoneOf({ id, number, title, state }: GithubMilestone): Milestone {
  return {
    id: idOf(id, 'a milestone'),
    title,
    number: BigInt(number),
    ...(state !== undefined && { closed: { val: state === 'closed' } }),
  };
}

/** The number at the end of `…/issues/12` or `…/pulls/12`. */
export function numberOf(url: string | undefined): number | undefined {
  const number = Number(/\/(?:issues|pulls)\/([1-9]\d{0,9})$/.exec(url ?? '')?.[1]);
  return Number.isSafeInteger(number) ? number : undefined;
}
