import { BigQueryInt, BigQueryTimestamp } from '@google-cloud/bigquery';

/** A value of the client library as JSON holds it: whole numbers past 2^53 as strings, times in ISO 8601. */
export function plainValue(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(plainValue);
  if (value instanceof BigQueryInt) return plainInteger(value.value);
  if (value instanceof BigQueryTimestamp) return isoTime(value.value);
  if (Buffer.isBuffer(value)) return value.toString('base64');
  // Dates, times, numerics: each has its text.
  if (Object.getPrototypeOf(value) !== Object.prototype)
    return 'value' in value ? value.value : String(value);
  return plainRow(value as Readonly<Record<string, unknown>>);
}

export function plainRow(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plainValue(value)]));
}

function plainInteger(text: string): number | string {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : text;
}

/** The library gives nanoseconds where there are microseconds: those three zeros are its own. */
function isoTime(text: string): string {
  return text.replace(/(\.\d{6})000Z$/, '$1Z');
}
