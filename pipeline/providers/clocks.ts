import type { ProviderClocks } from '../cache/contract.ts';
import type { ClockSettings } from './types.ts';

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** `10m`, `2h`, `7d`, `30s`, as the schema has let through. */
export function spanMs(text: string): number {
  const unit = text.at(-1) as keyof typeof UNITS;
  return Number(text.slice(0, -1)) * UNITS[unit];
}

/** Clocks of something refreshed every `intervalMs`: stale for as long again twice over, served for a week while its upstream fails. */
export function clocksEvery(intervalMs: number): ProviderClocks {
  return {
    intervalMs,
    // A refresh that is a little late makes nothing stale.
    ttlMs: Math.round(intervalMs * 1.25),
    staleMs: intervalMs * 2,
    errorMs: Math.max(7 * DAY_MS, intervalMs * 4),
    negativeMs: Math.min(6 * HOUR_MS, intervalMs * 2),
  };
}

/** What is set, over what is usual; an interval alone moves the other clocks with it. */
export function withSettings(standard: ProviderClocks, settings: ClockSettings): ProviderClocks {
  const base = settings.intervalMs === undefined ? standard : clocksEvery(settings.intervalMs);
  const clocks = { ...base, ...settings };
  return { ...clocks, errorMs: Math.max(clocks.errorMs, clocks.staleMs) };
}
