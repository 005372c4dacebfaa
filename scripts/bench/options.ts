import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Builds of the corpus. */
  readonly builds: number;
  /** Issues of the mutation log. */
  readonly issues: number;
  /** Packages of the cache. */
  readonly packages: number;
  readonly seed: number;
  /** The newest build of the corpus started two hours before this. */
  readonly anchorMs: number;
  /** Kettle's folder. */
  readonly kettle: string | undefined;
  readonly skipKettle: boolean;
  /** Kettle's make_json on PyPy too, which production uses and which is slow. */
  readonly pypy: boolean;
  readonly repeat: number;
  /** Wait before each answer of the bucket server. */
  readonly latencyMs: number;
  readonly threads: number;
  /** Of `idle`. */
  readonly jobs: number | undefined;
  /** Builds of each job: of `idle`. */
  readonly perJob: readonly number[] | undefined;
  /** Builds of each corpus: of `memory`; the last one's are rows only. */
  readonly sizes: readonly number[] | undefined;
  /** Of `stream`. */
  readonly events: number | undefined;
  /** Of `stream`'s steady part. */
  readonly seconds: number | undefined;
  /** Part of the full size that `cliff` goes to. */
  readonly scale: number | undefined;
  /** Where the results go as JSON, besides the table. */
  readonly jsonFile: string | undefined;
  readonly log: (text: string) => void;
}

export const USAGE = `npm run bench -- NAME [--builds N] [--seed S] [--kettle DIR] [--no-kettle] [--pypy] [--repeat R] [--latency MS]
  [--threads T] [--jobs N] [--per-job A,B] [--sizes A,B,C] [--events N] [--seconds N] [--scale F] [--issues N] [--packages N] [--json FILE]`;

/** The bench's name and options from the command line. Throws an Error that says what is wrong with a flag. */
export function parseBenchArgs(
  args: readonly string[],
  nowMs: number,
): { readonly name: string | undefined; readonly options: BenchOptions } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      builds: { type: 'string', default: '500' },
      issues: { type: 'string', default: '10000' },
      packages: { type: 'string', default: '30000' },
      seed: { type: 'string', default: '1' },
      kettle: { type: 'string' },
      'no-kettle': { type: 'boolean', default: false },
      pypy: { type: 'boolean', default: false },
      repeat: { type: 'string', default: '1' },
      latency: { type: 'string', default: '0' },
      threads: { type: 'string', default: '32' },
      json: { type: 'string' },
      jobs: { type: 'string' },
      'per-job': { type: 'string' },
      sizes: { type: 'string' },
      events: { type: 'string' },
      seconds: { type: 'string' },
      scale: { type: 'string' },
    },
  });
  const options: BenchOptions = {
    builds: wholeNumber('--builds', values.builds, 1),
    issues: wholeNumber('--issues', values.issues, 1),
    packages: wholeNumber('--packages', values.packages, 1),
    seed: wholeNumber('--seed', values.seed, 0),
    anchorMs: nowMs - (nowMs % 3_600_000),
    kettle: values.kettle,
    skipKettle: values['no-kettle'],
    pypy: values.pypy,
    repeat: wholeNumber('--repeat', values.repeat, 1),
    latencyMs: wholeNumber('--latency', values.latency, 0),
    threads: wholeNumber('--threads', values.threads, 1),
    jobs: wholeNumbers('--jobs', values.jobs)?.[0],
    perJob: wholeNumbers('--per-job', values['per-job']),
    sizes: wholeNumbers('--sizes', values.sizes),
    events: wholeNumbers('--events', values.events)?.[0],
    seconds: wholeNumbers('--seconds', values.seconds)?.[0],
    scale: share('--scale', values.scale),
    jsonFile: values.json,
    log: (text) => process.stderr.write(`${text}\n`),
  };
  return { name: positionals[0], options };
}

function wholeNumber(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`${flag} ${text}: must be a whole number of at least ${least}`);
}

function wholeNumbers(flag: string, text: string | undefined): readonly number[] | undefined {
  return text?.split(',').map((part) => wholeNumber(flag, part, 1));
}

function share(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (value > 0 && value <= 1) return value;
  throw new Error(`${flag} ${text}: must be above 0 and at most 1`);
}
