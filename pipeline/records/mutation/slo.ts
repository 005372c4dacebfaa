import type { IssueState } from './issue-state.ts';

/** What a service level asks of issues: the original's rules, with the times in seconds. */
export interface SloRule {
  readonly name: string;
  /** An issue must have all of these labels, compared as they are. */
  readonly labels: readonly string[];
  /** It must have none of these. */
  readonly excludedLabels: readonly string[];
  readonly appliesToIssues: boolean;
  readonly appliesToPulls: boolean;
  /** From its creation to a responder's first comment; 0: not asked. */
  readonly responseS: number;
  /** From its creation to its end; 0: not asked. */
  readonly resolutionS: number;
  /** A responder must be assigned to it. */
  readonly requiresAssignee: boolean;
  /** Logins, compared without case as GitHub does; undefined: everybody but the issue's author. */
  readonly responders?: readonly string[];
}

/** What a rule looks at. */
export type SloIssue = Pick<
  IssueState,
  'notExist' | 'pullRequest' | 'closed' | 'labels' | 'created' | 'assignees' | 'user'
> & {
  /** Whoever has commented on it. */
  readonly commenters: readonly SloPerson[];
};

export interface SloPerson {
  readonly id: bigint;
  readonly login?: string;
}

/** True when a rule speaks of an issue. */
export function sloApplies(rule: SloRule, issue: SloIssue | undefined): issue is SloIssue {
  if (issue === undefined || issue.notExist) return false;
  if (issue.pullRequest ? !rule.appliesToPulls : !rule.appliesToIssues) return false;
  const names = new Set(issue.labels.map(({ name }) => name));
  return (
    rule.labels.every((label) => names.has(label)) && !rule.excludedLabels.some((label) => names.has(label))
  );
}

/**
 * Seconds for which an issue still complies, fractions cut off: negative since it was to be done, 0 where nothing is asked of it
 * (closed, not there, of another kind, no rule that still waits for anything).
 */
export function compliantForS(rule: SloRule, issue: SloIssue | undefined, nowMs: number): number {
  const deadlineMs = sloDeadlineMs(rule, issue, nowMs);
  return deadlineMs === undefined ? 0 : Math.trunc((deadlineMs - nowMs) / 1000);
}

/** The earliest time by which something must have happened, in epoch milliseconds; undefined where nothing is asked. */
export function sloDeadlineMs(rule: SloRule, issue: SloIssue | undefined, nowMs: number): number | undefined {
  if (!sloApplies(rule, issue) || issue.closed || issue.created === undefined) return undefined;
  const createdMs = issue.created.seconds * 1000 + Math.trunc((issue.created.nanos ?? 0) / 1e6);
  const isResponder = responderOf(rule, issue);
  const deadlines: number[] = [];
  if (rule.requiresAssignee && !issue.assignees.some(isResponder)) deadlines.push(createdMs);
  if (rule.resolutionS > 0) deadlines.push(createdMs + rule.resolutionS * 1000);
  if (rule.responseS > 0) {
    const responseMs = createdMs + rule.responseS * 1000;
    if (responseMs > nowMs || !issue.commenters.some(isResponder)) deadlines.push(responseMs);
  }
  return deadlines.length === 0 ? undefined : Math.min(...deadlines);
}

function responderOf({ responders }: SloRule, { user }: SloIssue): (person: SloPerson) => boolean {
  if (responders === undefined) return ({ id }) => id !== user?.id;
  const logins = new Set(responders.map((login) => login.toLowerCase()));
  return ({ login }) => login !== undefined && logins.has(login.toLowerCase());
}

/** What a rule says of many issues. */
export interface SloSummary {
  readonly rule: string;
  /** Issues that it speaks of, closed ones included. */
  readonly applies: number;
  readonly open: number;
  readonly compliant: number;
  readonly overdue: number;
  /** The issue that is overdue longest, and for how long. */
  readonly worst: { readonly issue: string; readonly overdueS: number } | undefined;
  /** The next that will be, and in how long. */
  readonly next: { readonly issue: string; readonly leftS: number } | undefined;
}

export interface SloCounter {
  /** `issue`: `owner/repo#number`. */
  add(issue: string, found: SloIssue): void;
  summary(): SloSummary;
}

/** Counts one issue after another: memory does not grow with them. */
export function createSloCounter(rule: SloRule, nowMs: number): SloCounter {
  let applies = 0;
  let open = 0;
  let overdue = 0;
  let worst: SloSummary['worst'];
  let next: SloSummary['next'];
  return {
    add: (issue, found) => {
      if (!sloApplies(rule, found)) return;
      applies += 1;
      if (!found.closed) open += 1;
      const leftS = compliantForS(rule, found, nowMs);
      if (leftS < 0) {
        overdue += 1;
        if (worst === undefined || -leftS > worst.overdueS) worst = { issue, overdueS: -leftS };
      } else if (leftS > 0 && (next === undefined || leftS < next.leftS)) next = { issue, leftS };
    },
    summary: () => ({ rule: rule.name, applies, open, compliant: open - overdue, overdue, worst, next }),
  };
}
