import { SamovarError } from '../../errors.ts';
import type { Change, ImageVersion, Rollback, Scale, Subject } from './command.ts';
import type { CodeBase } from './config.ts';
import { setBounds } from './edit/autoscaling.ts';
import { type EditedFile, imageIn, setImage, type WhichImage } from './edit/image.ts';
import type { FileEdit, Tree } from './engine.ts';
import { imageVersion } from './image-version.ts';
import { autoscalingFile, imageFolder, KUSTOMIZATION_NAMES } from './layout.ts';
import type { Edit } from './messages.ts';

/** How many changes of a file are looked through for another tag. */
const HISTORY_MAX = 100;

/** The edits that a command comes to, on what the branch holds now. Throws `refused`, `missing` or `malformed`. */
export async function editsOf(tree: Tree, base: CodeBase, change: Change): Promise<readonly Edit[]> {
  if (change.name === 'scale') return scaleEdits(tree, base, change);
  const { path, text } = await imageFile(tree, base, change);
  const which = { image: change.image ?? base.image, repo: base.repo, file: path };
  const version =
    change.name === 'rollback' ? await earlier(tree, change, { path, text, which }) : change.version;
  return [{ path, ...setImage(text, version, which) }];
}

/** One entry per file: several edits of one file follow each other. */
export function filesOf(edits: readonly Edit[]): readonly FileEdit[] {
  const files = new Map<string, FileEdit>();
  for (const { path, before, after } of edits)
    files.set(path, { path, before: files.get(path)?.before ?? before, after });
  return [...files.values()];
}

/** The kustomization that names the image. Throws `missing`. */
export async function imageFile(tree: Tree, base: CodeBase, of: Subject) {
  const folder = imageFolder(base, of);
  for (const name of KUSTOMIZATION_NAMES) {
    const path = `${folder}/${name}`;
    const text = await tree.file(path);
    if (text !== undefined) return { path, text };
  }
  throw new SamovarError('missing', `cannot get file(${folder}/${KUSTOMIZATION_NAMES[0]})`, {
    subject: folder,
    remedy: 'Check type, stages and projects of the code base against the repository of manifests.',
  });
}

async function scaleEdits(tree: Tree, base: CodeBase, change: Scale): Promise<readonly Edit[]> {
  const path = autoscalingFile(base, change);
  const text = await tree.file(path);
  if (text === undefined)
    throw new SamovarError('refused', 'auto scaling is not support for the service', {
      subject: path,
      remedy: `There is no ${path}.`,
    });
  const { min, max } = change;
  const bounds = { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
  return setBounds(text, bounds, path).map((edit: EditedFile) => ({ path, ...edit }));
}

interface ImageFile {
  readonly path: string;
  readonly text: string;
  readonly which: WhichImage;
}

async function earlier(tree: Tree, { to }: Rollback, file: ImageFile): Promise<ImageVersion> {
  const now = imageIn(file.text, file.which).version;
  const entries = await tree.history([file.path], HISTORY_MAX);
  if (to !== undefined) return versionAt(await tree.show(to, file.path), file, to);
  for (const { commit } of entries) {
    const version = versionIn(await tree.show(commit, file.path), file.which);
    if (version !== undefined && version.value !== now?.value) return version;
  }
  throw new SamovarError('refused', `${file.path} had no other tag in its last ${HISTORY_MAX} changes`, {
    subject: file.path,
    remedy: 'Deploy the tag that you want.',
  });
}

function versionAt(text: string | undefined, { path, which }: ImageFile, commit: string): ImageVersion {
  const version = versionIn(text, which);
  if (version !== undefined) return version;
  throw new SamovarError('refused', `commit ${commit} has no tag of this image in ${path}`, {
    subject: path,
    remedy: 'Say list to see the commits.',
  });
}

/** A file may have been broken, or of another shape, in the past. */
function versionIn(text: string | undefined, which: WhichImage): ImageVersion | undefined {
  try {
    const version = text === undefined ? undefined : imageIn(text, which).version;
    return version === undefined ? undefined : imageVersion(version.value);
  } catch {
    return undefined;
  }
}
