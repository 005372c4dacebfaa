import { SamovarError } from '../../errors.ts';
import { imageFile } from './changes.ts';
import { type Subject, targetText } from './command.ts';
import type { CodeBase } from './config.ts';
import { boundsIn } from './edit/autoscaling.ts';
import { imageIn } from './edit/image.ts';
import type { Tree } from './engine.ts';
import { freezeText } from './freeze.ts';
import { autoscalingFile, servicesOf } from './layout.ts';
import { oneLine } from './messages.ts';
import type { BotState } from './state.ts';

/** As many as the original shows. */
const CHANGES = 11;

export function repoLines(bases: readonly CodeBase[]): readonly string[] {
  const names = bases.map(({ repo, stages }) => `${repo} (${[...stages].sort().join(', ')})`).sort();
  const projects = [...new Set(bases.flatMap((base) => base.projects))].sort();
  return [
    `The following repositories are available: ${names.join(', ')}`,
    ...(projects.length === 0 ? [] : [`The following projects are available: ${projects.join(', ')}`]),
  ];
}

/** Numbered, as `repo/service`, or `repo` for those that are one service. Throws `refused` for a project nobody has. */
export function serviceLines(
  bases: readonly CodeBase[],
  { project, stage }: { readonly project: string; readonly stage: string },
): readonly string[] {
  const those = bases.filter((base) => base.projects.includes(project));
  if (those.length === 0) throw new SamovarError('refused', `project(${project}) doesn't exist`);
  const names = those
    .filter((base) => base.stages.includes(stage))
    .flatMap((base) =>
      servicesOf(base).flatMap((one) => {
        if (one.service === undefined) return [base.repo];
        return one.project === project ? [`${base.repo}/${one.service}`] : [];
      }),
    );
  if (names.length === 0)
    throw new SamovarError('refused', `stage(${stage}) doesn't exist for project(${project})`);
  return names.sort().map((name, at) => `${at + 1}. ${name}`);
}

/** The latest changes of the image, and of the autoscaling where one service is asked about; newest first. */
export async function historyLines(tree: Tree, base: CodeBase, of: Subject): Promise<readonly string[]> {
  const image = await imageFile(tree, base, of);
  const isOne = base.type === 1 || of.service !== undefined;
  const paths = [image.path, ...(isOne ? [autoscalingFile(base, of)] : [])];
  const entries = await tree.history(paths, CHANGES);
  const lines = entries.map(({ commit, atSeconds, author, subject }) => {
    const at = new Date(atSeconds * 1_000).toISOString().slice(0, 16);
    return `${commit.slice(0, 10)} ${at}Z ${author}: ${subject}`;
  });
  return [`The latest changes of ${targetText(of)}:`, ...lines];
}

/** Tag and bounds, from the files. */
export async function infoLines(tree: Tree, base: CodeBase, of: Subject): Promise<readonly string[]> {
  const { path, text } = await imageFile(tree, base, of);
  const { name, version } = imageIn(text, { image: base.image, repo: base.repo, file: path });
  const lines = [targetText(of), `\tImageTag: ${version?.value ?? 'none'} (${name})`];
  if (base.type === 2 && of.service === undefined) return lines;
  const scaling = autoscalingFile(base, of);
  const found = await tree.file(scaling);
  if (found === undefined) return [...lines, '\tAutoScaling: none'];
  const { min, max } = boundsIn(found, scaling);
  return [...lines, `\tAutoScaling: min ${min ?? 'default'}, max ${max ?? 'none'}`];
}

export function waitingLines({ waiting, freezes }: BotState, nowMs: number): readonly string[] {
  const open = waiting.filter(({ expiresMs }) => expiresMs > nowMs);
  const lines = open.map(({ id, change, request, count, votes, edits }) => {
    const state = count === 0 ? 'to be confirmed' : `${votes.length} of ${count} approvals`;
    return `${id} ${change.name} ${targetText(change)} of ${oneLine(request.person.name)}, ${state}: ${edits.join('; ')}`;
  });
  const frozen = freezes.map((one) => `frozen ${one.repo}/${one.stage}: ${freezeText(one)}`);
  return lines.length + frozen.length === 0 ? ['nothing waits, nothing is frozen'] : [...lines, ...frozen];
}
