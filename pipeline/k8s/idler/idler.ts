import pLimit from 'p-limit';
import { describeError, SamovarError } from '../../errors.ts';
import { KINDS, type KubeObject } from '../cluster.ts';
import { type Hands, isCode, persist } from '../idling/change.ts';
import type { Redirect } from '../idling/saved-service.ts';
import { inWords, podSelector, type Workload } from '../idling/workload.ts';
import type { ActiveHosts, Candidate, IdlerReport, Named, Policy, Verdict } from './contract.ts';
import { decide } from './decide.ts';
import { idle } from './idle.ts';
import { mend } from './mend.ts';
import { nextRun } from './schedule.ts';
import { survey } from './survey.ts';

export interface IdlerOptions {
  /** Of workloads, in all namespaces. */
  readonly selector: string;
  readonly policy: Policy;
  readonly redirect: Redirect;
  readonly dryRun: boolean;
  /** Asked once per pass where the policy looks at requests. */
  readonly activeHosts?: () => Promise<ActiveHosts>;
  /** Told of each app that was idled, before the pass goes on. */
  readonly onIdled?: (candidate: Candidate, why: string) => Promise<void>;
}

const AT_ONCE = 8;
/** Timers cannot wait for weeks. */
const NAP_MS_MAX = 3_600_000;

/** Looks at everything once, and idles what may sleep. What fails keeps no other from it. */
export async function idlerPass(options: IdlerOptions, hands: Hands): Promise<IdlerReport> {
  const { policy, selector, dryRun } = options;
  const beganMs = hands.nowMs();
  const active = policy.quietMs === undefined ? undefined : await options.activeHosts?.();
  const limit = pLimit(AT_ONCE);
  const idled: Named[] = [];
  const kept: IdlerReport['kept'][number][] = [];
  const failed: Named[] = [];
  const judge = async (candidate: Candidate) => {
    const app = `${candidate.namespace}/${candidate.name}`;
    try {
      const metrics = await metricsOf(candidate, policy, hands);
      const seen = { nowMs: hands.nowMs(), active, metricsOf: (each: Workload) => metrics.get(each) ?? [] };
      const verdict = decide(candidate, policy, seen);
      const last = dryRun || !verdict.idle ? verdict : await carryOut(candidate, verdict, options, hands);
      if (last.idle) idled.push({ app, why: last.why });
      else kept.push({ app, by: last.by, why: last.why });
    } catch (error) {
      hands.signal.throwIfAborted();
      failed.push({ app, why: describeError(error) });
    }
  };
  const { externalName } = options.redirect;
  const mended = (await mend(selector, { externalName, dryRun }, hands)).map(inWords);
  const candidates = await survey(selector, hands);
  await Promise.all(candidates.map((candidate) => limit(() => judge(candidate))));
  const sorted = <T extends Named>(list: T[]) => list.sort((a, b) => (a.app < b.app ? -1 : 1));
  const times = { at: new Date(beganMs).toISOString(), seconds: (hands.nowMs() - beganMs) / 1000 };
  return { dryRun, ...times, mended, idled: sorted(idled), kept: sorted(kept), failed: sorted(failed) };
}

/** Somebody may have labelled it meanwhile: then it is kept after all. */
async function carryOut(
  candidate: Candidate,
  verdict: Verdict,
  { redirect, onIdled }: IdlerOptions,
  hands: Hands,
): Promise<Verdict> {
  const left = await idle(candidate, redirect, hands);
  if (left !== undefined) return { idle: false, by: 'label', why: left };
  await onIdled?.(candidate, verdict.why);
  return verdict;
}

async function metricsOf({ kept, workloads }: Candidate, { cpuPercentMax }: Policy, hands: Hands) {
  const found = new Map<Workload, readonly KubeObject[]>();
  if (cpuPercentMax === undefined || kept !== undefined) return found;
  const { cluster, signal } = hands;
  for (const workload of workloads) {
    const namespace = workload.object.metadata.namespace ?? '';
    const which = { namespace, labels: podSelector(workload), signal };
    try {
      found.set(workload, (await persist(() => cluster.list(KINDS.podMetrics, which), hands)).items);
    } catch (error) {
      if (!isCode(error, 'missing')) throw error;
      throw new SamovarError('missing', 'this cluster has no metrics API: CPU cannot be told', {
        remedy: 'Install metrics-server, or decide by schedule or requests.',
        cause: error,
      });
    }
  }
  return found;
}

export interface LoopOptions {
  /** A cron pattern: when to look. */
  readonly schedule: string;
  readonly timezone?: string | undefined;
  readonly onReport: (report: IdlerReport) => void;
  readonly onFailure: (error: unknown) => void;
}

/** A pass at each time of the schedule, until the signal. Throws `config` for what is no schedule. */
export async function idlerLoop(options: IdlerOptions, loop: LoopOptions, hands: Hands): Promise<void> {
  while (!hands.signal.aborted) {
    const at = nextRun(loop.schedule, loop.timezone, hands.nowMs());
    if (at === undefined)
      throw new SamovarError('config', `the schedule ${loop.schedule} has no time left`, {
        remedy: 'Write a pattern that comes again.',
      });
    while (hands.nowMs() < at) await hands.sleep(Math.min(at - hands.nowMs(), NAP_MS_MAX), hands.signal);
    try {
      loop.onReport(await idlerPass(options, hands));
    } catch (error) {
      hands.signal.throwIfAborted();
      loop.onFailure(error);
    }
  }
}
