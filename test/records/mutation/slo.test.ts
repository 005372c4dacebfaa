import { describe, expect, it } from 'vitest';
import {
  compliantForS,
  createSloCounter,
  type SloIssue,
  type SloRule,
  sloApplies,
} from '../../../pipeline/records/mutation/slo.ts';

const CREATED_S = 1_700_000_000;
const nowMs = (afterS: number) => (CREATED_S + afterS) * 1000;

const issue = (said: Partial<SloIssue> = {}): SloIssue => ({
  notExist: false,
  pullRequest: false,
  closed: false,
  labels: [],
  created: { seconds: CREATED_S },
  assignees: [],
  user: { id: 1n, login: 'author' },
  commenters: [],
  ...said,
});

const rule = (said: Partial<SloRule> = {}): SloRule => ({
  name: 'rule',
  labels: [],
  excludedLabels: [],
  appliesToIssues: true,
  appliesToPulls: true,
  responseS: 0,
  resolutionS: 0,
  requiresAssignee: false,
  responders: ['Ann'],
  ...said,
});

const label = (...names: readonly string[]) => names.map((name, at) => ({ id: BigInt(at + 1), name }));

describe('a rule speaks of an issue', () => {
  it.each([
    ['without labels asked for', {}, {}, true],
    ['with all of the labels', { labels: ['p1', 'bug'] }, { labels: label('bug', 'p1', 'x') }, true],
    ['not with some of them', { labels: ['p1', 'bug'] }, { labels: label('bug') }, false],
    ['not with a label of another case', { labels: ['P1'] }, { labels: label('p1') }, false],
    ['not with one that only contains it', { labels: ['p1'] }, { labels: label('cpp1') }, false],
    ['not with an excluded one', { excludedLabels: ['wait'] }, { labels: label('wait') }, false],
    ['not of the other kind: pulls', { appliesToPulls: false }, { pullRequest: true }, false],
    ['not of the other kind: issues', { appliesToIssues: false }, {}, false],
    ['not that is not there', {}, { notExist: true }, false],
  ] as const)('%s', (_, ruleSaid, issueSaid, applies) => {
    expect(sloApplies(rule(ruleSaid), issue(issueSaid))).toBe(applies);
  });

  it('and of nothing that is unknown', () => {
    expect(sloApplies(rule(), undefined)).toBe(false);
  });
});

describe('how long an issue complies', () => {
  const ann = { id: 2n, login: 'ann' };
  it.each([
    ['always without a rule', {}, {}, 50, 0],
    ['always when closed', { resolutionS: 10 }, { closed: true }, 50, 0],
    ['always when not there', { resolutionS: 10 }, { notExist: true }, 50, 0],
    ['until its resolution is due', { resolutionS: 100 }, {}, 40, 60],
    ['not since it was due', { resolutionS: 100 }, {}, 140, -40],
    ['until its response is due, answered or not', { responseS: 100 }, { commenters: [ann] }, 40, 60],
    ['for good once it was answered', { responseS: 100 }, { commenters: [ann] }, 140, 0],
    [
      'not when only others answered',
      { responseS: 100 },
      { commenters: [{ id: 3n, login: 'bob' }] },
      140,
      -40,
    ],
    ['not since its creation without an assignee', { requiresAssignee: true }, {}, 30, -30],
    [
      'not with an assignee who is no responder',
      { requiresAssignee: true },
      { assignees: [{ id: 3n, login: 'bob' }] },
      30,
      -30,
    ],
    ['with a responder assigned', { requiresAssignee: true }, { assignees: [ann] }, 30, 0],
    ['until the earliest of what is asked', { responseS: 50, resolutionS: 100 }, {}, 10, 40],
    [
      'until the resolution when the response is given',
      { responseS: 50, resolutionS: 100 },
      { commenters: [ann] },
      60,
      40,
    ],
    [
      'with nobody as a responder never',
      { requiresAssignee: true, responders: [] },
      { assignees: [ann] },
      30,
      -30,
    ],
  ] as const)('%s', (_, ruleSaid, issueSaid, afterS, leftS) => {
    expect(compliantForS(rule(ruleSaid), issue(issueSaid), nowMs(afterS))).toBe(leftS);
  });

  it('counts everybody but the author as a responder where none are named', () => {
    const { responders: _, ...open } = rule({ responseS: 100 });
    const own = issue({ commenters: [{ id: 1n, login: 'author' }] });
    expect(compliantForS(open, own, nowMs(140))).toBe(-40);
    expect(compliantForS(open, issue({ commenters: [ann] }), nowMs(140))).toBe(0);
  });

  it('cuts fractions of a second off, on either side', () => {
    const due = rule({ resolutionS: 100 });
    expect(compliantForS(due, issue(), nowMs(98.5))).toBe(1);
    expect(compliantForS(due, issue(), nowMs(101.5))).toBe(-1);
    expect(compliantForS(due, issue(), nowMs(100.5)) === 0).toBe(true);
  });
});

describe('a count of many issues', () => {
  it('names the one that is overdue longest and the next that will be', () => {
    const counter = createSloCounter(rule({ resolutionS: 100 }), nowMs(140));
    counter.add('o/r#1', issue());
    counter.add('o/r#2', issue({ created: { seconds: CREATED_S - 10 } }));
    counter.add('o/r#3', issue({ created: { seconds: CREATED_S + 90 } }));
    counter.add('o/r#4', issue({ closed: true }));
    counter.add('o/r#5', issue({ notExist: true }));
    expect(counter.summary()).toEqual({
      rule: 'rule',
      applies: 4,
      open: 3,
      compliant: 1,
      overdue: 2,
      worst: { issue: 'o/r#2', overdueS: 50 },
      next: { issue: 'o/r#3', leftS: 50 },
    });
  });
});
