import type { GithubIssueMutation, Timestamp, User } from '../records/mutation/types.ts';
import {
  ANSWERS,
  AUTHORS,
  BODIES,
  BOT,
  type DemoRepo,
  FIRST_ID,
  KINDS,
  MILESTONES,
  NEEDS_INFO,
  PRIORITIES,
  PULL_TITLES,
  REPLIES,
  TITLES,
} from './mutation-words.ts';
import type { Random } from './random.ts';

export interface DemoIssue {
  readonly repo: DemoRepo;
  readonly number: number;
  /** Epoch seconds. */
  readonly createdS: number;
  readonly random: Random;
}

/** A step in an issue's life. */
export interface DemoStep {
  /** Epoch seconds. */
  readonly atS: number;
  readonly said: Omit<GithubIssueMutation, 'owner' | 'repo' | 'number'>;
}

const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;
const IDS_PER_ISSUE = 1000n;

const at = (seconds: number): Timestamp => ({ seconds: Math.floor(seconds) });
const one = <T>(random: Random, items: readonly T[]): T => items[random.below(items.length)] as T;
/** Mostly short, seldom very long. */
const after = (random: Random, medianS: number) => medianS * Math.exp(3 * (random.next() - 0.5));

/** A life without an end: whoever uses it leaves out what comes after now. */
export function issueSteps(issue: DemoIssue): readonly DemoStep[] {
  const { random, createdS, number } = issue;
  const isPull = random.next() < 0.3;
  const author = one(random, AUTHORS);
  const maintainer = one(random, issue.repo.maintainers);
  let lastId = FIRST_ID + BigInt(number) * IDS_PER_ISSUE;
  const life: Life = {
    ...issue,
    author,
    maintainer,
    nextId: () => ++lastId,
    area: one(random, issue.repo.areas),
  };
  const steps = [opening(life, isPull)];
  if (!isPull && random.next() < 0.9) steps.push(triage(life, createdS + after(random, 5 * HOUR_S)));
  steps.push(...talk(life));
  steps.push(...(isPull ? review(life) : ending(life)));
  return steps;
}

interface Life extends DemoIssue {
  readonly author: User;
  readonly maintainer: User;
  readonly area: string;
  readonly nextId: () => bigint;
}

function opening({ random, createdS, author, nextId, area, number }: Life, isPull: boolean): DemoStep {
  const title = one(random, isPull ? PULL_TITLES : TITLES).replace('{area}', area);
  const base = {
    id: nextId(),
    user: author,
    created: at(createdS),
    updated: at(createdS),
    title: title.replace(/^./, (first) => first.toUpperCase()),
    bodyChange: { val: one(random, BODIES) },
    closed: { val: false },
  };
  if (!isPull) return { atS: createdS, said: base };
  const pull = {
    headRef: `fix-${number}`,
    headSha: random.hex(40),
    baseRef: 'main',
    commits: 1 + random.below(4),
    additions: 1 + random.below(300),
    deletions: random.below(120),
    changedFiles: 1 + random.below(9),
    reviewDecision: 'REVIEW_REQUIRED',
  };
  return { atS: createdS, said: { ...base, pullRequest: true, samovar: { pull } } };
}

function triage({ random, maintainer, nextId }: Life, atS: number): DemoStep {
  const priority = one(random, [...PRIORITIES.slice(1), ...PRIORITIES]);
  const labels = [priority, one(random, KINDS), ...(random.next() < 0.15 ? [NEEDS_INFO] : [])];
  const [, open] = MILESTONES;
  return {
    atS,
    said: {
      updated: at(atS),
      addLabels: labels,
      ...(random.next() < 0.7 && { assignees: [maintainer] }),
      ...(open !== undefined &&
        random.next() < 0.4 && {
          milestoneId: open.id,
          milestoneNum: open.number,
          milestoneTitle: open.title,
        }),
      events: labels.map(({ name = '' }) => ({
        id: nextId(),
        eventType: 'labeled',
        actorId: maintainer.id,
        created: at(atS),
        label: { id: 0n, name },
      })),
    },
  };
}

