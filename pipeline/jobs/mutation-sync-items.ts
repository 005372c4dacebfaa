import { SamovarError } from '../errors.ts';
import { diffIssue, diffRepo } from '../records/mutation/diff.ts';
import { diffComments, diffEvents, diffReviewComments } from '../records/mutation/diff-parts.ts';
import {
  type GithubComment,
  type GithubEvent,
  type GithubIssue,
  type GithubLabel,
  type GithubMilestone,
  type GithubReviewComment,
  numberOf,
} from '../records/mutation/github-json.ts';
import type { Mutation } from '../records/mutation/types.ts';
import { arrayIn, crawlSince, PAGE_ITEMS, type PageWork, pagesOf } from './mutation-sync-pages.ts';
import { ask, commit, issueMutation, type RepoRun } from './mutation-sync-state.ts';

/** Labels and milestones, from their whole lists: what is not in them is deleted. */
export async function syncLabels(run: RepoRun): Promise<void> {
  const labels = await wholeList<GithubLabel>(run, 'labels', `${run.path}/labels?`);
  const milestones = await wholeList<GithubMilestone>(run, 'milestones', `${run.path}/milestones?state=all`);
  if (labels === undefined && milestones === undefined) return;
  const known = { labels: run.corpus.labels(), milestones: run.corpus.milestones() };
  const mutation = diffRepo(
    run.name,
    {
      labels: labels === undefined ? [] : known.labels,
      milestones: milestones === undefined ? [] : known.milestones,
    },
    { labels: labels?.items ?? [], milestones: milestones?.items ?? [] },
  );
  await commit(run, mutation === undefined ? [] : [{ github: mutation }], () => {
    labels?.keep();
    milestones?.keep();
  });
}

/** Undefined: as it was. A list of one page is free as long as it does not change. */
async function wholeList<T>(run: RepoRun, kind: string, path: string) {
  const { github } = run.context.store;
  const repo = run.corpus.id;
  const first = `${path}&per_page=${PAGE_ITEMS}&page=1`;
  const answer = await ask(run, first, github.etag(repo, kind, first));
  if (answer.status === 304) return undefined;
  const items = [...arrayIn<T>(answer.data, first)];
  if (items.length === PAGE_ITEMS) {
    items.length = 0;
    for await (const page of pagesOf<T>(run, path)) items.push(...page);
    return { items, keep: () => undefined };
  }
  const { etag } = answer;
  return { items, keep: () => (etag === undefined ? undefined : github.setEtag(repo, kind, first, etag)) };
}

export async function syncIssues(run: RepoRun): Promise<void> {
  await crawlSince<GithubIssue>(run, {
    kind: 'issues',
    path: `${run.path}/issues?state=all&sort=updated&direction=asc`,
    diff: async (items) => issuesWork(run, items),
  });
}

/** What issues as GitHub tells them make of what is known. Pull requests among them that changed are to be asked for. */
export function issuesWork(run: RepoRun, items: readonly GithubIssue[]): PageWork {
  const mutations = items.flatMap((issue) => {
    const mutation = diffIssue(run.name, run.corpus.issue(issue.number), issue);
    return mutation === undefined ? [] : [mutation];
  });
  const { github } = run.context.store;
  if (run.writer === undefined) for (const { number } of items) run.seen.add(number);
  const pulls = mutations.filter(({ pullRequest }) => pullRequest === true).map(({ number }) => number);
  return {
    mutations: mutations.map((githubIssue) => ({ githubIssue })),
    within: () => {
      for (const number of pulls) github.addPull(run.corpus.id, number);
    },
  };
}

export async function syncComments(run: RepoRun): Promise<void> {
  await crawlSince<GithubComment>(run, {
    kind: 'comments',
    path: `${run.path}/issues/comments?sort=updated&direction=asc`,
    diff: async (items) => ({
      mutations: await perIssue(run, items, ({ issue_url }) => numberOf(issue_url), commentMutation),
    }),
  });
  await crawlSince<GithubReviewComment>(run, {
    kind: 'review_comments',
    path: `${run.path}/pulls/comments?sort=updated&direction=asc`,
    diff: async (items) => ({
      mutations: await perIssue(
        run,
        items,
        ({ pull_request_url }) => numberOf(pull_request_url),
        (number, comments) => {
          const reviewComments = diffReviewComments(run.corpus.reviewComments(number), comments);
          return reviewComments.length === 0 ? undefined : { samovar: { reviewComments } };
        },
      ),
    }),
  });

  function commentMutation(number: number, items: readonly GithubComment[]) {
    const { comments, emptied } = diffComments((id) => run.corpus.comment(number, id), items);
    if (comments.length === 0 && emptied.length === 0) return undefined;
    return {
      ...(comments.length > 0 && { comments }),
      ...(emptied.length > 0 && { samovar: { emptiedComments: emptied } }),
    };
  }
}

