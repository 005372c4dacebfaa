import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { BuildReaders } from './contract.ts';
import { localReaders } from './local.ts';
import { THREAD, threadReaders } from './threads.ts';

/** More would wait for the one thread that talks to buckets and database. */
const THREADS_MAX = 8;

/** Readers on so many threads, by default one less than there are cores; on this one where sources run as they are, unbuilt. */
export function openReaders(
  count: number = Math.min(THREADS_MAX, Math.max(1, availableParallelism() - 1)),
): BuildReaders {
  return count === 0 || !existsSync(THREAD) ? localReaders() : threadReaders(count);
}
