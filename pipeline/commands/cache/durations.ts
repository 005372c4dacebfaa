import { SamovarError } from '../../errors.ts';

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `90m`, `12h`, `7d`, `30s` in milliseconds. Throws `config`. */
export function durationMs(text: string, option: string): number {
  const [, digits, unit] = /^(\d{1,9}(?:\.\d{1,3})?)([smhd])$/.exec(text) ?? [];
  if (digits === undefined || unit === undefined)
    throw new SamovarError('config', `${option} ${JSON.stringify(text)} is no length of time`, {
      subject: text,
      remedy: 'Write a number with its unit: 30s, 90m, 12h or 7d.',
    });
  return Number(digits) * UNITS[unit as keyof typeof UNITS];
}
