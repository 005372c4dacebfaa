const DAY_MS = 86_400_000;
/** Years 1970 to 9999. */
const MS_MAX = 253_402_300_799_999;

/**
 * Epoch milliseconds of what upstreams call a time: `YYYY-MM-DD HH:mm:ss` and ISO 8601 (UTC where no zone is said), or seconds
 * since 1970 as a number or as digits.
 */
export function msOf(value: unknown): number | undefined {
  const ms =
    typeof value === 'number' ? value * 1000 : typeof value === 'string' ? msOfText(value) : Number.NaN;
  return ms >= 0 && ms <= MS_MAX ? ms : undefined;
}

function msOfText(text: string): number {
  if (text.length > 40) return Number.NaN;
  if (/^\d{1,12}(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const parts = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d(?:\.\d+)?))?(Z|[+-]\d\d:?\d\d)?$/.exec(text);
  return parts === null ? Number.NaN : Date.parse(`${parts[1]}T${parts[2] ?? '00:00:00'}${parts[3] ?? 'Z'}`);
}

/** `YYYY-MM-DD HH:mm:ss`, UTC. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

/** `YYYY-MM-DD`, UTC. */
export function dayText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

export function timeOf(value: unknown): string | undefined {
  const ms = msOf(value);
  return ms === undefined ? undefined : timeText(ms);
}

export function addDays(ms: number, days: number): number {
  return ms + days * DAY_MS;
}
