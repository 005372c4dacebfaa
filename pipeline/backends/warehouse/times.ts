/** Of BigQuery's ways to write a time those that need no table of time zones. */
const TIME =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[ Tt](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?\s*(?:([Zz]|UTC)|([+-])(\d{1,2})(?::?(\d{2}))?)?)?$/;
/** Years 1 to 9999, as BigQuery's. */
const MICROS_MIN = -62_135_596_800_000_000n;
const MICROS_MAX = 253_402_300_799_999_999n;
const MINUTE_MS = 60_000;

/**
 * Microseconds since the epoch of a TIMESTAMP as rows hold it: seconds (a number or its text) or a time in words, in UTC where it
 * names no offset. Throws an Error for what is neither, and for times outside the years 1 to 9999.
 */
export function microsOf(value: unknown, what: string): bigint {
  const text = String(value).trim();
  const micros =
    Number.isFinite(Number(text)) && text !== '' ? microsOfSeconds(Number(text)) : microsOfWords(text);
  if (micros !== undefined && micros >= MICROS_MIN && micros <= MICROS_MAX) return micros;
  throw new Error(
    `${what} is ${JSON.stringify(text.slice(0, 50))}, which is no TIMESTAMP between the years 1 and 9999`,
  );
}

function microsOfSeconds(seconds: number): bigint {
  const whole = Math.floor(seconds);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((seconds - whole) * 1e6));
}

function microsOfWords(text: string): bigint | undefined {
  const found = TIME.exec(text);
  if (found === null) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map((part = '0') => Number(part));
  const [fraction = '', , sign, hours = '0', minutes = '0'] = found.slice(7);
  const time = new Date(0);
  // Unlike Date.UTC, this takes the years 1 to 99 for what they are.
  time.setUTCFullYear(year ?? 0, (month ?? 1) - 1, day);
  time.setUTCHours(hour ?? 0, minute ?? 0, second ?? 0);
  // A day or an hour that does not exist has moved others.
  const stands =
    time.getUTCDate() === day && time.getUTCMonth() + 1 === month && time.getUTCHours() === (hour ?? 0);
  if (!stands || (minute ?? 0) > 59 || (second ?? 0) > 59) return undefined;
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * MINUTE_MS * (sign === '-' ? -1 : 1);
  return BigInt(time.getTime() - offsetMs) * 1_000n + BigInt(fraction.padEnd(6, '0').slice(0, 6));
}