type Said = Omit<NonNullable<Mutation['githubIssue']>, 'owner' | 'repo' | 'number'>;

/** One mutation for each issue that the items are about, where something differs. */
async function perIssue<T>(
  run: RepoRun,
  items: readonly T[],
  numberIn: (item: T) => number | undefined,
  diff: (number: number, items: readonly T[]) => Said | undefined,
): Promise<readonly Mutation[]> {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const number = numberIn(item);
    if (number === undefined) continue;
    const group = groups.get(number);
    if (group === undefined) groups.set(number, [item]);
    else group.push(item);
  }
  const mutations: Mutation[] = [];
  for (const [number, group] of groups) {
    // Any mutation takes a tombstone back, and one of an issue that is not known would make it without its beginning.
    if (!(await isThere(run, number))) continue;
    const said = diff(number, group);
    if (said !== undefined) mutations.push(issueMutation(run, { number, ...said }));
  }
  return mutations;
}

/** True for an issue that is known, which may have to be asked for first: it is younger than the listing of issues. */
async function isThere(run: RepoRun, number: number): Promise<boolean> {
  const known = run.corpus.issue(number);
  if ((known !== undefined && !known.notExist) || run.seen.has(number)) return true;
  try {
    const { status, data } = await ask(run, `${run.path}/issues/${number}`);
    if (status !== 200) return false;
    const work = issuesWork(run, [data as GithubIssue]);
    await commit(run, work.mutations, work.within);
    return true;
  } catch (error) {
    if (error instanceof SamovarError && (error.code === 'missing' || error.status === 410)) return false;
    throw error;
  }
}

/** The newest come first: pages are read until one is known, and only then is it noted how far that was. */
export async function syncEvents(run: RepoRun): Promise<void> {
  const { github } = run.context.store;
  const repo = run.corpus.id;
  const known = BigInt(github.cursor(repo, 'events') ?? 0);
  let newest = known;
  let first: { readonly path: string; readonly etag: string } | undefined;
  for (let page = 1; ; page += 1) {
    const path = `${run.path}/issues/events?per_page=${PAGE_ITEMS}&page=${page}`;
    const answer = await eventsPage(run, path, page === 1 ? github.etag(repo, 'events', path) : undefined);
    if (answer === undefined || answer.status === 304) break;
    if (page === 1 && answer.etag !== undefined) first = { path, etag: answer.etag };
    const items = arrayIn<GithubEvent>(answer.data, path);
    for (const { id } of items) if (BigInt(id) > newest) newest = BigInt(id);
    await commit(run, await perIssue(run, items, issueOfEvent, eventMutation));
    if (items.length < PAGE_ITEMS || items.some(({ id }) => BigInt(id) <= known)) break;
  }
  await commit(run, [], () => {
    if (newest > known) github.setCursor(repo, 'events', String(newest));
    if (first !== undefined) github.setEtag(repo, 'events', first.path, first.etag);
  });

  function eventMutation(number: number, items: readonly GithubEvent[]) {
    const ids = new Set(run.corpus.events(number).map(({ id }) => id));
    const events = diffEvents(ids, items);
    return events.length === 0 ? undefined : { events };
  }
}

function issueOfEvent({ issue }: GithubEvent): number | undefined {
  const number = (issue as { readonly number?: unknown } | null | undefined)?.number;
  return typeof number === 'number' ? number : undefined;
}

/** Undefined where GitHub lists no further: of very long histories it gives the newest part only. */
async function eventsPage(run: RepoRun, path: string, etag: string | undefined) {
  try {
    return await ask(run, path, etag);
  } catch (error) {
    if (!(error instanceof SamovarError) || error.status !== 422) throw error;
    const { owner, repo } = run.name;
    run.context.warn?.('GitHub lists no older events of this repository', { repo: `${owner}/${repo}` });
    return undefined;
  }
}
