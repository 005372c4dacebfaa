import { Buffer } from 'node:buffer';
import { decodeValue, wholeEnd } from './values.ts';

/**
 * A short value of the open case. While its window is there it is only a place in it, as most cases are skipped and their values
 * never needed; a value that came in pieces, or outlives its window, is kept.
 */
export interface Field {
  readonly bytesMax: number;
  start: number;
  end: number;
  kept: string | undefined;
  /** Pieces of a value that went on beyond its window, as raw bytes, one character each. */
  pieces: string;
}

export function createField(bytesMax: number): Field {
  return { bytesMax, start: -1, end: -1, kept: undefined, pieces: '' };
}

export function clearField(field: Field): void {
  field.start = -1;
  field.kept = undefined;
}

/** Takes a value, or a piece of it when not `last`. The first of several attributes of one name counts. */
export function setField(field: Field, window: Buffer, start: number, end: number, last: boolean): void {
  if (last && field.pieces === '') {
    if (field.start < 0 && field.kept === undefined) {
      field.start = start;
      field.end = end;
    }
    return;
  }
  // One byte more than allowed is enough to see that it is too long.
  const room = field.bytesMax + 1 - field.pieces.length;
  field.pieces += window.toString('latin1', start, Math.min(end, start + room));
  if (!last) return;
  const bytes = Buffer.from(field.pieces, 'latin1');
  field.pieces = '';
  if (field.start < 0) field.kept ??= decodeShort(bytes, 0, bytes.length, field.bytesMax);
}

/** Keeps the value before its window goes. */
export function saveField(field: Field, window: Buffer): void {
  if (field.start < 0) return;
  field.kept = decodeShort(window, field.start, field.end, field.bytesMax);
  field.start = -1;
}

/** The value; `undefined` when the attribute was not there. */
export function fieldValue(field: Field, window: Buffer): string | undefined {
  return field.start < 0 ? field.kept : decodeShort(window, field.start, field.end, field.bytesMax);
}

function decodeShort(bytes: Buffer, start: number, end: number, bytesMax: number): string {
  if (end - start <= bytesMax) return decodeValue(bytes, start, end, 'attribute');
  return `${decodeValue(bytes, start, wholeEnd(bytes, start, start + bytesMax), 'attribute')}…`;
}
