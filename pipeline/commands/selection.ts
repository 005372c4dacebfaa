import type { Argv } from 'yargs';
import type { Selection } from '../collect/plan.ts';
import { SamovarError } from '../errors.ts';

const DAY_MS = 86_400_000;
const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };

export interface SelectionArgs {
  readonly job?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

export function selectionOptions<T>(yargs: Argv<T>) {
  return yargs
    .option('job', {
      type: 'string',
      describe: "Only this job, or those of a pattern: 'ci-*'; named as in the bucket, without a prefix",
    })
    .option('since', {
      type: 'string',
      describe: 'Only builds from this time on: 2026-11-01, 2026-11-01T12:00Z, or an age: 36h, 7d',
    })
    .option('until', { type: 'string', describe: 'Only builds before this time' });
}

/** Flags to a selection. Throws `config` for a time that cannot be read. */
export function selectionOf(
  args: SelectionArgs,
  nowMs: number,
): Pick<Selection, 'job' | 'sinceMs' | 'untilMs'> {
  return {
    job: args.job,
    sinceMs: timeOf('--since', args.since, nowMs),
    untilMs: timeOf('--until', args.until, nowMs),
  };
}

function timeOf(flag: string, text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const age = /^(\d+(?:\.\d+)?)([mhdw])$/.exec(text);
  if (age) return nowMs - Number(age[1]) * (UNIT_MS[age[2] ?? ''] ?? 0);
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new SamovarError('config', `${flag}: "${text}" is not a time`, {
    remedy: 'Give a date (2026-11-01), a time (2026-11-01T12:00Z) or an age (90m, 36h, 7d, 2w).',
  });
}
