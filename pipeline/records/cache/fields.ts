import { SamovarError } from '../../errors.ts';

/**
 * What upstreams send is strangers' data: a field may be of any type, any size and any name. These look at one value and give it
 * in the wanted type, or undefined. Objects are looked into by own keys only: `constructor` is a package name.
 */
export type Fields = Readonly<Record<string, unknown>>;

/** A title, a URL: what is longer is no title. */
const TEXT_CHARS_MAX = 2000;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/;
const PERSON = /^[A-Za-z0-9][A-Za-z0-9._+@-]{0,63}$/;

export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

export function own(fields: Fields | undefined, key: string): unknown {
  return fields !== undefined && Object.hasOwn(fields, key) ? fields[key] : undefined;
}

export function listOf(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= TEXT_CHARS_MAX ? value : undefined;
}

export function wholeOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

/** Name of a package or of a group. */
export function nameOf(value: unknown): string | undefined {
  return typeof value === 'string' && NAME.test(value) ? value : undefined;
}

export function personOf(value: unknown): string | undefined {
  return typeof value === 'string' && PERSON.test(value) ? value : undefined;
}

/** An address to be shown as a link: http or https, nothing that runs. */
export function linkOf(value: unknown): string | undefined {
  const text = textOf(value);
  return text !== undefined && /^https?:\/\//i.test(text) ? text : undefined;
}

/** The texts of a list; others are left out. */
export function textsOf(value: unknown): readonly string[] {
  return (listOf(value) ?? []).map(textOf).filter((text) => text !== undefined);
}

/** A value, or the first of a list of it: Bugzilla servers differ. */
export function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : value;
}

/** What fits of a list, and how many did not. */
export interface Sifted<T> {
  readonly items: readonly T[];
  readonly leftOut: number;
}

/** Throws `malformed` when it is no list, or when nothing in it fits: then it is another thing than `what`. */
export function sift<T>(list: unknown, what: string, parse: (item: unknown) => T | undefined): Sifted<T> {
  const all = listOf(list);
  if (all === undefined) throw unfit(what, `a list was expected, and ${kindOf(list)} came`);
  const items = all.map(parse).filter((item) => item !== undefined);
  if (items.length === 0 && all.length > 0)
    throw unfit(what, `none of ${all.length} items has the expected fields`);
  return { items, leftOut: all.length - items.length };
}

/** As `sift`, for an object's entries. */
export function siftEntries<T>(
  value: unknown,
  what: string,
  parse: (key: string, item: unknown) => T | undefined,
): Sifted<T> {
  const fields = fieldsOf(value);
  if (fields === undefined) throw unfit(what, `an object was expected, and ${kindOf(value)} came`);
  return sift(Object.entries(fields), what, (entry) => {
    const [key, item] = entry as [string, unknown];
    return parse(key, item);
  });
}

export function unfit(what: string, seen: string): SamovarError {
  return new SamovarError('malformed', `${what} cannot be read: ${seen}`, {
    subject: what,
    remedy: 'Look at what the upstream answers; its form or its URL may have changed.',
  });
}

export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
}

/** Lists by a name, the names in order: equal contents give equal text. */
export type Grouped<T> = Readonly<Record<string, readonly T[]>>;

export function group<T>(pairs: Iterable<readonly [string, T]>): Grouped<T> {
  const lists = new Map<string, T[]>();
  for (const [name, item] of pairs) {
    const list = lists.get(name);
    if (list === undefined) lists.set(name, [item]);
    else list.push(item);
  }
  return ordered(lists);
}

/** A mapping in the order of its names. Made of entries, so that no name can be more than a name. */
export function ordered<T>(map: Iterable<readonly [string, T]>): Readonly<Record<string, T>> {
  return Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : Number(a > b))));
}

export function sortedSet(names: Iterable<string>): readonly string[] {
  return [...new Set(names)].sort();
}
