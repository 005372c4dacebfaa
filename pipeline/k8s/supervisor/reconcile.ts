import { setMaxListeners } from 'node:events';
import { describeError } from '../../errors.ts';
import { type Cluster, KINDS } from '../cluster.ts';
import { stepText, takeSteps } from './act.ts';
import type { Actual, Limits, Plan, Report, Step } from './contract.ts';
import { MADE_SELECTOR, type Repo } from './names.ts';
import { type Patience, patiently } from './patience.ts';
import { planFleet } from './plan.ts';
import { type WantedOptions, wantedOf } from './wanted.ts';

export interface ReconcileOptions extends WantedOptions, Omit<Patience, 'signal'> {
  readonly cluster: Cluster;
  /** Those that are to be followed. */
  readonly readList: (signal: AbortSignal) => Promise<readonly Repo[]>;
  readonly limits: Limits;
  readonly nowMs: () => number;
  readonly onStep?: (step: Step, failure: unknown) => void;
}

export interface Reconciler {
  /** Looks at everything and takes the steps that are due; with `dryRun` only says them. Throws only when it is to end. */
  pass(signal: AbortSignal, options?: { readonly dryRun?: boolean }): Promise<Report>;
}

const EMPTY: Omit<Report, 'dryRun' | 'outcome'> = {
  ...{ repositories: 0, workers: 0, done: [], failed: [], held: [], paused: [], ignored: [] },
};

/** Remembers the last list that could be read, and when it removed something: a new one waits with removals, as if it had just done one. */
export function createReconciler(options: ReconcileOptions): Reconciler {
  let repos: readonly Repo[] | undefined;
  let lastRemovalMs = options.nowMs();
  const readList = async (signal: AbortSignal): Promise<string | undefined> => {
    try {
      repos = await options.readList(signal);
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      return describeError(error);
    }
  };
  const act = async (plan: Plan, signal: AbortSignal) => {
    const { cluster, nowMs, onStep, sleep, random } = options;
    if (plan.steps.some(({ deed }) => deed === 'remove')) lastRemovalMs = nowMs();
    return takeSteps(plan.steps, { cluster, nowMs, sleep, random, signal, ...(onStep && { onStep }) });
  };
  return {
    pass: async (signal, { dryRun = false } = {}) => {
      // Each call under way listens to it.
      setMaxListeners(0, signal);
      const list = await readList(signal);
      if (repos === undefined)
        return { ...EMPTY, ...(list !== undefined && { list }), outcome: 'failed', dryRun };
      const seen = await look(options, signal);
      if ('failure' in seen)
        return { ...EMPTY, repositories: repos.length, failed: [seen.failure], outcome: 'failed', dryRun };
      const { limits, nowMs } = options;
      const wanted = wantedOf(repos, seen.actual, options);
      const lastMs = dryRun ? Number.NEGATIVE_INFINITY : lastRemovalMs;
      const plan = planFleet({ wanted, actual: seen.actual, limits, nowMs: nowMs(), lastRemovalMs: lastMs });
      const { done, failed } = dryRun
        ? { done: plan.steps.map(stepText), failed: [] }
        : await act(plan, signal);
      return {
        outcome: failed.length > 0 || list !== undefined ? 'partly' : 'done',
        repositories: repos.length,
        workers: seen.actual.deployments.length,
        ...{ done, failed, held: plan.held, paused: plan.paused, ignored: plan.ignored, dryRun },
        ...(list !== undefined && { list }),
      };
    },
  };
}

type Look =
  | { readonly actual: Actual }
  | { readonly failure: { readonly step: string; readonly reason: string } };

async function look(options: ReconcileOptions, signal: AbortSignal): Promise<Look> {
  const { cluster, namespace } = options;
  const which = { namespace, labels: MADE_SELECTOR, signal };
  try {
    const [deployments, services] = await Promise.all([
      patiently(() => cluster.list(KINDS.deployment, which), { ...options, signal }),
      patiently(() => cluster.list(KINDS.service, which), { ...options, signal }),
    ]);
    return { actual: { deployments: deployments.items, services: services.items } };
  } catch (error) {
    signal.throwIfAborted();
    return { failure: { step: 'look at what is there', reason: describeError(error) } };
  }
}
