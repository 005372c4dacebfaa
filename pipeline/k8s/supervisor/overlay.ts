/** A part of a pod template. */
export type Overlay = Readonly<Record<string, unknown>>;

const NAMED_LISTS = new Set(['containers', 'initContainers', 'env', 'volumes', 'ports']);

/** What the overlay says goes over what is there; null takes something away; lists of named things merge by name, others are replaced. */
export function mergeInto(base: Overlay, overlay: Overlay): Overlay {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(overlay)) {
    // Set on a plain object, such a key would change what the object is.
    if (key === '__proto__') continue;
    if (value === null) delete merged[key];
    else merged[key] = mergedValue(key, merged[key], value);
  }
  return merged;
}

function mergedValue(key: string, base: unknown, value: unknown): unknown {
  if (isMap(base) && isMap(value)) return mergeInto(base, value);
  if (NAMED_LISTS.has(key) && Array.isArray(base) && Array.isArray(value))
    return mergeNamed(base as readonly Overlay[], value as readonly Overlay[]);
  return value;
}

function mergeNamed(base: readonly Overlay[], over: readonly Overlay[]): readonly Overlay[] {
  const merged = base.map((item) => {
    const same = over.find(({ name }) => name === item.name);
    return same === undefined ? item : mergeInto(item, same);
  });
  return [...merged, ...over.filter(({ name }) => !base.some((item) => item.name === name))];
}

function isMap(value: unknown): value is Overlay {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
