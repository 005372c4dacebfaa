import Database from 'better-sqlite3';
import { patch } from './points.ts';

/** The clock of this process goes wrong by so many seconds; timers go on as they are. */
export function shiftClock(seconds: number): void {
  const Real = globalThis.Date;
  const nowMs = () => Real.now() + seconds * 1000;
  class Shifted extends Real {
    constructor(...args: readonly unknown[]) {
      if (args.length === 0) super(nowMs());
      else super(...(args as [number]));
    }
    static override now(): number {
      return nowMs();
    }
  }
  globalThis.Date = Shifted as DateConstructor;
}

/** The waits between attempts are random up to a bound: a smaller randomness makes a whole run of retries a matter of seconds. */
export function hurry(factor: number): void {
  const real = Math.random;
  Math.random = () => real() * factor;
}

/** So many pages more and the database is full: set when the run has looked at its headroom and gone on. */
export function limitPages(more: number): void {
  patch(
    Database.prototype,
    'pragma',
    (original) =>
      function (this: unknown, ...args) {
        const result = original.apply(this, args);
        if (args[0] === 'page_count') original.call(this, `max_page_count = ${Number(result) + more}`);
        return result;
      },
  );
}