function talk(life: Life): readonly DemoStep[] {
  const { random, createdS, author, maintainer } = life;
  const steps: DemoStep[] = [];
  if (random.next() < 0.2) steps.push(comment(life, BOT, 'All checks have run.', createdS + 40));
  if (random.next() < 0.15) return steps;
  let atS = createdS + after(random, 14 * HOUR_S);
  for (let turn = 0; turn < 1 + random.below(4); turn += 1) {
    const who = turn % 2 === 0 ? maintainer : author;
    steps.push(comment(life, who, one(random, turn % 2 === 0 ? ANSWERS : REPLIES), atS));
    atS += after(random, 20 * HOUR_S);
  }
  return steps;
}

function comment({ nextId }: Life, user: User, body: string, atS: number): DemoStep {
  const time = at(atS);
  return {
    atS,
    said: { updated: time, comments: [{ id: nextId(), user, body, created: time, updated: time }] },
  };
}

function review(life: Life): readonly DemoStep[] {
  const { random, createdS, maintainer, nextId } = life;
  const askedS = createdS + 60;
  const request = {
    id: nextId(),
    eventType: 'review_requested',
    actorId: life.author.id,
    created: at(askedS),
  };
  const steps: DemoStep[] = [
    {
      atS: askedS,
      said: { events: [{ ...request, reviewerId: maintainer.id, reviewRequesterId: life.author.id }] },
    },
  ];
  if (random.next() < 0.2) return steps;
  const reviewedS = askedS + after(random, 18 * HOUR_S);
  const refused = random.next() < 0.3;
  steps.push(reviewed(life, reviewedS, refused ? 'CHANGES_REQUESTED' : 'APPROVED'));
  const approvedS = refused ? reviewedS + after(random, 2 * DAY_S) : reviewedS;
  if (refused) steps.push(reviewed(life, approvedS, 'APPROVED'));
  if (random.next() < 0.15) return steps;
  const mergedS = approvedS + after(random, 6 * HOUR_S);
  const merge = random.hex(40);
  const pull = {
    merged: true,
    mergedAt: at(mergedS),
    mergeCommit: merge,
    baseRef: 'main',
    reviewDecision: 'APPROVED',
  };
  steps.push(closing(life, mergedS, { samovar: { pull } }));
  return steps;
}

function reviewed({ maintainer, nextId, random }: Life, atS: number, state: string): DemoStep {
  const reviewId = nextId();
  const time = at(atS);
  const said = { id: reviewId, actorId: maintainer.id, state, created: time, actorAssociation: 'MEMBER' };
  const line = { id: nextId(), reviewId, user: maintainer, body: 'Why not here?', path: 'main.go' };
  const lines = random.next() < 0.5 ? [{ ...line, line: 7, created: time, updated: time }] : [];
  return {
    atS,
    said: { updated: time, reviews: [said], ...(lines.length > 0 && { samovar: { reviewComments: lines } }) },
  };
}

function ending(life: Life): readonly DemoStep[] {
  const { random, createdS } = life;
  const fate = random.next();
  if (fate < 0.03) return [{ atS: createdS + after(random, 3 * DAY_S), said: { notExist: true } }];
  if (fate < 0.3) return [];
  const closedS = createdS + after(random, 9 * DAY_S);
  const done = { samovar: { stateReason: { val: fate < 0.8 ? 'completed' : 'not_planned' } } };
  const steps = [closing(life, closedS, done)];
  if (fate < 0.9) return steps;
  const openedS = closedS + after(random, DAY_S);
  const samovar = { stateReason: { val: 'reopened' }, closedAtCleared: true };
  return [...steps, { atS: openedS, said: { updated: at(openedS), closed: { val: false }, samovar } }];
}

function closing(
  { maintainer, nextId }: Life,
  atS: number,
  more: Pick<GithubIssueMutation, 'samovar'>,
): DemoStep {
  const time = at(atS);
  return {
    atS,
    said: {
      updated: time,
      closed: { val: true },
      closedAt: time,
      closedBy: maintainer,
      events: [{ id: nextId(), eventType: 'closed', actorId: maintainer.id, created: time }],
      ...more,
    },
  };
}
