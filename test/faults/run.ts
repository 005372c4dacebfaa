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

export interface FaultRun {
  readonly outcomes: readonly Outcome[];
  readonly skipped: readonly string[];
}

/** Runs every section that is asked for, and tells on the way. */
export async function runFaults(options: FaultOptions, log: (text: string) => void): Promise<FaultRun> {
  const root = mkdtempSync(join(tmpdir(), 'samovar-faults-'));
  chmodSync(root, 0o755);
  const outcomes: Outcome[] = [];
  const skipped: string[] = [];
  const bench = makeBench(root, options, { log, skipped: (text) => void skipped.push(text) });
  const keep = () => options.keep && outcomes.some(({ verdict }) => !isGood(verdict));
  try {
    for (const section of askedSections(sectionsOf(bench), options.only)) {
      const reason = section.skip?.();
      if (reason === undefined) outcomes.push(...(await runSection(bench, section)));
      else skipped.push(`${section.name}: ${reason}`);
    }
  } finally {
    if (!keep()) rmSync(root, { recursive: true, force: true });
  }
  return { outcomes, skipped };
}

function makeBench(root: string, options: FaultOptions, tell: Pick<Bench, 'log' | 'skipped'>): Bench {
  let folders = 0;
  const nowMs = Date.now();
  return {
    build: buildForFaults(),
    options,
    nowMs: nowMs - (nowMs % 60_000),
    newFolder: (name) => {
      folders += 1;
      const folder = join(root, `${name}-${folders}`);
      mkdirSync(folder);
      return folder;
    },
    dropFolder: (folder, failed) => {
      if (failed && options.keep) tell.log(`kept: ${folder}`);
      else rmSync(folder, { recursive: true, force: true });
    },
    ...tell,
  };
}

async function runSection(bench: Bench, section: Section): Promise<readonly Outcome[]> {
  const { only, parallel } = bench.options;
  const { cases, close } = await section.open();
  try {
    const whole = matches(section.name, only);
    const asked = cases.filter(
      ({ fault, label }) => whole || matches(`${section.name}: ${fault} ${label}`, only),
    );
    const limit = pLimit(section.serial ? 1 : (section.parallel ?? parallel));
    let done = 0;
    return await Promise.all(
      asked.map((one) =>
        limit(async () => {
          const outcome = await runCase(section.name, one);
          done += 1;
          tell(bench, outcome, `${done}/${asked.length}`);
          return outcome;
        }),
      ),
    );
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

/** Those that are named; where none is, all of them, for the cases in them. */
function askedSections(sections: readonly Section[], only: string | undefined): readonly Section[] {
  const named = sections.filter(({ name }) => matches(name, only));
  return named.length > 0 ? named : sections;
}
