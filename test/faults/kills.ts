import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomFor } from '../../pipeline/demo/random.ts';
import type { Case, Section, Verdict } from './case.ts';
import { isGood } from './case.ts';
import { comparePaths } from './compare.ts';
import { groupBy } from './group.ts';
import { endOf, judge, recoverAndJudge } from './recover.ts';
import { type Bench, type Prepared, runIn, type Scenario, type TableRows } from './world.ts';

export interface KillPoint {
  readonly number: number;
  /** Among those of its kind and `when`, from 1. */
  readonly ordinal: number;
  readonly kind: string;
  readonly when: string;
  readonly detail: string;
}

/** Of the counted run: where each try kills. */
const SHARES = [1, 1, 0.8, 0.5] as const;
const TRIES_MAX = SHARES.length;
const HARMLESS = /^(GET|sync|datasync|fsyncSync)\b/;

const KINDS: Readonly<Record<string, string>> = {
  sqlite: 'SIGKILL at a SQLite commit',
  duckdb: 'SIGKILL at a DuckDB statement',
  file: 'SIGKILL at a file renamed, synced, removed',
  http: 'SIGKILL at an HTTP request',
  grpc: 'SIGKILL at a gRPC message',
  ack: 'SIGKILL at an acknowledgement',
};

/** The scenario killed at each of its side effects in turn, each time in a new world, and run again. */
export function killSection(bench: Bench, scenario: Scenario): Section {
  return {
    name: scenario.name,
    endless: true,
    ...(scenario.skip && { skip: scenario.skip }),
    open: async () => {
      const prepared = await scenario.prepare(bench);
      try {
        const { points, wanted } = await countPoints(bench, scenario, prepared);
        const chosen = choosePoints(points, bench.options);
        bench.log(`${scenario.name}: ${points.length} points, ${chosen.length} of them different`);
        return {
          cases: chosen.map((point) => killCase(bench, { scenario, prepared, wanted, point })),
          close: prepared.close,
        };
      } catch (error) {
        await prepared.close();
        throw error;
      }
    },
  };
}

/** One run without a fault: what it does to the world, in order, and what everything else is compared with. */
async function countPoints(bench: Bench, scenario: Scenario, prepared: Prepared) {
  const world = await prepared.open();
  const log = join(world.folder, 'points.log');
  try {
    const run = await runIn(bench, world, prepared.boundMs, { env: { SAMOVAR_FAULT_LOG: log } });
    if (run.code !== 0)
      throw new Error(`${scenario.name} fails without any fault: ${endOf(run)}\n${run.stderr}`);
    const wanted = await world.rows();
    const verdict = await judge(world, { wanted, injected: 0, problems: [], stderr: run.stderr });
    const truth = comparePaths(wanted, prepared.expected);
    const stale = unchanged(wanted, prepared.rewritten);
    if (stale.length > 0) throw new Error(`${scenario.name}: not brought up to date: ${stale.join(', ')}`);
    if (!isGood(verdict) || !isGood({ ...verdict, ...truth }))
      throw new Error(
        `${scenario.name} is wrong without any fault: ${[...truth.paths, ...verdict.problems].join('; ')}\n${run.stderr}`,
      );
    return { points: readPoints(log), wanted };
  } finally {
    await world.close();
    bench.dropFolder(world.folder, false);
  }
}

/** Rows that should have become others and have not. */
function unchanged(now: TableRows, rewritten: Prepared['rewritten']): readonly string[] {
  if (rewritten === undefined) return [];
  const { paths, before } = rewritten;
  return [...before].flatMap(([table, rows]) =>
    rows
      .filter(({ path }) => paths.includes(path))
      .filter(({ path, content }) =>
        now.get(table)?.some((row) => row.path === path && row.content === content),
      )
      .map(({ path }) => `${table}: ${path}`),
  );
}

