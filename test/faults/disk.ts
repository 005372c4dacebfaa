import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import { type Case, isGood, type Section, type Verdict } from './case.ts';
import { type ChildRun, startChild } from './child.ts';
import { endOf, recoverAndJudge } from './recover.ts';
import { fileToDuckDb } from './scenarios/file-duckdb.ts';
import { type Bench, type Prepared, runIn, type TableRows, type World } from './world.ts';

/** Of no account with rights of its own. */
const NOBODY = 65_534;
const STACK = /\n\s+at .*\(/;

interface Trouble {
  readonly name: string;
  readonly skip?: () => string | undefined;
  /** The run in trouble; what it did to the world is undone before the next one. */
  readonly run: (bench: Bench, world: World, boundMs: number) => Promise<ChildRun>;
  /** All of these. */
  readonly says: readonly RegExp[];
}

const TROUBLES: readonly Trouble[] = [
  {
    name: 'database full (SQLite page limit)',
    run: (bench, world, boundMs) => runIn(bench, world, boundMs, { env: { SAMOVAR_FAULT_PAGES_MORE: '0' } }),
    says: [/cannot write to the database build\.db/, /database or disk is full/, /Free disk space/],
  },
  {
    name: 'database cannot be written',
    skip: () =>
      isRoot() && !canActAsNobody() ? 'needs an account without rights that can read this folder' : undefined,
    run: runReadOnly,
    says: [/build\.db/, /can be written|writable/],
  },
  {
    name: 'disk full',
    skip: () => (canMount() ? undefined : 'needs the right to mount a small file system (unshare --mount)'),
    run: runOnSmallDisk,
    says: [/disk is full|no space left|ENOSPC/i, /Free disk space/],
  },
];

/** The disk takes nothing more: a clear error, nothing lost, and the next run goes on. */
export function diskSection(bench: Bench): Section {
  return {
    name: 'disk',
    serial: true,
    open: async () => {
      const prepared = await fileToDuckDb.prepare(bench);
      const wanted = await rowsWithoutTrouble(bench, prepared);
      const cases = TROUBLES.flatMap((trouble) => {
        const reason = trouble.skip?.();
        if (reason === undefined) return [diskCase(bench, { prepared, wanted }, trouble)];
        bench.skipped(`disk: ${trouble.name}: ${reason}`);
        return [];
      });
      return { cases, close: prepared.close };
    },
  };
}

async function rowsWithoutTrouble(bench: Bench, prepared: Prepared): Promise<TableRows> {
  const world = await prepared.open();
  const run = await runIn(bench, world, prepared.boundMs);
  if (run.code !== 0) throw new Error(`fails without any fault: ${endOf(run)}`);
  const rows = await world.rows();
  await world.close();
  bench.dropFolder(world.folder, false);
  return rows;
}

function diskCase(
  bench: Bench,
  { prepared, wanted }: { readonly prepared: Prepared; readonly wanted: TableRows },
  { name, run, says }: Trouble,
): Case {
  return {
    fault: name,
    stage: 'collect and load',
    label: name,
    replay: `--only "disk: ${name}"`,
    run: async (): Promise<Verdict> => {
      const world = await prepared.open();
      let failed = true;
      try {
        const troubled = await run(bench, world, prepared.boundMs);
        const verdict = await recoverAndJudge(bench, world, {
          boundMs: prepared.boundMs,
          wanted,
          injected: 1,
          before: troubled,
          restartsMax: 1,
        });
        const text = troubled.stderr + troubled.stdout;
        const problems = [
          ...verdict.problems,
          ...(troubled.code === 1
            ? []
            : [`the run in trouble ended with ${endOf(troubled)}, not with exit 1`]),
          ...says
            .filter((words) => !words.test(text))
            .map(({ source }) => `it does not say ${source}: ${text.slice(-600)}`),
          ...(STACK.test(text) ? ['it ends in a stack trace'] : []),
        ];
        failed = !isGood({ ...verdict, problems });
        return { ...verdict, problems };
      } finally {
        await world.close();
        bench.dropFolder(world.folder, failed);
      }
    },
  };
}

/** A run that made the database, then one that may only read it. */
async function runReadOnly(bench: Bench, world: World, boundMs: number): Promise<ChildRun> {
  const made = await runIn(bench, world, boundMs, { env: { SAMOVAR_FAULT_KILL_AT: 'duckdb before 1' } });
  if (made.signal !== 'SIGKILL') return made;
  const before = statSync(world.folder);
  chmodSync(world.db, 0o444);
  chmodSync(world.folder, 0o555);
  try {
    const mine = isRoot() ? { uid: NOBODY, gid: NOBODY } : {};
    return await startChild(bench.build, world.args, { cwd: world.folder, env: world.env, boundMs, ...mine })
      .ended;
  } finally {
    chmodSync(world.folder, before.mode);
    chmodSync(world.db, 0o644);
    chownSync(world.folder, before.uid, before.gid);
  }
}

/** The database lies on a disk of half a megabyte; what is on it afterwards is what the next run finds. */
async function runOnSmallDisk(bench: Bench, world: World, boundMs: number): Promise<ChildRun> {
  mkdirSync(`${world.folder}/small`);
  const script = [
    'mount -t tmpfs -o size=300k tmpfs small || exit 99',
    'cd small && ln -s ../bucket ../buckets.yaml ../tables.yaml .',
    '"$@"',
    'code=$?',
    'rm -f bucket buckets.yaml tables.yaml',
    'cp -a . ..',
    'exit $code',
  ].join('\n');
  return startChild(bench.build, world.args, {
    cwd: world.folder,
    env: world.env,
    boundMs,
    wrap: ['unshare', '--mount', 'sh', '-c', script, 'sh'],
  }).ended;
}

const isRoot = () => process.getuid?.() === 0;

function canMount(): boolean {
  return spawnSync('unshare', ['--mount', 'sh', '-c', 'mount -t tmpfs -o size=64k tmpfs /mnt']).status === 0;
}

function canActAsNobody(): boolean {
  const asked = spawnSync(
    process.execPath,
    ['-e', `require('fs').readFileSync(${JSON.stringify(import.meta.filename)})`],
    {
      uid: NOBODY,
      gid: NOBODY,
    },
  );
  return asked.status === 0;
}
