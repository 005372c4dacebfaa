import { createHash } from 'node:crypto';
import { SamovarError } from '../errors.ts';
import { decodeMutation } from '../records/mutation/codec.ts';
import { readRecords } from '../records/mutation/framing.ts';

/** What the bytes of one segment are worth. */
export interface Scan {
  /** How many whole records come before the damage, or at all. */
  readonly records: number;
  /** Offset of the byte after the last of them. */
  readonly good: number;
  readonly bytes: number;
  /** Lowercase hex, of all bytes, damaged ones too. */
  readonly sha224: string;
  /** Where no record can be read, or one is no mutation. */
  readonly damage?: { readonly offset: number; readonly reason: string };
}

/** Reads all bytes, whatever is wrong with them; memory holds a record. Throws only what the bytes' source throws. */
export async function scanSegment(bytes: AsyncIterable<Uint8Array>, name: string): Promise<Scan> {
  const source = bytes[Symbol.asyncIterator]();
  const hash = createHash('sha224');
  let size = 0;
  const next = async () => {
    const { done, value } = await source.next();
    if (done === true) return undefined;
    hash.update(value);
    size += value.length;
    return value;
  };
  const found = await scanRecords(next, name);
  // The hash is of all of it.
  while ((await next()) !== undefined);
  return { ...found, bytes: size, sha224: hash.digest('hex') };
}

async function scanRecords(
  next: () => Promise<Uint8Array | undefined>,
  name: string,
): Promise<Pick<Scan, 'records' | 'good' | 'damage'>> {
  let records = 0;
  let good = 0;
  try {
    for await (const { end, payload } of readRecords(chunks(next), { name })) {
      decodeMutation(payload);
      records += 1;
      good = end;
    }
    return { records, good };
  } catch (error) {
    if (!(error instanceof SamovarError) || error.code !== 'malformed') throw error;
    return { records, good, damage: { offset: good, reason: error.message } };
  }
}

/** Ending it does not end its source, which is read further. */
async function* chunks(next: () => Promise<Uint8Array | undefined>): AsyncGenerator<Uint8Array> {
  for (let chunk = await next(); chunk !== undefined; chunk = await next()) yield chunk;
}