export function readPoints(log: string): readonly KillPoint[] {
  const counts = new Map<string, number>();
  return readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [number, kind = '', when = '', detail = ''] = line.split('\t');
      const ordinal = (counts.get(`${kind} ${when}`) ?? 0) + 1;
      counts.set(`${kind} ${when}`, ordinal);
      return { number: Number(number), ordinal, kind, when, detail };
    });
}

/**
 * Of points between which the world does not change the last one is enough: reads and syncs are left out (what a process has
 * written outlives its SIGKILL, synced or not), and so is the end of an effect where the next begins. All others are kept, or of
 * each kind every so many of them. First one of each kind, then the next one of each, in an order that the seed tells: whoever
 * has no time for all of them has met every kind.
 */
export function choosePoints(
  points: readonly KillPoint[],
  options: { readonly every: number; readonly seed: number; readonly at: number | undefined },
): readonly KillPoint[] {
  if (options.at !== undefined) return points.filter(({ number }) => number === options.at);
  const lasting = points.filter(({ detail }) => !HARMLESS.test(detail));
  const distinct = lasting.filter(
    ({ when }, at) => !(when === 'after' && lasting[at + 1]?.when === 'before'),
  );
  const groups = [...groupBy(distinct, ({ kind }) => kind).values()].map((group) => {
    const every = Math.min(options.every, group.length);
    return shuffled(
      group.filter((_, at) => (at + options.seed) % every === 0),
      options.seed,
    );
  });
  const longest = Math.max(0, ...groups.map(({ length }) => length));
  return Array.from({ length: longest }, (_, at) =>
    groups.flatMap((group) => group.slice(at, at + 1)),
  ).flat();
}

function shuffled(points: readonly KillPoint[], seed: number): readonly KillPoint[] {
  const random = randomFor(seed, 'order of kill points');
  return points
    .map((point) => ({ point, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ point }) => point);
}

interface Kill {
  readonly scenario: Scenario;
  readonly prepared: Prepared;
  readonly wanted: TableRows;
  readonly point: KillPoint;
}

function killCase(bench: Bench, kill: Kill): Case {
  const { scenario, point } = kill;
  return {
    fault: KINDS[point.kind] ?? `SIGKILL at ${point.kind}`,
    stage: scenario.name,
    label: `${point.number} ${point.when} ${point.detail}`,
    replay: `--only "${scenario.name}" --at ${point.number}`,
    run: () => killOnce(bench, kill),
  };
}

/** A run may be shorter than the one that was counted: then it is killed a little earlier, and at last well before its end. */
async function killOnce(bench: Bench, kill: Kill): Promise<Verdict> {
  const { point } = kill;
  for (let tries = 1; ; tries += 1) {
    const ordinal = Math.max(
      1,
      Math.min(point.ordinal - (tries - 1), Math.ceil(point.ordinal * (SHARES[tries - 1] ?? 0.5))),
    );
    const verdict = await killAt(bench, kill, { ...point, ordinal });
    if (verdict.injected > 0 || !isGood(verdict) || tries === TRIES_MAX) return verdict;
  }
}

/** As the preload takes it. */
export function killEnv({ kind, when, ordinal }: KillPoint): Readonly<Record<string, string>> {
  return { SAMOVAR_FAULT_KILL_AT: `${kind} ${when} ${ordinal}` };
}

async function killAt(bench: Bench, { prepared, wanted }: Kill, point: KillPoint): Promise<Verdict> {
  const { boundMs } = prepared;
  const world = await prepared.open();
  let failed = true;
  try {
    const killed = await runIn(bench, world, boundMs, { env: killEnv(point) });
    const injected = killed.signal === 'SIGKILL' && !killed.late ? 1 : 0;
    const verdict = await recoverAndJudge(bench, world, { boundMs, wanted, injected, before: killed });
    const problems = [...verdict.problems];
    if (injected === 0 && killed.code !== 0)
      problems.push(`instead of being killed it ended with ${endOf(killed)}`);
    failed = !isGood({ ...verdict, problems });
    return { ...verdict, problems, ...(injected === 0 && { note: 'ended before this point' }) };
  } finally {
    await world.close();
    bench.dropFolder(world.folder, failed);
  }
}
