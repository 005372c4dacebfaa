import {
  commentJson,
  eventJson,
  issueJson,
  type Json,
  labelJson,
  milestoneJson,
  repoJson,
  reviewCommentJson,
  reviewJson,
  wholeIssueJson,
} from './github-render.ts';
import type { World, WorldRepo } from './github-world.ts';

/** What a path of the REST API answers: one thing, a page of many, or that it is not there. */
export type RestAnswer =
  | { readonly json: unknown }
  | { readonly items: readonly Json[]; readonly last: number; readonly page: number }
  | { readonly status: number; readonly message: string }
  /** 301 to this path. */
  | { readonly moved: string };

interface Asked {
  readonly base: string;
  readonly world: World;
  readonly repo: WorldRepo;
  readonly query: URLSearchParams;
  /** Whether `since` leaves out what is of that very second: documentation and practice differ. */
  readonly sinceIsExclusive: boolean;
}

type Answerer = (asked: Asked, id: number) => RestAnswer;

const PAGING = ['per_page', 'page'];
const SORTING = ['sort', 'direction', 'since'];

/** Paths below a repository, with the query parameters of each: any other is a 400, so that a misspelt one shows. */
const PATHS: readonly (readonly [RegExp, readonly string[], Answerer])[] = [
  [/^$/, [], ({ base, repo }) => ({ json: repoJson(base, repo) })],
  [/^\/issues$/, [...PAGING, ...SORTING, 'state', 'filter', 'labels', 'milestone'], issues],
  [/^\/issues\/(\d+)$/, [], oneIssue],
  [/^\/issues\/(\d+)\/comments$/, [...PAGING, 'since'], (asked, issue) => comments(asked, issue)],
  [/^\/issues\/(\d+)\/events$/, PAGING, (asked, issue) => events(asked, issue)],
  [/^\/issues\/comments$/, [...PAGING, ...SORTING], (asked) => comments(asked)],
  [/^\/issues\/comments\/(\d+)$/, [], one('comments', commentJson)],
  [/^\/issues\/events$/, PAGING, (asked) => events(asked)],
  [/^\/labels$/, PAGING, labels],
  [/^\/milestones$/, [...PAGING, 'state', 'sort', 'direction'], milestones],
  [/^\/pulls\/comments$/, [...PAGING, ...SORTING], reviewComments],
  [/^\/pulls\/comments\/(\d+)$/, [], one('reviewComments', reviewCommentJson)],
  [/^\/pulls\/(\d+)\/reviews$/, PAGING, reviews],
];

/** GitHub gives no more than so many of a repository's events. */
const EVENTS_MAX = 40_000;

export function restAnswer(path: string, asked: Asked): RestAnswer {
  for (const [pattern, allowed, answer] of PATHS) {
    const match = pattern.exec(path);
    if (match === null) continue;
    const unknown = [...asked.query.keys()].find((key) => !allowed.includes(key));
    if (unknown !== undefined)
      return { status: 400, message: `the fake knows no parameter ${unknown} of ${path}` };
    const wrong = wrongValue(asked.query);
    return wrong === undefined ? answer(asked, Number(match[1])) : { status: 422, message: wrong };
  }
  return { status: 404, message: 'Not Found' };
}

const ALLOWED: Readonly<Record<string, RegExp>> = {
  per_page: /^[1-9]\d*$/,
  page: /^[1-9]\d*$/,
  sort: /^(created|updated|comments|due_on|completeness)$/,
  direction: /^(asc|desc)$/,
  state: /^(open|closed|all)$/,
  since: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/,
};

function wrongValue(query: URLSearchParams): string | undefined {
  for (const [key, value] of query) {
    if (ALLOWED[key]?.test(value) === false) return `Validation Failed: ${key}=${value}`;
  }
  return undefined;
}

function issues(asked: Asked): RestAnswer {
  const { base, repo, query } = asked;
  if (!repo.hasIssues) return { status: 410, message: 'Issues are disabled for this repo' };
  const state = query.get('state') ?? 'open';
  const all = [...repo.issues.values()].filter((issue) => state === 'all' || issue.state === state);
  return page(asked, since(asked, sorted(asked, all, 'desc')), (issue) => issueJson(base, repo, issue));
}

