import { join } from 'node:path';
import type { Case, Section, Verdict } from './case.ts';
import { type KillPoint, readPoints } from './kills.ts';
import { endOf, recoverAndJudge } from './recover.ts';
import { fileToDuckDb } from './scenarios/file-duckdb.ts';
import { type Bench, type Prepared, runIn, type TableRows, type World } from './world.ts';

/** A pipeline with a mistake, and the moment at which the mistake must show. */
interface Mistake {
  readonly how: string;
  readonly shows: 'lost' | 'doubled';
  readonly killAt: (points: readonly KillPoint[]) => KillPoint | undefined;
}

const MISTAKES: readonly Mistake[] = [
  {
    how: 'ledger-first',
    shows: 'lost',
    // Nothing of the load is there yet, and the ledger has it.
    killAt: (points) =>
      points.find(({ kind, detail }) => kind === 'duckdb' && detail.startsWith('INSERT INTO "all"')),
  },
  {
    how: 'load-forgotten',
    shows: 'doubled',
    // The load is there, and the ledger does not know.
    killAt: (points) => {
      const load = points.findIndex(({ detail }) => detail.startsWith('INSERT INTO "all"'));
      return points.slice(load).find(({ kind, when }) => kind === 'sqlite' && when === 'before');
    },
  },
];

/** Each mistake must be found: a harness that cannot fail would prove nothing. */
export function harnessSection(bench: Bench): Section {
  return {
    name: 'the harness itself',
    open: async () => {
      const prepared = await fileToDuckDb.prepare(bench);
      return {
        cases: MISTAKES.map((mistake) => mistakeCase(bench, prepared, mistake)),
        close: prepared.close,
      };
    },
  };
}

function mistakeCase(bench: Bench, prepared: Prepared, mistake: Mistake): Case {
  const { how, shows } = mistake;
  return {
    fault: `mistake put in on purpose: ${how}`,
    stage: `must be found: rows ${shows}`,
    label: how,
    replay: `--only "put in on purpose: ${how}"`,
    run: () => findMistake(bench, prepared, mistake),
  };
}

async function findMistake(
  bench: Bench,
  prepared: Prepared,
  { how, shows, killAt }: Mistake,
): Promise<Verdict> {
  const env = { SAMOVAR_FAULT_BREAK: how };
  const { points, wanted } = await runWhole(bench, prepared, env);
  const point = killAt(points);
  if (point === undefined) throw new Error(`no point at which ${how} shows`);
  const world = await prepared.open();
  try {
    const killed = await runIn(bench, world, prepared.boundMs, {
      env: { ...env, SAMOVAR_FAULT_KILL_AT: String(point.number) },
    });
    const found = await recoverAndJudge(bench, world, {
      boundMs: prepared.boundMs,
      wanted,
      injected: 1,
      before: killed,
      env,
    });
    const seen = found[shows] > 0;
    const problems = seen
      ? []
      : [`killed at ${point.number} (${point.detail}), no row was ${shows}: ${found.problems.join('; ')}`];
    return {
      injected: killed.signal === 'SIGKILL' ? 1 : 0,
      lost: 0,
      doubled: 0,
      problems,
      paths: [],
      stderr: seen ? '' : found.stderr,
      note: `found: ${found.lost} lost, ${found.doubled} doubled`,
    };
  } finally {
    await closeWorld(bench, world);
  }
}

/** Without a fault a mistake does not show: that is why it needs finding. */
async function runWhole(
  bench: Bench,
  prepared: Prepared,
  env: Readonly<Record<string, string>>,
): Promise<{ readonly points: readonly KillPoint[]; readonly wanted: TableRows }> {
  const world = await prepared.open();
  const log = join(world.folder, 'points.log');
  try {
    const run = await runIn(bench, world, prepared.boundMs, { env: { ...env, SAMOVAR_FAULT_LOG: log } });
    if (run.code !== 0) throw new Error(`fails without any kill: ${endOf(run)}`);
    return { points: readPoints(log), wanted: await world.rows() };
  } finally {
    await closeWorld(bench, world);
  }
}

async function closeWorld(bench: Bench, world: World): Promise<void> {
  await world.close();
  bench.dropFolder(world.folder, false);
}
