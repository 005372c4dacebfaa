import { describeError } from '../../errors.ts';
import { editsOf, filesOf } from './changes.ts';
import { type Change, type Person, type Request, targetText } from './command.ts';
import { diffText } from './edit/diff.ts';
import type { Changed, PushHow, Tree } from './engine.ts';
import { checkFreeze } from './freeze.ts';
import { baseNamed, type Handling } from './handling.ts';
import { changeLines, commitAuthor, commitMessage, doneLine, type Edit } from './messages.ts';
import { approvalRule } from './permissions.ts';
import type { Reply } from './reply.ts';
import { waitFor } from './waiting.ts';

/** Shows, asks for approval or makes a change, as the rules say. */
export async function changeHandler(handling: Handling, change: Change): Promise<Reply> {
  const { config, state, engine, onProgress } = handling;
  checkFreeze(await state.read(), change);
  const rule = approvalRule(config, change);
  const isAsked = config.confirmStages.includes(change.stage) || config.confirmStages.includes('*');
  const mustWait = rule !== undefined || (isAsked && !change.confirmed);
  if (!change.dryRun && !mustWait)
    return makeChange(handling, change, { asked: handling.request, approvals: [] });
  onProgress('looking at what would change');
  const edits = await engine.read((tree) => editsOf(tree, baseNamed(config, change.repo), change));
  if (edits.every(({ old, new: now }) => old === now)) return unchanged(handling, edits);
  const warnings = await tagWarnings(handling, edits);
  const shown = previewOf(edits);
  const preview = { ...shown, lines: [...shown.lines, ...warnings] };
  if (change.dryRun) return { state: 'shown', ...preview };
  return waitFor(handling, change, { rule, edits: changeLines(edits), preview });
}

export function previewOf(edits: readonly Edit[]) {
  const diff = filesOf(edits)
    .map(({ path, before, after }) => diffText(path, before, after))
    .filter((text) => text !== '')
    .join('\n');
  return { lines: changeLines(edits), diff };
}

export interface Approved {
  /** Whose change it is: theirs is the commit. */
  readonly asked: Request;
  readonly approvals: readonly Person[];
  /** Throws when what would be done is no longer what was approved. */
  readonly checkEdits?: (edits: readonly Edit[]) => void;
}

/** Commits and pushes. Throws as the engine. */
export async function makeChange(handling: Handling, change: Change, approved: Approved): Promise<Reply> {
  const { config, engine, state, onProgress, audit } = handling;
  const { asked, approvals, checkEdits } = approved;
  const base = baseNamed(config, change.repo);
  let edits: readonly Edit[] = [];
  let warnings: readonly string[] | undefined;
  const plan = async (tree: Tree) => {
    // It may have waited in the queue: a freeze of meanwhile counts.
    checkFreeze(await state.read(), change);
    edits = await editsOf(tree, base, change);
    checkEdits?.(edits);
    // Once, however many races are lost: a registry that is slow holds up all who wait.
    warnings ??= await tagWarnings(handling, edits);
    return {
      files: filesOf(edits),
      message: commitMessage(config.commit, change, edits, { request: asked, approvals }),
      author: commitAuthor(config.commit, asked.person),
    };
  };
  onProgress(engine.waiting === 0 ? 'changing it' : `waiting for ${engine.waiting} before it`);
  const how = howToPush(handling, change, asked);
  const changed = await engine.change(plan, how);
  if (changed.commit === undefined) return unchanged(handling, edits);
  const url = await openPullRequest(handling, change, { how, changed });
  const { commit } = changed;
  const branch = how.branch === undefined ? {} : { branch: how.branch };
  const where = { commit, ...branch, ...(url === undefined ? {} : { url }) };
  const changes = changeLines(edits);
  const names = approvals.map(({ id }) => id);
  const noted = { request: asked, target: targetText(change), changes, approvals: names, ...where };
  // It is pushed: who asked must not be told that it failed.
  const unnoted = await audit({ event: 'done', ...noted }).then(() => [], warningOf);
  const title = doneLine(config.commit, change, edits, asked);
  const asPull = how.branch === undefined ? [] : [`as ${url ?? `branch ${how.branch}`}: merge it`];
  const lines = [title, '', ...changes, '', `by "${asked.text}"`, ...asPull, ...(warnings ?? []), ...unnoted];
  return { state: 'done', ...previewOf(edits), lines, ...where };
}

function warningOf(error: unknown): readonly string[] {
  return [`warning: ${describeError(error)}`];
}

/** Throws `refused` where a tag that would be committed is not in its registry. */
async function tagWarnings({ tagCheck, onProgress }: Handling, edits: readonly Edit[]) {
  const warnings: string[] = [];
  for (const { image, old, new: now } of edits) {
    if (tagCheck === undefined || image === undefined || old === now) continue;
    onProgress('looking the tag up');
    const warning = await tagCheck(image, now);
    if (warning !== undefined) warnings.push(`warning: ${warning}`);
  }
  return warnings;
}

async function unchanged({ request, audit }: Handling, edits: readonly Edit[]): Promise<Reply> {
  const lines = edits.map(({ what, new: now }) => `${what} is ${now} already: nothing was committed`);
  await audit({ event: 'unchanged', request, changes: lines });
  return { state: 'unchanged', lines };
}

function howToPush({ config: { pullRequests, git } }: Handling, change: Change, asked: Request): PushHow {
  if (pullRequests === undefined) return {};
  if (!pullRequests.stages.includes(change.stage) && !pullRequests.stages.includes('*')) return {};
  const branch = `samovar/${targetText(change).replaceAll('/', '-')}-${asked.id}`;
  if (pullRequests.by !== 'options') return { branch };
  const title = `${change.name}(${targetText(change)})`;
  const fill = (text: string) => text.replaceAll('{branch}', git.branch).replaceAll('{title}', title);
  return { branch, options: (pullRequests.options ?? []).map(fill) };
}

async function openPullRequest(
  { pullRequest, config, onProgress, request, audit }: Handling,
  change: Change,
  { how, changed }: { readonly how: PushHow; readonly changed: Changed },
): Promise<string | undefined> {
  if (how.branch === undefined || pullRequest === undefined) return undefined;
  onProgress('opening the pull request');
  const [title = '', ...rest] = changed.plan.message.split('\n');
  try {
    return await pullRequest({
      title,
      body: rest.join('\n').trim(),
      head: how.branch,
      base: config.git.branch,
    });
  } catch (error) {
    // The branch is there: somebody can open it by hand, and must know.
    const reason = `the branch ${how.branch} is pushed, and no pull request could be opened: ${describeError(error)}`;
    await audit({ event: 'failed', request, target: targetText(change), reason });
    return undefined;
  }
}
