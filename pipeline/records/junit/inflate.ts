import { Buffer } from 'node:buffer';
import { type Code, createCode, FIXED_DISTANCE_LENGTHS, FIXED_LITERAL_LENGTHS } from './huffman.ts';

/**
 * DEFLATE (RFC 1951) in pieces, synchronously. Node's own is either all at once, in memory without a useful bound, or
 * asynchronous, and a reader's `push` can be neither.
 */
export interface Inflate {
  /** Compressed bytes not yet read, from `at` on. */
  input: Buffer;
  at: number;
  /** Bits read of `input` but not used, the next one lowest. */
  bits: number;
  bitCount: number;
  output: Buffer;
  /** `output` is filled up to here; from `emitted` on it has not been handed over. */
  filled: number;
  emitted: number;
  block: 'head' | 'stored' | 'codes' | 'end';
  last: boolean;
  storedLeft: number;
  literals: Code | undefined;
  distances: Code | undefined;
  matchLength: number;
  /** No more input will come. */
  final: boolean;
  readonly onBytes: (bytes: Buffer) => void;
}

/** `more`: all input is used up; `done`: the stream has ended; else what is wrong with it. */
export type InflateOutcome = 'more' | 'done' | { readonly wrong: string };

const HISTORY_BYTES = 32 * 2 ** 10;
const OUTPUT_BYTES = 4 * HISTORY_BYTES;
const MATCH_BYTES_MAX = 258;
/** A symbol with all that belongs to it takes at most 48 bits, and four bytes may be read ahead. */
const SYMBOL_BYTES_MAX = 12;
/** Likewise a block's head: 17 bits, 19 lengths of 3, 320 codes of up to 14. */
const HEAD_BYTES_MAX = 600;
const END_OF_BLOCK = 256;

const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
];
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/** Distances begin 1, 2, 3, 4 and then each pair of symbols has one extra bit more. */
const DISTANCE_EXTRA = Array.from({ length: 30 }, (_, symbol) => Math.max(0, (symbol >> 1) - 1));
const DISTANCE_BASE = DISTANCE_EXTRA.map((extra, symbol) =>
  symbol < 2 ? symbol + 1 : (2 + (symbol & 1)) * 2 ** extra + 1,
);

export function createInflate(onBytes: (bytes: Buffer) => void): Inflate {
  return {
    input: Buffer.alloc(0),
    at: 0,
    bits: 0,
    bitCount: 0,
    output: Buffer.allocUnsafe(OUTPUT_BYTES),
    filled: 0,
    emitted: 0,
    block: 'head',
    last: false,
    storedLeft: 0,
    literals: undefined,
    distances: undefined,
    matchLength: 0,
    final: false,
    onBytes,
  };
}

/** Unpacks as far as `inflate.input` goes. */
export function inflateMore(inflate: Inflate): InflateOutcome {
  let outcome: InflateOutcome | undefined;
  while (outcome === undefined) {
    if (inflate.block === 'head') outcome = inflate.last ? 'done' : readHead(inflate);
    else if (inflate.block === 'stored') outcome = copyStored(inflate);
    else outcome = readSymbols(inflate);
  }
  emit(inflate);
  if (outcome === 'done') giveBack(inflate);
  return outcome;
}

/** Whether bits were used that the input does not have; those only read ahead do not count. */
function usedBeyondInput(inflate: Inflate): boolean {
  return inflate.at * 8 - inflate.bitCount > inflate.input.length * 8;
}

/** Leaves the bits up to the next byte, and gives back the bytes read ahead. */
function giveBack(inflate: Inflate): void {
  inflate.at -= inflate.bitCount >> 3;
  inflate.bits = 0;
  inflate.bitCount = 0;
}

function lacks(inflate: Inflate, bytes: number): boolean {
  return !inflate.final && inflate.input.length - inflate.at < bytes;
}

/** Takes up to 16 bits. Beyond the input's end come zeros: whoever takes them looks at `usedBeyondInput`. */
function take(inflate: Inflate, count: number): number {
  while (inflate.bitCount < count) {
    inflate.bits |= (inflate.input[inflate.at] ?? 0) << inflate.bitCount;
    inflate.at += 1;
    inflate.bitCount += 8;
  }
  const value = inflate.bits & (2 ** count - 1);
  inflate.bits >>>= count;
  inflate.bitCount -= count;
  return value;
}

function takeSymbol(inflate: Inflate, code: Code): number {
  while (inflate.bitCount < 15) {
    inflate.bits |= (inflate.input[inflate.at] ?? 0) << inflate.bitCount;
    inflate.at += 1;
    inflate.bitCount += 8;
  }
  const entry = code.entries[inflate.bits & code.mask] ?? 0;
  if (entry === 0) return -1;
  inflate.bits >>>= entry & 15;
  inflate.bitCount -= entry & 15;
  return entry >> 4;
}

