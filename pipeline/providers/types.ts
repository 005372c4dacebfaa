import type { Warehouse } from '../backends/warehouse/contract.ts';
import type { ProviderClocks } from '../cache/contract.ts';

/** Upstreams of the Fedora providers. */
export const FEDORA_UPSTREAMS = [
  'bodhi',
  'bugzilla',
  'src',
  'koschei',
  'faf',
  'mdapi',
  'orphans',
  'calendars',
  'schedule',
] as const;
export type FedoraUpstream = (typeof FEDORA_UPSTREAMS)[number];

/** What the configuration says of the Fedora providers. */
export interface FedoraConfig {
  /** URLs without a slash at their end; undefined: there is none, and what needs it is off. */
  readonly upstreams: Readonly<Partial<Record<FedoraUpstream, string>>>;
  /** Whether a provider is on. */
  readonly isOn: (provider: string) => boolean;
  /** A provider's clocks: its own, with what the configuration sets. */
  readonly clocksOf: (provider: string, standard: ProviderClocks) => ProviderClocks;
  /** For private bugs; undefined: there are none. */
  readonly bugzillaKey: string | undefined;
}

/** A clock's settings as a file has them, in milliseconds. */
export interface ClockSettings {
  readonly ttlMs?: number;
  readonly staleMs?: number;
  readonly errorMs?: number;
  readonly intervalMs?: number;
  readonly negativeMs?: number;
}

/** Opened when it is first asked for: most providers need none. */
export type OpenWarehouse = () => Promise<Pick<Warehouse, 'dialect' | 'tableName' | 'query'>>;
