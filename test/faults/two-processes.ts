import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { type Case, isGood, type Section, type Verdict } from './case.ts';
import type { Child, ChildRun } from './child.ts';
import { expectedPaths } from './corpus.ts';
import { endOf, judge } from './recover.ts';
import { GS_URL, type GsWorld, openGsWorld, startCorpusServer } from './scenarios/gs-bigquery.ts';
import { wantedRows } from './servers.ts';
import { type Bench, startIn, type TableRows } from './world.ts';

const BOUND_MS = 120_000;
/** Before each answer of the bucket's, so that the first process is still at work when the second one begins. */
const SLOW_MS = 300;
const LOOK_MS = 20;

type GcsOfCorpus = Awaited<ReturnType<typeof startCorpusServer>>['gcs'];

interface Meeting {
  readonly name: string;
  /** Seconds the second one waits for the database. */
  readonly waitSeconds: number;
  readonly meet: (first: Child, second: () => Child) => Promise<readonly string[]>;
}

const MEETINGS: readonly Meeting[] = [
  { name: 'second one told who holds the database', waitSeconds: 0, meet: loserIsTold },
  { name: 'second one waits its turn', waitSeconds: 60, meet: bothEndWell },
  { name: 'first one killed while the second waits', waitSeconds: 60, meet: heirGoesOn },
];

/** Two runs on one database at once. */
export function meetingSection(bench: Bench): Section {
  return {
    name: 'two processes on one database',
    serial: true,
    open: async () => {
      const { gcs, builds } = await startCorpusServer(bench);
      const wanted = await wantedRows(bench, gcs, expectedPaths(builds, GS_URL));
      return {
        cases: MEETINGS.map((meeting) => meetingCase(bench, { gcs, wanted }, meeting)),
        close: () => gcs.close(),
      };
    },
  };
}

function meetingCase(
  bench: Bench,
  shared: { readonly gcs: GcsOfCorpus; readonly wanted: TableRows },
  meeting: Meeting,
): Case {
  return {
    fault: meeting.name,
    stage: 'two processes',
    label: meeting.name,
    replay: `--only "two processes on one database: ${meeting.name}"`,
    run: () => runMeeting(bench, shared, meeting),
  };
}

async function runMeeting(
  bench: Bench,
  { gcs, wanted }: { readonly gcs: GcsOfCorpus; readonly wanted: TableRows },
  { waitSeconds, meet }: Meeting,
): Promise<Verdict> {
  const world = await openGsWorld(bench, gcs, { choices: { gcs: () => ({ kind: 'latency', ms: SLOW_MS }) } });
  let failed = true;
  try {
    const first = startIn(bench, world, BOUND_MS);
    const problems = [...(await heldBy(world, first))];
    const second = () =>
      startIn(bench, { ...world, args: [...world.args, '--wait', String(waitSeconds)] }, BOUND_MS);
    problems.push(...(await meet(first, second)));
    const verdict = await judge(world, { wanted, injected: 1, problems, stderr: (await first.ended).stderr });
    failed = !isGood(verdict);
    return verdict;
  } finally {
    await world.close();
    bench.dropFolder(world.folder, failed);
  }
}

/** Waits until the first one has the database. */
async function heldBy(world: GsWorld, { process }: Child): Promise<readonly string[]> {
  const untilMs = Date.now() + BOUND_MS;
  while (Date.now() < untilMs && process.exitCode === null) {
    if (holderOf(`${world.db}.hold`) === process.pid) return [];
    await sleep(LOOK_MS);
  }
  return ['the first process never took hold of the database'];
}

function holderOf(file: string): number | undefined {
  try {
    const db = new Database(file, { readonly: true, fileMustExist: true });
    try {
      return db.prepare<unknown[], { process: number }>('SELECT process FROM holder').get()?.process;
    } finally {
      db.close();
    }
  } catch {
    // Not there yet, or just being written.
    return undefined;
  }
}

async function loserIsTold(first: Child, second: () => Child): Promise<readonly string[]> {
  const loser = await second().ended;
  const winner = await first.ended;
  const told = new RegExp(
    `held by samovar update, process ${first.process.pid} on \\S+, since \\d{4}-\\d\\d-\\d\\dT`,
  );
  return [
    ...(loser.code === 1 ? [] : [`the second process ended with ${endOf(loser)}, not with exit 1`]),
    ...(told.test(loser.stderr) ? [] : [`its message does not name the holder: ${loser.stderr.slice(-500)}`]),
    ...well(winner, 'first'),
  ];
}

async function bothEndWell(first: Child, second: () => Child): Promise<readonly string[]> {
  const runs = await Promise.all([first.ended, second().ended]);
  return [...well(runs[0], 'first'), ...well(runs[1], 'second')];
}

async function heirGoesOn(first: Child, second: () => Child): Promise<readonly string[]> {
  const heir = second();
  await sleep(1_000);
  first.process.kill('SIGKILL');
  return well(await heir.ended, 'second');
}

function well(run: ChildRun, which: string): readonly string[] {
  return run.code === 0 ? [] : [`the ${which} process ended with ${endOf(run)}`];
}