function readHead(inflate: Inflate): InflateOutcome | undefined {
  if (lacks(inflate, HEAD_BYTES_MAX)) return 'more';
  inflate.last = take(inflate, 1) === 1;
  const type = take(inflate, 2);
  if (usedBeyondInput(inflate)) return 'more';
  if (type === 0) {
    giveBack(inflate);
    const length = take(inflate, 16);
    if ((length ^ take(inflate, 16)) !== 0xffff)
      return usedBeyondInput(inflate) ? 'more' : { wrong: 'a stored block whose length is damaged' };
    giveBack(inflate);
    inflate.storedLeft = length;
    inflate.block = 'stored';
    return undefined;
  }
  if (type === 3) return { wrong: 'a block of an unknown type' };
  const lengths =
    type === 1
      ? { literals: FIXED_LITERAL_LENGTHS, distances: FIXED_DISTANCE_LENGTHS }
      : readLengths(inflate);
  if (usedBeyondInput(inflate)) return 'more';
  inflate.literals = lengths && createCode(lengths.literals);
  inflate.distances = lengths && createCode(lengths.distances);
  if (inflate.literals === undefined || inflate.distances === undefined)
    return { wrong: 'a block whose code is damaged' };
  inflate.block = 'codes';
  return undefined;
}

function readLengths(
  inflate: Inflate,
): { readonly literals: Uint8Array; readonly distances: Uint8Array } | undefined {
  const literalCount = take(inflate, 5) + 257;
  const count = literalCount + take(inflate, 5) + 1;
  const orderCount = take(inflate, 4) + 4;
  const lengths = new Uint8Array(19);
  for (const symbol of LENGTH_ORDER.slice(0, orderCount)) lengths[symbol] = take(inflate, 3);
  const code = createCode(lengths);
  if (code === undefined) return undefined;
  const all = new Uint8Array(count);
  for (let at = 0; at < count; ) {
    const symbol = takeSymbol(inflate, code);
    if (symbol < 0 || (symbol === 16 && at === 0)) return undefined;
    const value = symbol < 16 ? symbol : symbol === 16 ? (all[at - 1] ?? 0) : 0;
    const times =
      symbol < 16
        ? 1
        : symbol === 16
          ? 3 + take(inflate, 2)
          : symbol === 17
            ? 3 + take(inflate, 3)
            : 11 + take(inflate, 7);
    if (at + times > count) return undefined;
    all.fill(value, at, at + times);
    at += times;
  }
  return { literals: all.subarray(0, literalCount), distances: all.subarray(literalCount) };
}

function copyStored(inflate: Inflate): InflateOutcome | undefined {
  while (inflate.storedLeft > 0) {
    const room = makeRoom(inflate);
    const count = Math.min(inflate.storedLeft, room, inflate.input.length - inflate.at);
    if (count <= 0) return 'more';
    inflate.input.copy(inflate.output, inflate.filled, inflate.at, inflate.at + count);
    inflate.at += count;
    inflate.filled += count;
    inflate.storedLeft -= count;
  }
  inflate.block = 'head';
  return undefined;
}

function readSymbols(inflate: Inflate): InflateOutcome | undefined {
  const { literals, distances, output } = inflate;
  if (literals === undefined || distances === undefined) return { wrong: 'a block without a code' };
  for (;;) {
    if (lacks(inflate, SYMBOL_BYTES_MAX)) return 'more';
    const symbol = takeSymbol(inflate, literals);
    if (inflate.final && usedBeyondInput(inflate)) return 'more';
    if (symbol < 0) return { wrong: 'bits that mean nothing' };
    if (OUTPUT_BYTES - inflate.filled < MATCH_BYTES_MAX) makeRoom(inflate);
    if (symbol < END_OF_BLOCK) {
      output[inflate.filled] = symbol;
      inflate.filled += 1;
    } else if (symbol === END_OF_BLOCK) {
      inflate.block = 'head';
      return undefined;
    } else {
      const distance = readMatch(inflate, symbol - 257, distances);
      if (inflate.final && usedBeyondInput(inflate)) return 'more';
      if (distance < 0 || distance > inflate.filled) return { wrong: 'a reference to before its start' };
      copyMatch(inflate, distance);
    }
  }
}

/** Reads what a match refers to: its length into `matchLength`; gives the distance, negative when there is none. */
function readMatch(inflate: Inflate, lengthSymbol: number, distances: Code): number {
  const base = LENGTH_BASE[lengthSymbol];
  if (base === undefined) return -1;
  inflate.matchLength = base + take(inflate, LENGTH_EXTRA[lengthSymbol] ?? 0);
  const symbol = takeSymbol(inflate, distances);
  const distanceBase = DISTANCE_BASE[symbol];
  return distanceBase === undefined ? -1 : distanceBase + take(inflate, DISTANCE_EXTRA[symbol] ?? 0);
}

function copyMatch(inflate: Inflate, distance: number): void {
  const { output, filled, matchLength } = inflate;
  if (distance >= matchLength) output.copyWithin(filled, filled - distance, filled - distance + matchLength);
  else for (let at = filled; at < filled + matchLength; at += 1) output[at] = output[at - distance] ?? 0;
  inflate.filled = filled + matchLength;
}

/** Hands over what is unpacked, and keeps of it what may still be referred to. Gives the room there is. */
function makeRoom(inflate: Inflate): number {
  if (OUTPUT_BYTES - inflate.filled < MATCH_BYTES_MAX) {
    emit(inflate);
    inflate.output.copyWithin(0, inflate.filled - HISTORY_BYTES, inflate.filled);
    inflate.filled = HISTORY_BYTES;
    inflate.emitted = HISTORY_BYTES;
  }
  return OUTPUT_BYTES - inflate.filled;
}

function emit(inflate: Inflate): void {
  if (inflate.filled > inflate.emitted)
    inflate.onBytes(inflate.output.subarray(inflate.emitted, inflate.filled));
  inflate.emitted = inflate.filled;
}
