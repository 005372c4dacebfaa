import type { KubeObject } from '../cluster.ts';
import type { Workload } from '../idling/workload.ts';

/** What is idled and woken as one: a workload, or all of a group, with the Services that lead to them. */
export interface Candidate {
  readonly namespace: string;
  /** Of the group, else of the workload. */
  readonly name: string;
  readonly workloads: readonly Workload[];
  readonly services: readonly KubeObject[];
  /** Under which its users ask for it. */
  readonly hosts: readonly string[];
  /** Why it can not be idled, whatever the policy says; undefined: it can. */
  readonly kept: Keeping | undefined;
}

/** All that is set must say that it may sleep; what cannot be told keeps it awake. */
export interface Policy {
  /** Of the limits of its pods, or of what they request where there is no limit. */
  readonly cpuPercentMax?: number;
  /** No request for so long, in milliseconds. */
  readonly quietMs?: number;
  /** Cron patterns: may sleep from one to the other. Annotations of a workload come first. */
  readonly sleepAt?: string;
  readonly wakeAt?: string;
  /** Of the patterns: `Europe/London`. */
  readonly timezone?: string;
  /** Since it was made, or woken last. */
  readonly awakeMsMin: number;
}

/** Hosts that were asked for in the last `quietMs`; undefined: nobody counts. */
export type ActiveHosts = ReadonlySet<string> | undefined;

/** What keeps an app awake, in one word; metrics count by it. */
export const KEEPERS = [
  'label',
  'unreachable',
  'shared',
  'young',
  'hours',
  'requests',
  'cpu',
  'no-rule',
] as const;
export type Keeper = (typeof KEEPERS)[number];

export interface Keeping {
  readonly by: Keeper;
  readonly why: string;
}

export type Verdict = ({ readonly idle: false } & Keeping) | { readonly idle: true; readonly why: string };

export interface IdlerReport {
  readonly dryRun: boolean;
  /** When it began, RFC 3339. */
  readonly at: string;
  readonly seconds: number;
  /** Workloads that were awake and marked as asleep. */
  readonly mended: readonly string[];
  readonly idled: readonly Named[];
  readonly kept: readonly (Named & Keeping)[];
  readonly failed: readonly Named[];
}

export interface Named {
  /** `namespace/name`. */
  readonly app: string;
  readonly why: string;
}
