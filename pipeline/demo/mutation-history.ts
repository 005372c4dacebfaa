import type { Mutation } from '../records/mutation/types.ts';
import { type DemoStep, issueSteps } from './mutation-issue.ts';
import { type DemoRepo, LABELS, MILESTONES, REPOS } from './mutation-words.ts';
import { randomFor } from './random.ts';

/** What was followed of a repository on GitHub, as its log has it. */
export interface DemoHistory {
  readonly owner: string;
  readonly name: string;
  /** In the order of their times. */
  readonly mutations: readonly Mutation[];
}

/** When the recording ends, epoch milliseconds: ages are counted from here, so that the demo is the same on every day. */
export const RECORDED_UNTIL_MS = Date.UTC(2026, 10, 20, 12);

const DAY_S = 86_400;
const SPAN_S = 200 * DAY_S;
const SEED = 2026;

/** Two hundred days of two repositories. The same on every machine, byte for byte. */
export function demoHistories(): readonly DemoHistory[] {
  return REPOS.map((repo) => ({
    owner: repo.owner,
    name: repo.name,
    mutations: [
      { github: { owner: repo.owner, repo: repo.name, labels: LABELS, milestones: MILESTONES } },
      ...issuesOf(repo),
    ],
  }));
}

interface Placed extends DemoStep {
  readonly number: number;
  readonly nth: number;
}

function issuesOf(repo: DemoRepo): readonly Mutation[] {
  const untilS = RECORDED_UNTIL_MS / 1000;
  const times = randomFor(SEED, repo.name, 'times');
  const created = Array.from({ length: repo.issues }, () => Math.floor(untilS - times.next() * SPAN_S)).sort(
    (a, b) => a - b,
  );
  const placed = created.flatMap((createdS, index): readonly Placed[] => {
    const number = index + 1;
    const steps = issueSteps({ repo, number, createdS, random: randomFor(SEED, repo.name, number) });
    return steps.map((step, nth) => ({ ...step, number, nth }));
  });
  return placed
    .filter(({ atS }) => atS < untilS)
    .sort((a, b) => a.atS - b.atS || a.number - b.number || a.nth - b.nth)
    .filter(isBeforeItsEnd())
    .map(({ number, said }) => ({ githubIssue: { owner: repo.owner, repo: repo.name, number, ...said } }));
}

/** Nothing is said of an issue after it was deleted: it would be there again. */
function isBeforeItsEnd(): (step: Placed) => boolean {
  const gone = new Set<number>();
  return ({ number, said }) => {
    if (gone.has(number)) return false;
    if (said.notExist === true) gone.add(number);
    return true;
  };
}
