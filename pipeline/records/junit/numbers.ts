/** Seconds in one of each unit that is seen after a number. */
const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  s: 1,
  sec: 1,
  secs: 1,
  seconds: 1,
  ms: 1e-3,
  us: 1e-6,
  µs: 1e-6,
  ns: 1e-9,
  m: 60,
  min: 60,
  h: 3_600,
};
const PLAIN = /^[0-9]{1,15}(\.[0-9]{1,15})?$/;
const NUMBER = /^([+-]?)([0-9.,]*[0-9][.,]?)(e[+-]?[0-9]{1,3})?\s*([a-zµ]*)$/i;
const THOUSANDS = /^[1-9][0-9]{0,2}(,[0-9]{3})+(\.[0-9]*)?$/;
const DECIMAL_COMMA = /^[0-9]*,[0-9]*$/;

/**
 * Seconds that a `time` attribute says. Absent or empty means 0, as in Kettle; thousands' commas, a decimal comma and units are read.
 * `undefined` for what is no finite number (NaN, inf, words): a row must hold numbers only.
 */
export function readSeconds(time: string | undefined): number | undefined {
  if (time === undefined || time === '') return 0;
  if (PLAIN.test(time)) return Number(time);
  const match = NUMBER.exec(time.trim());
  if (match === null) return undefined;
  const [, sign = '', digits = '', exponent = '', unit = ''] = match;
  const scale = UNITS[unit.toLowerCase()];
  if (scale === undefined) return undefined;
  const seconds = Number(`${sign}${withPoint(digits)}${exponent}`) * scale;
  return Number.isFinite(seconds) ? seconds : undefined;
}

/** "1,234.5" is thousands; "0,5" a decimal comma; what is neither stays and is no number. */
function withPoint(digits: string): string {
  if (THOUSANDS.test(digits)) return digits.replaceAll(',', '');
  return DECIMAL_COMMA.test(digits) ? digits.replace(',', '.') : digits;
}
