import { isMap, isScalar, isSeq, type YAMLMap } from 'yaml';
import { SamovarError } from '../../../errors.ts';
import type { ImageVersion } from '../command.ts';
import { documentsOf, pairOf, scalarRange, scalarText, spliced, unusable } from './splice.ts';

export interface EditedFile {
  readonly before: string;
  readonly after: string;
  /** What it was, for people; '' for nothing. */
  readonly old: string;
  readonly new: string;
  /** As commit messages name it: `image-tag(images.0.newTag)`. */
  readonly what: string;
  /** What is pulled with the new tag, for an edit of an image. */
  readonly image?: string;
}

export interface WhichImage {
  /** As `name:` has it; it must be there. */
  readonly image?: string | undefined;
  /** The code base, for a file of several images: the one whose last part this is. */
  readonly repo: string;
  readonly file: string;
}

const KEYS = { tag: 'newTag', digest: 'digest' } as const;

/**
 * Gives an image of a kustomization another tag or digest: one line changes. Throws `refused` where it is not clear which image is
 * meant, `malformed` for a file of another shape.
 */
export function setImage(text: string, version: ImageVersion, which: WhichImage): EditedFile {
  const { entry, at, value } = findImage(text, which);
  const [held, pair] = versionOf(entry, which.file);
  const old = held === undefined ? '' : textOf(pair?.value);
  const key = KEYS[version.kind];
  const what = `image-tag(images.${at}.${key})`;
  const pulled = String(entry.get('newName') ?? entry.get('name'));
  const result = { before: text, old, new: version.value, what, image: pulled };
  if (held === key && old === version.value) return { ...result, after: text };
  const wanted = structuredClone(value) as { images: Record<string, unknown>[] };
  const image = wanted.images[at] ?? {};
  if (held !== undefined) delete image[held];
  image[key] = version.value;
  const splice =
    pair === undefined
      ? added(entry, key, version, text, which.file)
      : changed(pair, key, version, which.file);
  return { ...result, after: spliced(text, splice, [wanted], which.file) };
}

/** What the image has now; undefined where it has no tag or digest. Throws as `setImage`. */
export function imageIn(
  text: string,
  which: WhichImage,
): { readonly name: string; readonly version?: ImageVersion } {
  const { entry } = findImage(text, which);
  const name = String(entry.get('name'));
  const [held, pair] = versionOf(entry, which.file);
  if (held === undefined) return { name };
  return { name, version: { kind: held === 'digest' ? 'digest' : 'tag', value: textOf(pair?.value) } };
}

function findImage(text: string, which: WhichImage) {
  const documents = documentsOf(text, which.file);
  const [document] = documents;
  if (document === undefined || documents.length > 1) throw unusable(which.file, 'it must hold one document');
  const images: unknown = document.get('images');
  if (!isSeq(images) || images.items.length === 0) throw unusable(which.file, 'it has no images');
  const names = images.items.map((item) => (isMap(item) ? String(item.get('name')) : ''));
  const at = chosen(names, which);
  const entry = images.items[at];
  if (!isMap(entry)) throw unusable(which.file, 'its images are no mappings');
  return { entry, at, value: document.toJS() as unknown };
}

function chosen(names: readonly string[], { image, repo, file }: WhichImage): number {
  const only = (found: readonly number[]) => (found.length === 1 ? found[0] : undefined);
  const those = (test: (name: string) => boolean) => names.flatMap((name, at) => (test(name) ? [at] : []));
  const at =
    image === undefined
      ? names.length === 1
        ? 0
        : only(those((name) => name.split('/').at(-1) === repo))
      : only(those((name) => name === image));
  if (at !== undefined) return at;
  const list = names.join(', ');
  throw new SamovarError(
    'refused',
    image === undefined ? `${file} has several images: ${list}` : `${file} has no image ${image}, or several`,
    { subject: file, remedy: `Say image=NAME; the names: ${list}.` },
  );
}

function versionOf(entry: YAMLMap, file: string) {
  const tag = pairOf(entry, KEYS.tag);
  const digest = pairOf(entry, KEYS.digest);
  if (tag !== undefined && digest !== undefined) throw unusable(file, 'its image has both newTag and digest');
  if (tag !== undefined) return [KEYS.tag, tag] as const;
  return digest === undefined ? ([undefined, undefined] as const) : ([KEYS.digest, digest] as const);
}

function textOf(node: unknown): string {
  // As it is written: 1.10 must not become 1.1.
  return isScalar(node) ? (node.source ?? String(node.value)) : '';
}

/** The value; and the key where a digest takes a tag's place. */
function changed(pair: { key: unknown; value: unknown }, key: string, version: ImageVersion, file: string) {
  const range = scalarRange(pair.value, 'the tag', file);
  const text = scalarText(version.value, pair.value);
  if (isScalar(pair.key) && pair.key.value === key)
    return { range: spaced(range), text: spacedText(range, text) };
  const [from] = scalarRange(pair.key, 'the key', file);
  return { range: [from, range[1]] as const, text: `${key}: ${text}` };
}

/** `newTag:` with nothing after it has no room for a value. */
const spaced = ([from, to]: readonly [number, number]) => [from, to] as const;
const spacedText = ([from, to]: readonly [number, number], text: string) => (from === to ? ` ${text}` : text);

/** A line after the last one of its mapping, or a pair within the braces. */
function added(entry: YAMLMap, key: string, version: ImageVersion, text: string, file: string) {
  const last = entry.items.at(-1);
  const end = scalarRange(last?.value, 'its last value', file)[1];
  const value = scalarText(version.value, undefined);
  if (entry.flow) return { range: [end, end] as const, text: `, ${key}: ${value}` };
  const start = scalarRange(last?.key, 'its last key', file)[0];
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const lineEnd = text.indexOf('\n', end);
  const at = lineEnd === -1 ? text.length : lineEnd;
  const isCrLf = text[at - 1] === '\r';
  const indent = ' '.repeat(start - lineStart);
  const where = isCrLf ? at - 1 : at;
  return { range: [where, where] as const, text: `${isCrLf ? '\r\n' : '\n'}${indent}${key}: ${value}` };
}
