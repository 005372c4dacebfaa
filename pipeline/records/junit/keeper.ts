import { Buffer } from 'node:buffer';
import { decodeValue, type Place, wholeEnd } from './values.ts';

/** Gathers one value that may come in pieces, within a budget of bytes. */
export interface Keeper {
  /** Adds `window` from `start` to `end`, as far as the budget goes. */
  add(window: Buffer, start: number, end: number, place: Place): void;
  /** What was gathered, `undefined` if nothing came, not even an empty piece; and starts anew. */
  take(): string | undefined;
}

/** Bytes that several keepers may share; `leftOut` counts what they could not keep. */
export interface Budget {
  bytes: number;
  leftOut: number;
}

/** A keeper that spends from `budget`. Pieces of one place are joined before they are decoded: a character may be halved between two. */
export function createKeeper(budget: Budget): Keeper {
  let done: string | undefined;
  let pieces: Buffer[] = [];
  let place: Place = 'text';

  function add(window: Buffer, start: number, end: number, at: Place): void {
    if (at !== place) flush();
    place = at;
    const length = end - start;
    const kept = budget.leftOut > 0 ? 0 : Math.min(length, budget.bytes);
    budget.bytes -= kept;
    budget.leftOut += length - kept;
    pieces.push(Buffer.from(window.subarray(start, start + kept)));
  }

  function flush(): void {
    if (pieces.length === 0) return;
    const whole = pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
    const end = budget.leftOut > 0 ? wholeEnd(whole, 0, whole.length) : whole.length;
    done = (done ?? '') + decodeValue(whole, 0, end, place);
    pieces = [];
  }

  function take(): string | undefined {
    flush();
    const value = done;
    done = undefined;
    return value;
  }

  return { add, take };
}
