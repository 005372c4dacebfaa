import { openSync, writeSync } from 'node:fs';

/** What a process does to the world outside of it. Kept as originals here: the same functions are patched by others. */
export type EffectKind = 'sqlite' | 'duckdb' | 'file' | 'http' | 'grpc' | 'ack';
export type PointWhen = 'before' | 'sent' | 'after';

const write = writeSync;
/** `sqlite before 3`: the third of its kind. What works at once takes turns: a number among all would soon be another's. */
const [killKind, killWhen, killOrdinal] = (process.env.SAMOVAR_FAULT_KILL_AT ?? '').split(' ');
const logFile = process.env.SAMOVAR_FAULT_LOG;
const log = logFile === undefined || logFile === '' ? undefined : openSync(logFile, 'a');
let count = 0;
let ofKind = 0;

/**
 * One numbered moment at which the process can be killed. It is written down before it dies there, so that a killed run says
 * what it was about to do.
 */
export function point(kind: EffectKind, when: PointWhen, detail: string): void {
  count += 1;
  const text = detail.replace(/\s+/g, ' ').trim().slice(0, 100);
  if (log !== undefined) write(log, `${count}\t${kind}\t${when}\t${text}\n`);
  if (kind !== killKind || when !== killWhen) return;
  ofKind += 1;
  // The kernel ends the process inside this call: nothing after it runs.
  if (ofKind === Number(killOrdinal)) process.kill(process.pid, 'SIGKILL');
}

/** Wraps a call that gives a promise or a value: a point before it, and one after it has succeeded. */
export function around<T>(kind: EffectKind, detail: string, work: () => T): T {
  point(kind, 'before', detail);
  const result = work();
  if (!(result instanceof Promise)) {
    point(kind, 'after', detail);
    return result;
  }
  return result.then((value: unknown) => {
    point(kind, 'after', detail);
    return value;
  }) as T;
}

/** Replaces a method on an object whose type does not let it be replaced. */
export function patch<T extends object>(
  target: T,
  name: string,
  make: (
    original: (this: unknown, ...args: unknown[]) => unknown,
  ) => (this: unknown, ...args: unknown[]) => unknown,
): void {
  const holder = target as Record<string, unknown>;
  const original = holder[name];
  if (typeof original !== 'function') throw new Error(`there is no ${name} to patch`);
  Object.defineProperty(target, name, {
    value: make(original as (this: unknown, ...args: unknown[]) => unknown),
    writable: true,
    configurable: true,
    enumerable: Object.getOwnPropertyDescriptor(target, name)?.enumerable ?? false,
  });
}
