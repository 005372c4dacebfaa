import { SamovarError } from '../errors.ts';
import type { LogWriter } from '../mutation-log/contract.ts';
import type { RepoExtension } from '../records/mutation/types.ts';
import { replayLog } from './mutation-replay.ts';
import { findDeletions } from './mutation-sync-deletions.ts';
import { syncComments, syncEvents, syncIssues, syncLabels } from './mutation-sync-items.ts';
import { notePulls, syncPulls } from './mutation-sync-pulls.ts';
import { ask, commit, type RepoRun, repoMutation, type SyncContext, tell } from './mutation-sync-state.ts';

export interface RepoToSync {
  readonly owner: string;
  readonly name: string;
}

export interface RepoSynced {
  /** `owner/name` */
  readonly repo: string;
  /** Written, or in a dry run: to be written. */
  readonly mutations: number;
  /** `ok`, or why nothing of it can be read: `gone`, `blocked`, `issues-disabled`, `renamed`. */
  readonly state: string;
  readonly paused?: string;
}

/**
 * Brings the log and the corpus of one repository up to what GitHub says. Every page is in the log before its cursor moves: a stop
 * anywhere loses nothing, and writes nothing twice, for what is in the log already no longer differs. Throws what GitHub, the log or
 * the database throw; what was done until then stays.
 */
export async function syncRepo(context: SyncContext, { owner, name }: RepoToSync): Promise<RepoSynced> {
  const corpus = context.store.transaction(() => context.store.corpus.repo(owner, name));
  const { paused } = context.store.github.sync(corpus.id);
  const repo = `${owner}/${name}`;
  if (paused !== undefined) return { repo, mutations: 0, state: corpus.condition().state, paused };
  const writer = context.dryRun === true ? undefined : await context.openWriter(owner, name);
  const run: RepoRun = {
    context,
    name: { owner, repo: name },
    corpus,
    writer,
    path: `/repos/${owner}/${name}`,
    mutations: 0,
    flushedAtMs: context.nowMs(),
    seen: new Set(),
  };
  try {
    if (writer !== undefined) await catchUp(run, writer);
    const state = await syncSteps(run);
    await commit(run, [], () => context.store.github.setSynced(corpus.id));
    return { repo, mutations: run.mutations, state };
  } finally {
    await writer?.close();
  }
}

/** Records that were written and not applied: a stop came between. */
async function catchUp(run: RepoRun, writer: LogWriter): Promise<void> {
  const { store, signal } = run.context;
  tell(run, 'replay');
  const source = {
    url: `log of ${run.name.owner}/${run.name.repo}`,
    segments: async () => writer.segments(),
    read: writer.read,
  };
  await replayLog(
    { store, repo: run.corpus, source },
    {
      // What was noted with a page was noted with its transaction, and that is what the stop has cost.
      within: (records) => notePulls(run, records),
      ...(signal !== undefined && { signal }),
    },
  );
}

async function syncSteps(run: RepoRun): Promise<string> {
  tell(run, 'repository');
  const state = await syncCondition(run);
  if (state !== 'ok' && state !== 'renamed') return state;
  const steps = [
    ['labels', syncLabels],
    ['issues', syncIssues],
    ['comments', syncComments],
    ['events', syncEvents],
    ['pulls', syncPulls],
    ['deletions', findDeletions],
  ] as const;
  for (const [step, work] of steps) {
    if (run.context.signal?.aborted) throw new SamovarError('aborted', 'given up, the run is ending');
    tell(run, step);
    await work(run);
  }
  return state;
}

/** What GitHub says of the repository itself. It is written when it is another than before, and is no failure. */
async function syncCondition(run: RepoRun): Promise<string> {
  const { github } = run.context.store;
  const repo = run.corpus.id;
  const { path } = run;
  const known = run.corpus.condition();
  const found = await lookAtRepo(run, path, github.etag(repo, 'repo', path) || undefined);
  if (found.said === undefined) return known.state;
  assertSame(run, found.id);
  const { state = 'ok', renamedTo } = found.said;
  if (renamedTo !== undefined) run.path = `/repos/${renamedTo}`;
  const differs = known.state !== state || known.renamedTo !== renamedTo;
  await commit(run, differs ? [repoMutation(run, { samovar: found.said })] : [], () => {
    // What is there again may be as it was before, which is not what is known now: it is asked for anew.
    github.setEtag(repo, 'repo', path, found.etag ?? '');
    if (found.id !== undefined) github.setCursor(repo, 'id', String(found.id));
  });
  return state;
}

/** A name that became free may be given to another repository, which is not to be mixed with the one of the log. */
function assertSame({ context, corpus, name }: RepoRun, id: number | undefined): void {
  const known = context.store.github.cursor(corpus.id, 'id');
  if (known === undefined || id === undefined || known === String(id)) return;
  const subject = `${name.owner}/${name.repo}`;
  throw new SamovarError('conflict', `${subject} on GitHub is another repository than the one in this log`, {
    subject,
    remedy: `Follow the old one by its new name, or begin anew with \`samovar mutation-log reset ${subject}\`.`,
  });
}

interface RepoLook {
  /** Undefined: as it was. */
  readonly said: RepoExtension | undefined;
  readonly etag?: string;
  /** GitHub's, which it keeps whatever it is called. */
  readonly id?: number;
}

interface RepoJson {
  readonly id?: number;
  readonly has_issues?: boolean;
  readonly full_name?: string;
}

async function lookAtRepo(run: RepoRun, path: string, etag: string | undefined): Promise<RepoLook> {
  try {
    const answer = await ask(run, path, etag);
    if (answer.status === 304) return { said: undefined };
    if (answer.status >= 300) return renamed(run, answer.location);
    const { id, has_issues: hasIssues, full_name: fullName } = answer.data as RepoJson;
    const { owner, repo } = run.name;
    const moved = fullName !== undefined && fullName.toLowerCase() !== `${owner}/${repo}`.toLowerCase();
    const state = hasIssues === false ? 'issues-disabled' : moved ? 'renamed' : 'ok';
    return {
      said: { state, ...(moved && { renamedTo: fullName }) },
      ...(answer.etag !== undefined && { etag: answer.etag }),
      ...(id !== undefined && { id }),
    };
  } catch (error) {
    if (!(error instanceof SamovarError)) throw error;
    if (error.code === 'missing') return { said: { state: 'gone' } };
    if (error.status === 451) return { said: { state: 'blocked' } };
    if (error.status === 410) return { said: { state: 'issues-disabled' } };
    throw error;
  }
}

/** Where the repository is now. Its log stays where it is, under the old name. */
async function renamed(run: RepoRun, location: string | undefined): Promise<RepoLook> {
  const gone = { said: { state: 'gone' } };
  const path = location !== undefined && URL.canParse(location) ? new URL(location).pathname : location;
  if (path === undefined || !path.startsWith('/')) return gone;
  try {
    const { status, data } = await ask(run, path);
    const { id, full_name: renamedTo } = (data ?? {}) as RepoJson;
    if (status !== 200 || renamedTo === undefined || !/^[\w.-]+\/[\w.-]+$/.test(renamedTo)) return gone;
    return { said: { state: 'renamed', renamedTo }, ...(id !== undefined && { id }) };
  } catch (error) {
    if (error instanceof SamovarError && error.code === 'missing') return gone;
    throw error;
  }
}
