import { type GithubEvent, type GithubUser, idOf, timeOf } from './github-json.ts';
import type { CommitRef, DismissedReview, IssueEvent, Team } from './types.ts';

type Json = Readonly<Record<string, unknown>>;

/** Fields that have a place of their own, and those that follow from the rest. */
const KNOWN = new Set([
  'id',
  'event',
  'actor',
  'created_at',
  'label',
  'milestone',
  'assignee',
  'assigner',
  'commit_id',
  'commit_url',
  'rename',
  'requested_reviewer',
  'review_requester',
  'requested_team',
  'dismissed_review',
  'url',
  'node_id',
  'lock_reason',
  // Of the repository's listing of events: whose it is. The mutation says that already.
  'issue',
]);

/** An event as a mutation has it; what has no field there is kept as it is. */
export function eventOf(event: GithubEvent): IssueEvent {
  const created = timeOf(event.created_at);
  const rename = objectIn(event, 'rename');
  const other = Object.entries(event).filter(([key, value]) => !KNOWN.has(key) && value !== null);
  const said: Partial<IssueEvent> = {
    eventType: textIn(event, 'event'),
    actorId: userId(event, 'actor'),
    created,
    label: named(event, 'label', 'name', (name) => ({ id: 0n, name })),
    milestone: named(event, 'milestone', 'title', (title) => ({ id: 0n, title })),
    assigneeId: userId(event, 'assignee'),
    assignerId: userId(event, 'assigner'),
    commit: commitIn(event),
    otherJson: other.length === 0 ? undefined : Buffer.from(JSON.stringify(Object.fromEntries(other))),
    renameFrom: rename && textIn(rename, 'from'),
    renameTo: rename && textIn(rename, 'to'),
    reviewerId: userId(event, 'requested_reviewer'),
    reviewRequesterId: userId(event, 'review_requester'),
    dismissedReview: dismissalIn(event),
    teamReviewer: teamIn(event),
  };
  const defined = Object.entries(said).filter(([, value]) => value !== undefined);
  return { id: idOf(event.id, 'an event'), ...Object.fromEntries(defined) };
}

function objectIn(from: Json, key: string): Json | undefined {
  const value = from[key];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

function textIn(from: Json, key: string): string | undefined {
  const value = from[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function userId(event: Json, key: string): bigint | undefined {
  const user = objectIn(event, key) as GithubUser | undefined;
  return user === undefined ? undefined : idOf(user.id, `the ${key} of an event`);
}

function named<T>(event: Json, key: string, field: string, make: (text: string) => T): T | undefined {
  const found = objectIn(event, key);
  const text = found && textIn(found, field);
  return text === undefined ? undefined : make(text);
}

const COMMIT_URL = /\/repos\/([^/]+)\/([^/]+)\/commits\/[0-9a-f]+$/;

function commitIn(event: Json): CommitRef | undefined {
  const commitId = textIn(event, 'commit_id');
  if (commitId === undefined) return undefined;
  const [, owner, repo] = COMMIT_URL.exec(textIn(event, 'commit_url') ?? '') ?? [];
  return { ...(owner !== undefined && { owner }), ...(repo !== undefined && { repo }), commitId };
}

function dismissalIn(event: Json): DismissedReview | undefined {
  const found = objectIn(event, 'dismissed_review');
  if (found === undefined) return undefined;
  const dismissalMessage = textIn(found, 'dismissal_message');
  const state = textIn(found, 'state');
  return {
    ...(typeof found.review_id === 'number' && { reviewId: idOf(found.review_id, 'a review') }),
    ...(dismissalMessage !== undefined && { dismissalMessage }),
    ...(state !== undefined && { state }),
  };
}

function teamIn(event: Json): Team | undefined {
  const team = objectIn(event, 'requested_team');
  if (team === undefined) return undefined;
  const slug = textIn(team, 'slug');
  return { id: idOf(team.id, 'a team'), ...(slug !== undefined && { slug }) };
}
