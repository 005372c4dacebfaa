import { describeError } from '../../errors.ts';
import type { KubeObject } from '../cluster.ts';
import { textAt } from '../idling/fields.ts';
import { OURS, timeAt } from '../idling/marks.ts';
import type { Workload } from '../idling/workload.ts';
import type { ActiveHosts, Candidate, Keeper, Policy, Verdict } from './contract.ts';
import { cpuPercentOf } from './cpu.ts';
import { maySleep } from './schedule.ts';

/** Annotations of a workload, which come before the policy's patterns. */
export const SCHEDULES = {
  sleepAt: 'samovar/sleep-at',
  wakeAt: 'samovar/wake-at',
  timezone: 'samovar/timezone',
};

export interface Seen {
  readonly nowMs: number;
  readonly active: ActiveHosts;
  readonly metricsOf: (workload: Workload) => readonly KubeObject[];
}

const keep = (by: Keeper, why: string): Verdict => ({ idle: false, by, why });

/** Whether an app may be idled now, and why. What cannot be told is no reason to. */
export function decide(candidate: Candidate, policy: Policy, seen: Seen): Verdict {
  if (candidate.kept !== undefined) return { idle: false, ...candidate.kept };
  const reasons: string[] = [];
  for (const judge of [judgeAge, judgeSchedule, judgeRequests, judgeCpu]) {
    const verdict = judge(candidate, policy, seen);
    if (verdict?.idle === false) return verdict;
    if (verdict !== undefined) reasons.push(verdict.why);
  }
  return reasons.length === 0
    ? keep('no-rule', 'no rule says when it may sleep')
    : { idle: true, why: reasons.join('; ') };
}

type Judge = (candidate: Candidate, policy: Policy, seen: Seen) => Verdict | undefined;

const judgeAge: Judge = ({ workloads }, { awakeMsMin }, { nowMs }) => {
  const since = workloads.map(({ object }) =>
    Math.max(timeAt(object, OURS.wokenAt) ?? 0, Date.parse(object.metadata.creationTimestamp ?? '') || 0),
  );
  const minutes = Math.floor((nowMs - Math.max(...since)) / 60_000);
  return nowMs - Math.max(...since) < awakeMsMin
    ? keep('young', `it was woken or made ${minutes} min ago`)
    : undefined;
};

const judgeSchedule: Judge = ({ workloads }, policy, { nowMs }) => {
  let isSaid = false;
  for (const { object } of workloads) {
    const own = (name: string) => textAt(object, 'metadata', 'annotations', name) || undefined;
    const sleepAt = own(SCHEDULES.sleepAt) ?? policy.sleepAt;
    if (sleepAt === undefined) continue;
    const wakeAt = own(SCHEDULES.wakeAt) ?? policy.wakeAt;
    const timezone = own(SCHEDULES.timezone) ?? policy.timezone;
    try {
      if (!maySleep({ sleepAt, wakeAt, timezone }, nowMs)) return keep('hours', 'its hours to be awake');
    } catch (error) {
      return keep('hours', `its hours cannot be read: ${describeError(error)}`);
    }
    isSaid = true;
  }
  return isSaid ? { idle: true, why: 'its hours to sleep' } : undefined;
};

const judgeRequests: Judge = ({ workloads, hosts }, { quietMs }, { nowMs, active }) => {
  if (quietMs === undefined) return undefined;
  const minutes = Math.round(quietMs / 60_000);
  if (hosts.some((host) => active?.has(host)))
    return keep('requests', `it had requests in the last ${minutes} min`);
  const noted = workloads.map(({ object }) => timeAt(object, OURS.lastRequest));
  const last = Math.max(...noted.filter((ms) => ms !== undefined));
  if (nowMs - last < quietMs)
    return keep('requests', `it had a request ${Math.floor((nowMs - last) / 60_000)} min ago`);
  if (active === undefined && !Number.isFinite(last)) return keep('requests', 'nobody counts its requests');
  return { idle: true, why: `no request for ${minutes} min` };
};

const judgeCpu: Judge = ({ workloads }, { cpuPercentMax }, { metricsOf }) => {
  if (cpuPercentMax === undefined) return undefined;
  let most = 0;
  for (const workload of workloads) {
    const percent = cpuPercentOf(workload, metricsOf(workload));
    if (typeof percent === 'string') return keep('cpu', percent);
    if (percent > cpuPercentMax) return keep('cpu', `it uses ${percent.toFixed(1)} % of its CPU`);
    most = Math.max(most, percent);
  }
  return { idle: true, why: `it uses ${most.toFixed(1)} % of its CPU` };
};
