import { parseArgs } from 'node:util';

export interface FaultOptions {
  /** Only sections and cases in whose name this is found. */
  readonly only: string | undefined;
  readonly seed: number;
  /** Every `every`-th kill point. */
  readonly every: number;
  readonly quick: boolean;
  /** One kill point, to play a failure again. */
  readonly at: number | undefined;
  /** For all kill points together: when it is over, each section ends after its first few. 0: as long as it takes. */
  readonly minutes: number;
  /** Builds of the soak. */
  readonly soak: number;
  /** Cases at once. */
  readonly parallel: number;
  readonly json: boolean;
  /** Folders of failed cases are kept. */
  readonly keep: boolean;
}

const QUICK_EVERY = 8;
const MINUTES = 11;
const SOAK_BUILDS = 1_500;
const QUICK_SOAK_BUILDS = 120;

export const HELP = `Usage: npm run test:faults -- [OPTIONS]

Kills the pipeline at its side effects, lets servers misbehave and processes meet, runs it again, and counts the rows that were
lost or doubled. Prints a table; exit 1 when anything in it is not zero.

  --only TEXT    only what has TEXT in its name ("batch file -> DuckDB", "truncated JSON", "soak")
  --seed N       seed of everything that is random (default: printed, new every time)
  --quick        every ${QUICK_EVERY}th kill point, a smaller soak: a minute or so
  --every K      every K-th kill point
  --minutes M    after so long kill points that are left over are left out, in an order that the seed tells (default ${MINUTES};
                 0: all of them, however long it takes)
  --at N         one kill point only, with --only: to play a failure again
  --soak N       builds of the soak (default ${SOAK_BUILDS})
  --parallel N   kill points at once (default 3)
  --keep         keep the folders of cases that failed, and say where they are
  --json         the results as JSON on stdout
  -h, --help     this text

Examples:
  npm run test:faults
  npm run test:faults -- --only "batch file -> DuckDB" --seed 7 --at 37
`;

/** Throws an Error that says what is wrong with a flag; undefined when help was asked for. */
export function parseFaultArgs(args: readonly string[], newSeed: () => number): FaultOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      seed: { type: 'string' },
      quick: { type: 'boolean', default: false },
      every: { type: 'string' },
      minutes: { type: 'string' },
      at: { type: 'string' },
      soak: { type: 'string' },
      parallel: { type: 'string', default: '3' },
      keep: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const { quick } = values;
  return {
    only: values.only,
    seed: values.seed === undefined ? newSeed() : whole('--seed', values.seed, 0),
    every: values.every === undefined ? (quick ? QUICK_EVERY : 1) : whole('--every', values.every, 1),
    quick,
    minutes: values.minutes === undefined ? MINUTES : whole('--minutes', values.minutes, 0),
    at: values.at === undefined ? undefined : whole('--at', values.at, 1),
    soak:
      values.soak === undefined ? (quick ? QUICK_SOAK_BUILDS : SOAK_BUILDS) : whole('--soak', values.soak, 1),
    parallel: whole('--parallel', values.parallel, 1),
    keep: values.keep,
    json: values.json,
  };
}

function whole(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`${flag} ${text}: must be a whole number of at least ${least}`);
}
