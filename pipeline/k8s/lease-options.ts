import { SamovarError } from '../errors.ts';
import type { Cluster } from './cluster.ts';

/**
 * Glossary: the *holder* of a Lease is who leads; a *term* is the time from getting the Lease to losing it or giving it back; to *renew* is
 * to say that one still leads.
 */
export interface LeaseOptions {
  readonly cluster: Pick<Cluster, 'get' | 'create' | 'patch'>;
  readonly namespace: string;
  /** Of the Lease object, one per set of replicas. */
  readonly name: string;
  /** Of this process, of which there is no second: the pod's name. */
  readonly identity: string;
  /** So long after the last renewal another may lead; 15,000. In whole seconds. */
  readonly durationMs?: number;
  /** So long after the last renewal one stops leading by oneself; less than the duration by more than clocks may differ in it. 10,000. */
  readonly renewWithinMs?: number;
  /** Between tries; 2,000. */
  readonly retryMs?: number;
  /** Wall clock, for people who read the Lease. */
  readonly nowMs: () => number;
  /** A clock that nobody sets; default: the process's own. All decisions are made by it. */
  readonly steadyMs?: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly random: () => number;
  /** Ends it all. */
  readonly signal: AbortSignal;
  readonly onChange?: (change: LeaseChange) => void;
  /** Of failures that are tried again. */
  readonly onRetry?: (error: unknown) => void;
}

export type LeaseChange =
  | { readonly type: 'waiting'; readonly holder: string }
  | { readonly type: 'leading' | 'lost' | 'released' };

export const DURATION_MS = 15_000;
const RENEW_WITHIN_MS = 10_000;
const RETRY_MS = 2_000;
export const JITTER = 0.2;

interface Defaults {
  readonly durationMs: number;
  readonly renewWithinMs: number;
  readonly retryMs: number;
  readonly steadyMs: () => number;
}

export type Settings = LeaseOptions & Defaults;

/** With what is not given. Throws `config` for times that cannot work. */
export function settled(options: LeaseOptions): Settings {
  const { durationMs = DURATION_MS, renewWithinMs = RENEW_WITHIN_MS, retryMs = RETRY_MS } = options;
  const { steadyMs = () => performance.now(), identity } = options;
  const isRight = durationMs >= 1000 && renewWithinMs < durationMs && retryMs * (1 + JITTER) < renewWithinMs;
  if (!isRight || identity === '')
    throw new SamovarError('config', 'a Lease cannot be held with these times or without an identity', {
      remedy: 'Let the time between tries be less than that of renewal, and that less than the duration.',
    });
  return { ...options, durationMs, renewWithinMs, retryMs, steadyMs };
}
