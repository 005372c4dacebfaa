import type { KubeObject } from '../cluster.ts';
import type { Actual, Held, Wanted } from './contract.ts';
import { ANNOTATIONS, deploymentName, fullName, isMadeName, type Repo, serviceName } from './names.ts';
import { deploymentOf, type ObjectOptions, servicesOf } from './objects.ts';
import { type Packing, type Worker, workersOf } from './pack.ts';

export interface WantedOptions extends ObjectOptions {
  readonly packing?: Packing;
}

/**
 * What is to be there now. A repository that moves between a worker of its own and a pack is in neither until its old worker has let
 * go of it: two would write to one log.
 */
export function wantedOf(repos: readonly Repo[], actual: Actual, options: WantedOptions): Wanted {
  const workers = workersOf(repos, options.packing);
  const names = new Set(workers.map(({ name }) => name));
  const holders = holdersOf(actual);
  const moving = new Set<string>();
  const held: Held[] = [];
  const isHeld = (worker: Worker, repo: Repo) => {
    const full = fullName(repo);
    const other = [...(holders.get(full) ?? [])].find((name) => name !== worker.name);
    if (other === undefined) return false;
    if (!names.has(other)) moving.add(other);
    held.push({ name: full, why: `moves to ${worker.name} when ${other} has let go of it` });
    return true;
  };
  const now = workers
    .map((worker) => ({ ...worker, repos: worker.repos.filter((repo) => !isHeld(worker, repo)) }))
    .filter((worker) => worker.repos.length > 0);
  return {
    repositories: repos.length,
    deployments: now.map((worker) => deploymentOf(worker, options)),
    services: now.flatMap((worker) => servicesOf(worker, options)),
    kept: new Set([...names, ...repos.map((repo) => serviceName(fullName(repo)))]),
    moving,
    held,
  };
}

/** By repository: the Deployments that follow it now. */
function holdersOf({ deployments }: Actual): ReadonlyMap<string, ReadonlySet<string>> {
  const holders = new Map<string, Set<string>>();
  for (const { metadata } of deployments.filter((one) => isMadeName(one.metadata.name)))
    for (const full of reposOf({ metadata }))
      holders.set(full, (holders.get(full) ?? new Set()).add(metadata.name));
  return holders;
}

/** The original's objects have labels only, which hold most names. */
export function reposOf({ metadata }: Pick<KubeObject, 'metadata'>): readonly string[] {
  const noted = notedRepos(metadata.annotations?.[ANNOTATIONS.repositories]);
  if (noted !== undefined) return noted;
  const { owner, repository } = metadata.labels ?? {};
  if (owner === undefined || repository === undefined) return [];
  const full = `${owner}/${repository}`;
  return [deploymentName(full), serviceName(full)].includes(metadata.name) ? [full] : [];
}

function notedRepos(text: string | undefined): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  } catch {
    // Not ours, or edited: as if it were not there.
  }
  return undefined;
}
