import { deploymentName, fullName, hashOf, packName, type Repo } from './names.ts';

/** Which repositories share workers: those that a pattern matches, spread over so many. */
export interface Packing {
  /** `owner/name` with `*` for any text: `googleapis/*`. */
  readonly patterns: readonly string[];
  readonly count: number;
}

/** One worker: a Deployment, with a Service for each of its repositories. */
export interface Worker {
  readonly name: string;
  /** Sorted by name. */
  readonly repos: readonly Repo[];
  readonly packed: boolean;
}

/**
 * Every repository's worker. Which pack one is in depends on its own name and the number of packs alone: others coming and going
 * move nothing.
 */
export function workersOf(repos: readonly Repo[], packing?: Packing): readonly Worker[] {
  const isPacked = matcher(packing);
  const packs = new Map<string, Repo[]>();
  const single: Worker[] = [];
  for (const repo of [...repos].sort((a, b) => (fullName(a) < fullName(b) ? -1 : 1))) {
    const full = fullName(repo);
    if (packing === undefined || !isPacked(full)) {
      single.push({ name: deploymentName(full), repos: [repo], packed: false });
      continue;
    }
    const name = packName(Number.parseInt(hashOf(full).slice(0, 8), 16) % packing.count);
    packs.set(name, [...(packs.get(name) ?? []), repo]);
  }
  return [...single, ...[...packs].map(([name, members]) => ({ name, repos: members, packed: true }))];
}

function matcher(packing: Packing | undefined): (full: string) => boolean {
  const patterns = (packing?.patterns ?? []).map((pattern) => {
    const parts = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`, 'i');
  });
  return (full) => patterns.some((pattern) => pattern.test(full));
}
