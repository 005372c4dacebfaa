import { atLeast, figureOf, type Goal, ratio, timesFaster } from './goals.ts';
import { type Command, measure } from './measure.ts';
import type { BenchOptions } from './options.ts';
import { type BenchResult, benchResult } from './report.ts';
import type { Run } from './run.ts';
import { type Bench, bytesOf, collect, emit, kettleMakeJson, mixedCorpus, withBench } from './sides.ts';
import { short } from './statistics.ts';

const FILE = 'all to .json.gz';
const STDOUT = 'all to stdout';

/** Every row from a filled database: ours to a file and to stdout, beside `cat` of the same bytes and Kettle's make_json into gzip. */
export async function benchEmit(options: BenchOptions): Promise<BenchResult> {
  const found = await withBench(options, mixedCorpus(options), async (bench) => {
    const { ours, kettle, at } = bench;
    const runs: Run[] = [];
    if (ours !== undefined) await collect(bench, 'samovar', { work: 'fill', db: at('samovar.db') });
    if (kettle !== undefined) await collect(bench, 'kettle', { work: 'fill', db: at('kettle.db') });
    for (let round = 0; round < options.repeat; round += 1) {
      runs.push(...(await ourRound(bench, round)));
      for (const python of bench.pythons) runs.push(...(await kettleRound(bench, python)));
    }
    const notes = [...bench.notes, ...notesOf(runs)];
    return { runs, notes, goals: goalsOf(runs) };
  });
  const { builds, seed, repeat } = options;
  return benchResult('emit', { builds, seed, repeat }, found);
}

async function ourRound(bench: Bench, round: number): Promise<readonly Run[]> {
  const { ours, at } = bench;
  if (ours === undefined) return [];
  const db = at('samovar.db');
  const side = 'samovar';
  const made = (out: string, packed: boolean, ledger: string) =>
    ours.makeJson({ db, out, packed, ledger: `${ledger}-${round}`, stderr: `${out}.log` });
  const file = at(`${round}.json.gz`);
  const text = at(`${round}.json`);
  const nothing = at(`${round}-nothing.json`);
  return [
    await emit(bench, { work: FILE, side, command: made(file, true, 'file'), out: file }),
    await copy(bench, FILE, file),
    await emit(bench, { work: STDOUT, side, command: made(text, false, 'stdout'), out: text }),
    await copy(bench, STDOUT, text),
    await emit(bench, { work: 'fixed cost', side, command: made(nothing, false, 'stdout'), out: nothing }),
  ];
}

/** What the disk and the pipe take for the same bytes. */
async function copy({ at }: Bench, work: string, from: string): Promise<Run> {
  const stdout = at('copy');
  const measured = await measure({ command: 'cat', args: [from], cwd: '/', env: {}, stdout });
  return { work, side: 'cat', ...measured, outBytes: bytesOf(stdout) };
}

/** As Kettle's update.py does it, but for `pv`, which only shows how far it is. */
async function kettleRound(bench: Bench, python: Bench['pythons'][number]): Promise<readonly Run[]> {
  const { kettle, at } = bench;
  if (kettle === undefined) return [];
  const out = at(`${python}.json.gz`);
  const plain = kettleMakeJson(kettle, { db: at('kettle.db'), out, python });
  const script = '"$0" "$@" | gzip';
  const command: Command = {
    ...plain,
    command: '/bin/bash',
    args: ['-o', 'pipefail', '-c', script, plain.command, ...plain.args],
  };
  return [await emit(bench, { work: FILE, side: `kettle ${python}`, command, out })];
}

/** Where the output is small a start of the program is most of what there is to see. */
function notesOf(runs: readonly Run[]): readonly string[] {
  const wall = (work: string, side: string) => figureOf(runs, work, side, (run) => run.wallS) ?? Number.NaN;
  const fixed = wall('fixed cost', 'samovar');
  const speeds = [FILE, STDOUT].map((work) => {
    const share = wall(work, 'cat') / Math.max(0.001, wall(work, 'samovar') - fixed);
    return `${work}: ${short(share)}×`;
  });
  return [
    'fixed cost: the same command when nothing is new',
    `of the speed of copying, without the fixed cost: ${speeds.join(', ')}`,
  ];
}

function goalsOf(runs: readonly Run[]): readonly Goal[] {
  const wall = (work: string, side: string) => figureOf(runs, work, side, (run) => run.wallS);
  const ofCopy = (work: string) => ratio(wall(work, 'cat'), wall(work, 'samovar'));
  return [
    atLeast('emission of all, against Kettle on PyPy', 50, timesFaster(runs, FILE, 'kettle pypy')),
    atLeast('emission of all, against Kettle on CPython', 20, timesFaster(runs, FILE, 'kettle cpython')),
    atLeast("emission to a file, of the speed of copying the file's bytes", 0.5, ofCopy(FILE)),
    atLeast("emission to stdout, of the speed of copying the output's bytes", 0.5, ofCopy(STDOUT)),
  ];
}