function oneIssue({ base, repo }: Asked, number: number): RestAnswer {
  const issue = repo.issues.get(number);
  if (issue !== undefined) return { json: wholeIssueJson(base, repo, issue) };
  const departure = repo.departed.get(number);
  if (departure === undefined) return { status: 404, message: 'Not Found' };
  if (departure === 'deleted') return { status: 410, message: 'This issue was deleted' };
  return { moved: `/repositories/${departure.repo}/issues/${departure.number}` };
}

function one<K extends 'comments' | 'reviewComments'>(
  kind: K,
  render: (base: string, repo: WorldRepo, thing: never) => Json,
): Answerer {
  return ({ base, repo }, id) => {
    const thing = repo[kind].get(id);
    if (thing === undefined) return { status: 404, message: 'Not Found' };
    return { json: render(base, repo, thing as never) };
  };
}

function comments(asked: Asked, issue?: number): RestAnswer {
  const { base, repo } = asked;
  if (issue !== undefined && !repo.issues.has(issue)) return oneIssue(asked, issue);
  const all = [...repo.comments.values()].filter((comment) => issue === undefined || comment.issue === issue);
  // An issue's own list has no order to choose.
  const ordered = issue === undefined ? sorted(asked, all, 'asc') : all;
  return page(asked, since(asked, ordered), (comment) => commentJson(base, repo, comment));
}

function reviewComments(asked: Asked): RestAnswer {
  const all = since(asked, sorted(asked, [...asked.repo.reviewComments.values()], 'asc'));
  return page(asked, all, (comment) => reviewCommentJson(asked.base, asked.repo, comment));
}

/** Of a repository the newest first, of an issue the oldest. */
function events(asked: Asked, issue?: number): RestAnswer {
  const { base, repo } = asked;
  if (issue !== undefined) {
    if (!repo.issues.has(issue)) return oneIssue(asked, issue);
    const own = repo.events.filter((event) => event.issue === issue);
    return page(asked, own, (event) => eventJson(base, asked, event, false));
  }
  const { from } = pageOf(asked);
  if (from >= EVENTS_MAX)
    return { status: 422, message: 'In order to keep the API fast for everyone, pagination is limited.' };
  return page(asked, repo.events.toReversed(), (event) => eventJson(base, asked, event, true));
}

function labels(asked: Asked): RestAnswer {
  const all = [...asked.repo.labels.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return page(asked, all, (label) => labelJson(asked.base, asked.repo, label));
}

function milestones(asked: Asked): RestAnswer {
  const state = asked.query.get('state') ?? 'open';
  const all = [...asked.repo.milestones.values()].filter((one) => state === 'all' || one.state === state);
  return page(asked, all, (milestone) => milestoneJson(asked.base, asked.repo, milestone));
}

function reviews(asked: Asked, number: number): RestAnswer {
  if (asked.repo.issues.get(number)?.pull === undefined) return { status: 404, message: 'Not Found' };
  const all = [...asked.repo.reviews.values()].filter(({ issue }) => issue === number);
  return page(asked, all, (review) => reviewJson(asked.base, asked.repo, review));
}

interface Timed {
  readonly id: number;
  readonly createdS: number;
  readonly updatedS: number;
}

function sorted<T extends Timed>({ query }: Asked, things: readonly T[], usual: string): readonly T[] {
  const key = query.get('sort') === 'updated' ? 'updatedS' : 'createdS';
  const ascending = things.toSorted((a, b) => a[key] - b[key] || a.id - b.id);
  // Without an order to go by a direction is not looked at.
  const direction = query.has('sort') || usual === 'desc' ? (query.get('direction') ?? 'desc') : usual;
  return direction === 'asc' ? ascending : ascending.reverse();
}

function since<T extends Timed>({ query, sinceIsExclusive }: Asked, things: readonly T[]): readonly T[] {
  const from = Date.parse(query.get('since') ?? '') / 1000;
  if (Number.isNaN(from)) return things;
  return things.filter(({ updatedS }) => (sinceIsExclusive ? updatedS > from : updatedS >= from));
}

function pageOf({ query }: Asked) {
  const perPage = Math.min(100, Number(query.get('per_page') ?? 30));
  const number = Number(query.get('page') ?? 1);
  return { perPage, number, from: (number - 1) * perPage };
}

function page<T>(asked: Asked, things: readonly T[], render: (thing: T) => Json): RestAnswer {
  const { perPage, number, from } = pageOf(asked);
  const items = things.slice(from, from + perPage).map(render);
  return { items, page: number, last: Math.max(1, Math.ceil(things.length / perPage)) };
}
