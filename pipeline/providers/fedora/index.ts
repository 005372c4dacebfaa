import type { Provider } from '../../cache/contract.ts';
import type { FedoraConfig } from '../types.ts';
import { abrt } from './abrt.ts';
import { overrides, updates } from './bodhi.ts';
import { bugs, privateBugs } from './bugs.ts';
import { calendars } from './calendars.ts';
import { allGroups, allPackagers, allPackages, groupsPackages, packageStatic, users } from './derived.ts';
import { groups } from './groups.ts';
import { healthCheck } from './health-check.ts';
import { koschei } from './koschei.ts';
import type { FedoraProvider } from './make.ts';
import { orphans } from './orphans.ts';
import { OWNERS, owners } from './owners.ts';
import { pulls } from './pulls.ts';
import { releases } from './releases.ts';
import { schedule } from './schedule.ts';
import { versions } from './versions.ts';

/** In the order in which an empty cache is warmed: releases label everything else, what is derived comes after what it is made of. */
const ALL: readonly FedoraProvider[] = [
  ...[releases, updates, overrides, versions, groups, koschei, owners],
  ...[orphans, calendars, schedule, healthCheck],
  ...[packageStatic, users, groupsPackages, allPackages, allPackagers, allGroups],
  ...[bugs, privateBugs, pulls, abrt],
];

/** Names of all of Fedora's providers. */
export const FEDORA_PROVIDERS: readonly string[] = ALL.map(({ name }) => name);

/** Those that are on and have their upstreams; nothing depends on one that is not there. */
export function fedoraProviders(config: FedoraConfig): readonly Provider[] {
  const there = ALL.filter(
    ({ name, needs = [] }) => config.isOn(name) && needs.every((one) => config.upstreams[one] !== undefined),
  );
  const names = new Set(there.map(({ name }) => name));
  const isThere = (name: string) => names.has(name);
  return there
    .flatMap((one) => one.make({ ...config, isThere }) ?? [])
    .filter(({ kind }) => kind !== 'derived' || isThere(OWNERS))
    .map((provider) => ({ ...provider, dependsOn: provider.dependsOn.filter(isThere) }));
}
