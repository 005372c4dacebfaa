/** A segment's object is named after its place and its bytes: `0007.<sha224>.mutlog`. */
const NAME = /^(\d{4,})\.([0-9a-f]{56})\.mutlog$/;

export interface SegmentName {
  readonly number: number;
  readonly sha224: string;
}

export function segmentName({ number, sha224 }: SegmentName): string {
  return `${paddedNumber(number)}.${sha224}.mutlog`;
}

/** At least four digits. */
export function paddedNumber(number: number): string {
  return String(number).padStart(4, '0');
}

/** Undefined for anything else. `name` is without the log's prefix: what lies in a folder below is no segment. */
export function parseSegmentName(name: string): SegmentName | undefined {
  const [, digits = '', sha224 = ''] = NAME.exec(name) ?? [];
  const number = Number(digits);
  if (digits === '' || !Number.isSafeInteger(number) || paddedNumber(number) !== digits) return undefined;
  return { number, sha224 };
}
