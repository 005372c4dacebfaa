import { join } from 'node:path';
import type { Case, Section, Verdict } from './case.ts';
import { type KillPoint, killEnv, readPoints } from './kills.ts';
import { endOf, recoverAndJudge } from './recover.ts';
import { fileToDuckDb } from './scenarios/file-duckdb.ts';
import { streamPubSub } from './scenarios/stream.ts';
import { type Bench, type Prepared, runIn, type Scenario, type TableRows, type World } from './world.ts';

/** A pipeline with a mistake, and the moment at which the mistake must show. */
interface Mistake {
  readonly how: string;
  readonly scenario: Scenario;
  readonly shows: 'lost' | 'doubled' | 'stale';
  readonly killAt: (points: readonly KillPoint[]) => KillPoint | undefined;
}

const MISTAKES: readonly Mistake[] = [
  {
    how: 'ledger-first',
    scenario: fileToDuckDb,
    shows: 'lost',
    // Nothing of the load is there yet, and the ledger has it.
    killAt: (points) =>
      points.find(({ kind, detail }) => kind === 'duckdb' && detail.startsWith('INSERT INTO "all"')),
  },
  {
    how: 'load-forgotten',
    scenario: fileToDuckDb,
    shows: 'doubled',
    // The load is there, and the ledger does not know.
    killAt: (points) => {
      const load = points.findIndex(({ detail }) => detail.startsWith('INSERT INTO "all"'));
      return points.slice(load).find(({ kind, when }) => kind === 'sqlite' && when === 'before');
    },
  },
  {
    how: 'ack-first',
    // So slow that the acknowledgement is sent long before the build is read.
    scenario: streamPubSub('DuckDB', 'load', 1_000),
    shows: 'stale',
    // The queue has forgotten the message, and the database does not have the build yet.
    killAt: (points) => {
      const taken = points.findIndex(({ when, detail }) => when === 'after' && detail === 'Acknowledge');
      return points.slice(taken).find(({ kind, when }) => kind === 'http' && when === 'before');
    },
  },
];

/** Each mistake must be found: a harness that cannot fail would prove nothing. */
export function harnessSection(bench: Bench): Section {
  return {
    name: 'the harness itself',
    open: async () => {
      const cases = MISTAKES.flatMap((mistake) => {
        const reason = mistake.scenario.skip?.();
        if (reason === undefined) return [mistakeCase(bench, mistake)];
        bench.skipped(`the harness itself: ${mistake.how}: ${reason}`);
        return [];
      });
      return { cases, close: async () => undefined };
    },
  };
}

function mistakeCase(bench: Bench, mistake: Mistake): Case {
  const { how, shows, scenario } = mistake;
  return {
    fault: `mistake put in on purpose: ${how}`,
    stage: `must be found: rows ${shows}`,
    label: how,
    replay: `--only "the harness itself: mistake put in on purpose: ${how}"`,
    run: async () => {
      const prepared = await scenario.prepare(bench);
      try {
        return await findInTries(bench, prepared, mistake);
      } finally {
        await prepared.close();
      }
    },
  };
}

const TRIES_MAX = 4;

/** On a machine that is busy a run has a commit more or less than the one that was counted, and is killed beside the moment: counted anew. */
async function findInTries(bench: Bench, prepared: Prepared, mistake: Mistake): Promise<Verdict> {
  for (let tries = 1; ; tries += 1) {
    const verdict = await findMistake(bench, prepared, mistake);
    if (verdict.problems.length === 0 || tries === TRIES_MAX) return verdict;
  }
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
    const killed = await runIn(bench, world, prepared.boundMs, { env: { ...env, ...killEnv(point) } });
    const found = await recoverAndJudge(bench, world, {
      boundMs: prepared.boundMs,
      wanted,
      injected: 1,
      before: killed,
      env,
    });
    const stale = found.problems.filter((text) => /another content/.test(text)).length;
    const seen = { ...found, stale }[shows] > 0;
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
      note: `found: ${found.lost} lost, ${found.doubled} doubled, ${stale} stale`,
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
    if (run.code !== 0) throw new Error(`fails without any kill: ${endOf(run)}\n${run.stderr}`);
    return { points: readPoints(log), wanted: await world.rows() };
  } finally {
    await closeWorld(bench, world);
  }
}

async function closeWorld(bench: Bench, world: World): Promise<void> {
  await world.close();
  bench.dropFolder(world.folder, false);
}
