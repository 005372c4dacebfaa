import type { Json, Provider, ProviderClocks } from '../../cache/contract.ts';
import { clocksEvery } from '../clocks.ts';
import type { FedoraConfig, FedoraUpstream } from '../types.ts';

/** With what only all providers together tell. */
export interface MakeConfig extends FedoraConfig {
  /** It is on and has its upstream: others may read it. */
  readonly isThere: (provider: string) => boolean;
}

/** A Fedora provider before the configuration has been looked at. */
export interface FedoraProvider {
  readonly name: string;
  /** What it cannot be without. */
  readonly needs?: readonly FedoraUpstream[];
  readonly make: (config: MakeConfig) => Provider | undefined;
}

type Given = Omit<Provider, 'clocks' | 'concurrency' | 'version' | 'tags' | 'dependsOn'>;
type Usual = Partial<Pick<Provider, 'concurrency' | 'version' | 'tags' | 'dependsOn'>>;

/** With what is usual for all: clocks of an interval, one job at once, version 1, the tag `fedora`. */
export function usual(config: FedoraConfig, intervalMs: number, given: Given & Usual): Provider {
  const { concurrency = 1, version = 1, tags = [], dependsOn = [], ...rest } = given;
  const clocks: ProviderClocks = config.clocksOf(given.name, clocksEvery(intervalMs));
  return { ...rest, clocks, concurrency, version, tags: ['fedora', ...tags], dependsOn };
}

/** The URL of an upstream that `needs` has promised. */
export function base(config: FedoraConfig, upstream: FedoraUpstream): string {
  const url = config.upstreams[upstream];
  if (url === undefined) throw new TypeError(`no upstream ${upstream}`);
  return url;
}

/** Number of members: what the guard against a shrunk upstream compares. */
export function members(value: Json): number {
  if (Array.isArray(value)) return value.length;
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0;
}

/** A bulk value that loses half of its members is not believed. */
export const GUARDED = { shrinkMin: 0.5, sizeOf: members } as const;

export const RELEASES = 'fedora_releases';
