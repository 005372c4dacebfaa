import { isMap, isScalar } from 'yaml';
import { SamovarError } from '../../../errors.ts';
import type { EditedFile } from './image.ts';
import { documentsOf, pairOf, scalarRange, spliced, unusable } from './splice.ts';

export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

const KEYS = [
  ['min', 'minReplicas'],
  ['max', 'maxReplicas'],
] as const;
const KIND = 'HorizontalPodAutoscaler';

/**
 * Moves the bounds of an autoscaler: one line each. Throws `refused` where the lower would be above the upper, counting the one that
 * stays; `malformed` where the file names no such bound.
 */
export function setBounds(text: string, bounds: Bounds, file: string): readonly EditedFile[] {
  const held = boundsIn(text, file);
  const { min, max } = { ...held, ...bounds };
  if (min !== undefined && max !== undefined && min > max)
    throw new SamovarError('refused', `minReplicas ${min} would be more than maxReplicas ${max}`, {
      subject: file,
      remedy: 'Give both bounds.',
    });
  const edits: EditedFile[] = [];
  let now = text;
  for (const [name, key] of KEYS) {
    const wanted = bounds[name];
    if (wanted === undefined) continue;
    const after = held[name] === wanted ? now : setBound(now, key, wanted, file);
    edits.push({
      before: now,
      after,
      old: String(held[name] ?? ''),
      new: String(wanted),
      what: `${key}(spec.${key})`,
    });
    now = after;
  }
  return edits;
}

export function boundsIn(text: string, file: string): Bounds {
  const { spec } = autoscaler(text, file);
  const read = (key: string) => {
    const value = pairOf(spec, key)?.value;
    return isScalar(value) && typeof value.value === 'number' ? value.value : undefined;
  };
  const [min, max] = [read('minReplicas'), read('maxReplicas')];
  return { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
}

function setBound(text: string, key: string, wanted: number, file: string): string {
  const { spec, documents, at } = autoscaler(text, file);
  const pair = pairOf(spec, key);
  if (pair === undefined) throw unusable(file, `it has no spec.${key}`);
  const range = scalarRange(pair.value, key, file);
  const values = documents.map((document) => document.toJS() as { spec: Record<string, unknown> });
  const value = values[at];
  if (value !== undefined) value.spec[key] = wanted;
  return spliced(text, { range, text: String(wanted) }, values, file);
}

function autoscaler(text: string, file: string) {
  const documents = documentsOf(text, file);
  const found = documents.flatMap((document, at) => (document.get('kind') === KIND ? [at] : []));
  const [at] = found;
  const spec: unknown = at === undefined ? undefined : documents[at]?.get('spec');
  if (at === undefined || found.length > 1 || !isMap(spec)) throw unusable(file, `it must hold one ${KIND}`);
  return { documents, at, spec };
}
