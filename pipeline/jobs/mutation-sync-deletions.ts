import { SamovarError } from '../errors.ts';
import {
  type GithubComment,
  type GithubIssue,
  type GithubReviewComment,
  numberOf,
} from '../records/mutation/github-json.ts';
import type { Mutation } from '../records/mutation/types.ts';
import type { Missing, MissingKind } from '../store/github.ts';
import { issuesWork } from './mutation-sync-items.ts';
import { pagesOf } from './mutation-sync-pages.ts';
import { ask, commit, issueMutation, type RepoRun } from './mutation-sync-state.ts';

const PAGE_ISSUES = 1000;

/**
 * Finds what was deleted or transferred, in two looks. A whole listing shows what is missing of that which was known before it began:
 * that is noted, no more, for a listing may have gaps. Once the grace time is over GitHub is asked for each one by itself, and only its
 * word makes a tombstone.
 */
export async function findDeletions(run: RepoRun): Promise<void> {
  await confirmMissing(run);
  const { store, nowMs, reconcileMs } = run.context;
  const { reconciledAt } = store.github.sync(run.corpus.id);
  if (run.writer === undefined || (reconciledAt !== undefined && nowMs() - reconciledAt < reconcileMs))
    return;
  await noteMissing(run, await listMissing(run));
}

async function listMissing(run: RepoRun): Promise<readonly Omit<Missing, 'firstAt'>[]> {
  const issues = new Map<bigint, number>();
  const comments = new Map<bigint, number>();
  const reviewComments = new Map<bigint, number>();
  for (let after = 0; ; ) {
    const page = run.corpus.issues({ after, limit: PAGE_ISSUES });
    for (const { number, notExist } of page) {
      if (notExist) continue;
      issues.set(BigInt(number), number);
      for (const { id } of run.corpus.comments(number)) comments.set(id, number);
      for (const { id } of run.corpus.reviewComments(number)) reviewComments.set(id, number);
    }
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.number;
  }
  const listed = '?state=all&sort=created&direction=asc';
  for await (const page of pagesOf<GithubIssue>(run, `${run.path}/issues${listed}`)) {
    for (const { number } of page) issues.delete(BigInt(number));
    // What the listing has and nobody told of goes the usual way.
    const work = issuesWork(run, page);
    await commit(run, work.mutations, work.within);
  }
  for await (const page of pagesOf<GithubComment>(run, `${run.path}/issues/comments?sort=created`))
    for (const { id } of page) comments.delete(BigInt(id));
  for await (const page of pagesOf<GithubReviewComment>(run, `${run.path}/pulls/comments?sort=created`))
    for (const { id } of page) reviewComments.delete(BigInt(id));
  const all = (kind: MissingKind, left: ReadonlyMap<bigint, number>) =>
    [...left].map(([id, issue]) => ({ kind, id, issue }));
  return [
    ...all('issue', issues),
    ...all('comment', comments).filter(({ issue }) => !issues.has(BigInt(issue))),
    ...all('review_comment', reviewComments).filter(({ issue }) => !issues.has(BigInt(issue))),
  ];
}

async function noteMissing(run: RepoRun, missing: readonly Omit<Missing, 'firstAt'>[]): Promise<void> {
  const { github } = run.context.store;
  const repo = run.corpus.id;
  const still = new Set(missing.map(({ kind, id }) => `${kind} ${id}`));
  await commit(run, [], () => {
    for (const { kind, id } of github.missing(repo))
      if (!still.has(`${kind} ${id}`)) github.removeMissing(repo, kind, id);
    for (const one of missing) github.addMissing(repo, one);
    github.setReconciled(repo);
  });
}

async function confirmMissing(run: RepoRun): Promise<void> {
  const { store, nowMs, deletionGraceMs } = run.context;
  for (const missing of store.github.missing(run.corpus.id)) {
    if (nowMs() - missing.firstAt < deletionGraceMs) continue;
    const mutation = await secondLook(run, missing);
    await commit(run, mutation === undefined ? [] : [mutation], () =>
      store.github.removeMissing(run.corpus.id, missing.kind, missing.id),
    );
  }
}

/** What to write of something that was missing; undefined where it is there. */
async function secondLook(run: RepoRun, { kind, id, issue }: Missing): Promise<Mutation | undefined> {
  if (kind === 'issue') return lookAtIssue(run, issue);
  const path = kind === 'comment' ? `issues/comments/${id}` : `pulls/comments/${id}`;
  if (run.corpus.issue(issue)?.notExist !== false || !(await isGone(run, `${run.path}/${path}`)))
    return undefined;
  const said = kind === 'comment' ? { deletedComments: [id] } : { deletedReviewComments: [id] };
  return issueMutation(run, { number: issue, samovar: said });
}

async function isGone(run: RepoRun, path: string): Promise<boolean> {
  try {
    await ask(run, path);
    return false;
  } catch (error) {
    if (isAbsence(error)) return true;
    throw error;
  }
}

function isAbsence(error: unknown): boolean {
  return error instanceof SamovarError && (error.code === 'missing' || error.status === 410);
}

async function lookAtIssue(run: RepoRun, number: number): Promise<Mutation | undefined> {
  if (run.corpus.issue(number)?.notExist !== false) return undefined;
  try {
    const { status, data, location } = await ask(run, `${run.path}/issues/${number}`);
    if (status >= 300) return tombstone(run, number, await transferOf(run, location));
    const { repository_url: home } = data as GithubIssue;
    if (home === undefined || home.toLowerCase().endsWith(run.path.toLowerCase())) return undefined;
    return tombstone(run, number, placeOf(home, (data as GithubIssue).number));
  } catch (error) {
    if (isAbsence(error)) return tombstone(run, number, undefined);
    throw error;
  }
}

function tombstone(run: RepoRun, number: number, transferredTo: string | undefined): Mutation {
  return issueMutation(run, {
    number,
    notExist: true,
    ...(transferredTo !== undefined && { samovar: { transferredTo } }),
  });
}

/** Where a redirection leads, as `owner/name#number`: it names the repository by its id. */
async function transferOf(run: RepoRun, location: string | undefined): Promise<string | undefined> {
  const path = location === undefined ? undefined : pathOf(location);
  if (path === undefined) return undefined;
  try {
    const { status, data } = await ask(run, path);
    if (status !== 200) return undefined;
    const { repository_url: home, number } = data as GithubIssue;
    return placeOf(home, number);
  } catch (error) {
    // Into a repository that these tokens may not read.
    if (error instanceof SamovarError && ['missing', 'denied', 'refused'].includes(error.code))
      return undefined;
    throw error;
  }
}

/** Only the path: a redirection never takes a token to another host. */
function pathOf(location: string): string | undefined {
  return URL.canParse(location)
    ? new URL(location).pathname
    : /^\/[^/]/.exec(location)
      ? location
      : undefined;
}

function placeOf(home: string | undefined, number: number): string | undefined {
  const [, place] = /\/repos\/([\w.-]+\/[\w.-]+)$/.exec(home ?? '') ?? [];
  return place === undefined || numberOf(`/issues/${number}`) === undefined
    ? undefined
    : `${place}#${number}`;
}
