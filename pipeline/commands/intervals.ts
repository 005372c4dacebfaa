import { durationMs } from './cache/durations.ts';

/** A length of time after a flag: `90s`, `5m`. A number alone counts in `bareMs`, as it did before units could be written. Throws `config`. */
export function intervalMs(text: string, flag: string, bareMs: number): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) * bareMs : durationMs(text, flag);
}
