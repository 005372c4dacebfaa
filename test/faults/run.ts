import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { buildForFaults } from './build.ts';
import { type Case, isGood, type Section, type Verdict } from './case.ts';
import type { FaultOptions } from './options.ts';
import { failureText, type Outcome } from './report.ts';
import { sectionsOf } from './sections.ts';
import type { Bench } from './world.ts';

const MINUTE_MS = 60_000;
/** Of a section whose time is over: one of each kind, and a few. */
const CASES_MIN = 8;

export interface FaultRun {
  readonly outcomes: readonly Outcome[];
  readonly skipped: readonly string[];
}

/** Runs every section that is asked for, and tells on the way. */
export async function runFaults(options: FaultOptions, log: (text: string) => void): Promise<FaultRun> {
  const root = mkdtempSync(join(tmpdir(), 'samovar-faults-'));
  chmodSync(root, 0o755);
  const startedMs = Date.now();
  const outcomes: Outcome[] = [];
  const skipped: string[] = [];
  const bench = makeBench(root, options, {
    build: await buildForFaults(),
    log,
    skipped: (text) => void skipped.push(text),
  });
  const runLane = async (sections: readonly Section[]) => {
    for (const [at, section] of sections.entries()) {
      const reason = section.skip?.();
      const untilMs = shareOf(options, startedMs, sections.length - at);
      if (reason === undefined) outcomes.push(...(await runSection(bench, section, untilMs)));
      else skipped.push(`${section.name}: ${reason}`);
    }
  };
  const keep = () => options.keep && outcomes.some(({ verdict }) => !isGood(verdict));
  try {
    const sections = askedSections(sectionsOf(bench), options.only);
    // Kills keep the processors busy, the others wait for time to pass most of the time.
    const lanes = [sections.filter(({ endless }) => !endless), sections.filter(({ endless }) => endless)];
    const ends = await Promise.allSettled(lanes.map((lane) => runLane(lane)));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  } finally {
    if (!keep()) rmSync(root, { recursive: true, force: true });
  }
  return { outcomes, skipped };
}

/** The sections that are left share the time that is left. */
function shareOf({ minutes }: FaultOptions, startedMs: number, sections: number): number {
  const leftMs = startedMs + minutes * MINUTE_MS - Date.now();
  return minutes === 0 ? Number.POSITIVE_INFINITY : Date.now() + leftMs / sections;
}

function makeBench(
  root: string,
  options: FaultOptions,
  given: Pick<Bench, 'build' | 'log' | 'skipped'>,
): Bench {
  let folders = 0;
  const nowMs = Date.now();
  return {
    options,
    nowMs: nowMs - (nowMs % 60_000),
    newFolder: (name) => {
      folders += 1;
      const folder = join(root, `${name}-${folders}`);
      mkdirSync(folder);
      return folder;
    },
    dropFolder: (folder, failed) => {
      if (failed && options.keep) given.log(`kept: ${folder}`);
      else rmSync(folder, { recursive: true, force: true });
    },
    ...given,
  };
}

async function runSection(bench: Bench, section: Section, untilMs: number): Promise<readonly Outcome[]> {
  const { only, parallel } = bench.options;
  const { cases, close } = await section.open();
  try {
    const whole = matches(section.name, only);
    const asked = cases.filter(
      ({ fault, label }) => whole || matches(`${section.name}: ${fault} ${label}`, only),
    );
    const limit = pLimit(section.serial ? 1 : parallel);
    let begun = 0;
    let done = 0;
    const outcomes = await Promise.all(
      asked.map((one) =>
        limit(async () => {
          if (section.endless && begun >= CASES_MIN && Date.now() > untilMs) return [];
          begun += 1;
          const outcome = await runCase(section.name, one);
          done += 1;
          tell(bench, outcome, `${done}/${asked.length}`);
          return [outcome];
        }),
      ),
    );
    if (begun < asked.length)
      bench.log(`${section.name}: no time for ${asked.length - begun} of ${asked.length}`);
    return outcomes.flat();
  } finally {
    await close();
  }
}

async function runCase(section: string, one: Case): Promise<Outcome> {
  const { fault, stage, label, replay } = one;
  const given = { fault, stage, label, replay };
  const verdict = await one.run().catch(
    (error: unknown): Verdict => ({
      injected: 0,
      lost: 0,
      doubled: 0,
      problems: [
        `the harness failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      ],
      paths: [],
      stderr: '',
    }),
  );
  return { section, given, verdict };
}

function tell(bench: Bench, outcome: Outcome, place: string): void {
  const { given, verdict } = outcome;
  const note = verdict.note === undefined ? '' : ` (${verdict.note})`;
  bench.log(
    `${isGood(verdict) ? 'ok' : 'FAILED'} ${place} ${given.stage}: ${given.fault}: ${given.label}${note}`,
  );
  if (!isGood(verdict)) bench.log(failureText(outcome, bench.options.seed));
}

const matches = (text: string, only: string | undefined) =>
  only === undefined || text.toLowerCase().includes(only.toLowerCase());

/** Those that are named, by themselves or with one of their cases; where none is, all of them, for the cases in them. */
function askedSections(sections: readonly Section[], only: string | undefined): readonly Section[] {
  const named = sections.filter(({ name }) => matches(name, only) || only?.startsWith(name));
  return named.length > 0 ? named : sections;
}
