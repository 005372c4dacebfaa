import type { Verdict } from './case.ts';
import type { ChildRun } from './child.ts';
import { compareRows, ledgerProblems, leftFiles } from './compare.ts';
import { type Bench, runIn, type TableRows, type World } from './world.ts';

/** Runs after a fault, until one ends well. */
const RESTARTS_MAX = 3;

export interface Recovery {
  readonly boundMs: number;
  readonly wanted: TableRows;
  /** What the faults were, for the verdict. */
  readonly injected: number;
  /** Of the run that had the fault. */
  readonly before: ChildRun;
  readonly env?: Readonly<Record<string, string>>;
  readonly restartsMax?: number;
}

/** Runs again without faults until a run ends well, then says what the world lacks. */
export async function recoverAndJudge(bench: Bench, world: World, recovery: Recovery): Promise<Verdict> {
  const { boundMs, wanted, injected, before, env = {}, restartsMax = RESTARTS_MAX } = recovery;
  const problems: string[] = [];
  let last = before;
  for (let run = 1; ; run += 1) {
    last = await runIn(bench, world, boundMs, { env });
    // A run ends when nothing happens for a while: on a slow machine before the first message came.
    if (last.code === 0 && (run === restartsMax || world.unfinished?.() !== true)) break;
    if (last.code === 0) continue;
    if (last.late) problems.push(`a run without faults did not end within ${boundMs / 1000} s`);
    if (run < restartsMax && !last.late) continue;
    problems.push(`after ${run} runs without faults it still fails: ${endOf(last)}`);
    break;
  }
  return judge(world, { wanted, injected, problems, stderr: tail(before.stderr, last.stderr) });
}

export async function judge(
  world: World,
  given: {
    readonly wanted: TableRows;
    readonly injected: number;
    readonly problems: readonly string[];
    readonly stderr: string;
  },
): Promise<Verdict> {
  const rows = await world.rows();
  const difference = compareRows(rows, given.wanted);
  const left = leftFiles(world.folder);
  const problems = [
    ...given.problems,
    ...difference.problems,
    ...(world.hasLedger === false ? [] : ledgerProblems(world.db, rows)),
    ...(world.problems?.() ?? []),
    ...(left.length > 0 ? [`left behind: ${left.join(', ')}`] : []),
  ];
  return { ...difference, injected: given.injected, problems, stderr: given.stderr };
}

export function endOf({ code, signal, stderr }: ChildRun): string {
  const last = stderr.trimEnd().split('\n').at(-1) ?? '';
  return `${signal ?? `exit ${code}`}${last === '' ? '' : `: ${last.slice(0, 300)}`}`;
}

function tail(...texts: readonly string[]): string {
  return texts.map((text) => text.trimEnd().split('\n').slice(-6).join('\n')).join('\n--\n');
}
