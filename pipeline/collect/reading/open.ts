import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { BuildReaders } from './contract.ts';
import { localReaders } from './local.ts';
import { THREAD, threadReaders } from './threads.ts';

/** More would wait for the one thread that talks to buckets and database. */
const THREADS_MAX = 8;

/**
 * Readers on so many threads; on this one where sources run as they are, unbuilt. By default one less than there are cores, for the
 * thread that asks has one too; two of two, because its own is not busy half of the time.
 */
export function openReaders(count: number = readersFor(availableParallelism())): BuildReaders {
  return count === 0 || !existsSync(THREAD) ? localReaders() : threadReaders(count);
}

export function readersFor(cores: number): number {
  return Math.min(THREADS_MAX, cores, Math.max(2, cores - 1));
}
