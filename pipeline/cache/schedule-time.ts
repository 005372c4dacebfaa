import { hash } from 'node:crypto';

/**
 * When an entry's next scheduled refresh is due: at its own place in every interval, given by a hash of its name. The same on every
 * machine and after every restart, and different for each of thousands of keys.
 */
export function nextSlot(provider: string, key: string, intervalMs: number, nowMs: number): number {
  const phaseMs = phaseOf(provider, key, intervalMs);
  return Math.floor((nowMs - phaseMs) / intervalMs + 1) * intervalMs + phaseMs;
}

function phaseOf(provider: string, key: string, intervalMs: number): number {
  const part = Number.parseInt(hash('sha1', `${provider}\n${key}`, 'hex').slice(0, 12), 16);
  return Math.floor((part / 2 ** 48) * intervalMs);
}

export const MINUTE_MS = 60_000;
/** Of the mean: room for chance, and to catch up after a standstill. */
const ABOVE_MEAN = 1.25;
/** So few at once are no crowd. */
const FEW = 20;

/** So many scheduled jobs of a keyed provider are made in a minute at most: after a standstill all are overdue at once. */
export function jobsPerMinute(keys: number, intervalMs: number): number {
  return Math.max(FEW, Math.floor((keys * MINUTE_MS * ABOVE_MEAN) / intervalMs));
}
