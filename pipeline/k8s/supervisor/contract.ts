/**
 * Glossary: a *worker* is the Deployment that follows one repository, or a pack of them; the *fleet* is all workers and their
 * Services; *surplus* is what is there and in no list any more; a *rollout* is a change of a worker, which stops and starts it;
 * a *step* is one change of one object; a *pass* looks at everything once and takes the steps that are due.
 */
import type { KubeObject } from '../cluster.ts';

/** What is to be there. */
export interface Wanted {
  /** How many the list has. */
  readonly repositories: number;
  readonly deployments: readonly KubeObject[];
  readonly services: readonly KubeObject[];
  /** Names that are no surplus, whether they are to be there already or not yet. */
  readonly kept: ReadonlySet<string>;
  /** Deployments whose repositories are wanted in another one: removed without a grace time. */
  readonly moving: ReadonlySet<string>;
  readonly held: readonly Held[];
}

/** What is there of ours. */
export interface Actual {
  readonly deployments: readonly KubeObject[];
  readonly services: readonly KubeObject[];
}

export interface Limits {
  /** How long something must be surplus before it is removed. */
  readonly graceMs: number;
  /** Of the fleet, over 0 to 1: how much may be removed at once, and be stopped for a rollout at once. At least one is. */
  readonly share: number;
  /** Between two removals. */
  readonly spacingMs: number;
  /** A list without any repository means that; else it is taken for a mistake, and nothing is removed. */
  readonly emptyAllowed: boolean;
}

export type Part = 'deployment' | 'service';

export type Step =
  | { readonly deed: 'create' | 'change' | 'adopt'; readonly part: Part; readonly object: KubeObject }
  /** `live`: as it was seen, so that what changed since is not removed. */
  | {
      readonly deed: 'mark' | 'unmark' | 'remove' | 'one-replica';
      readonly part: Part;
      readonly live: KubeObject;
    };

/** Something that is due and not done now. */
export interface Held {
  readonly name: string;
  readonly why: string;
}

export interface Plan {
  readonly steps: readonly Step[];
  readonly held: readonly Held[];
  /** Workers that somebody scaled to 0: left so. */
  readonly paused: readonly string[];
  /** Have our label and a name that we give to nothing. */
  readonly ignored: readonly string[];
}

export interface Failure {
  readonly step: string;
  readonly reason: string;
}

/** What a pass did. */
export interface Report {
  /** `done`: nothing failed. `partly`: some steps failed, and are tried again. `failed`: it could not be looked at. */
  readonly outcome: 'done' | 'partly' | 'failed';
  readonly repositories: number;
  readonly workers: number;
  readonly done: readonly string[];
  readonly failed: readonly Failure[];
  readonly held: readonly Held[];
  readonly paused: readonly string[];
  readonly ignored: readonly string[];
  /** Why the list could not be read; what was read before holds meanwhile. */
  readonly list?: string;
  readonly dryRun: boolean;
}
