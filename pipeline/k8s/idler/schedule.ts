import { Cron } from 'croner';
import { SamovarError } from '../../errors.ts';

export interface SleepTimes {
  readonly sleepAt: string;
  /** Undefined: once it may sleep, it may. */
  readonly wakeAt?: string | undefined;
  readonly timezone?: string | undefined;
}

/** True from `sleepAt` on until `wakeAt`. Throws `config` for what is no cron pattern or no time zone. */
export function maySleep({ sleepAt, wakeAt, timezone }: SleepTimes, nowMs: number): boolean {
  const slept = lastRun(sleepAt, timezone, nowMs);
  if (wakeAt === undefined) return slept !== undefined;
  return slept !== undefined && slept > (lastRun(wakeAt, timezone, nowMs) ?? 0);
}

/** The next time at which a pattern runs, in milliseconds; undefined: never again. Throws `config`. */
export function nextRun(pattern: string, timezone: string | undefined, nowMs: number): number | undefined {
  return reading(pattern, timezone, (cron) => cron.nextRun(new Date(nowMs))?.getTime());
}

function lastRun(pattern: string, timezone: string | undefined, nowMs: number): number | undefined {
  // The reference itself is not counted, and what begins now has begun.
  return reading(pattern, timezone, (cron) => cron.previousRuns(1, new Date(nowMs + 1_000))[0]?.getTime());
}

function reading<T>(pattern: string, timezone: string | undefined, use: (cron: Cron) => T): T {
  try {
    return use(new Cron(pattern, { paused: true, ...(timezone !== undefined && { timezone }) }));
  } catch (cause) {
    const zone = timezone === undefined ? '' : ` of ${timezone}`;
    throw new SamovarError('config', `${JSON.stringify(pattern)}${zone} is no schedule`, {
      subject: pattern,
      remedy: 'Write a cron pattern, for instance 0 22 * * 1-5, and a time zone like Europe/London.',
      cause,
    });
  }
}
