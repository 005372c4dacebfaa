import { buildHead } from '../records/build.ts';
import { isSnowflake, snowflakeTimeMs } from '../records/ids.ts';
import type { Documents } from './documents.ts';
import type { Candidate } from './sources/candidate.ts';

/** The times of a build, as far as anything tells them. */
export interface BuildTimes {
  /** When it came into being: started.json, else its id, else when it was first seen. Epoch milliseconds. */
  readonly firstMs: number;
  /** By which windows and order go: finished.json's timestamp, else when that file was written. Epoch seconds. */
  readonly finishedAt: number;
  /** Finished or started, where a document or the id says so; undefined when nothing does. Epoch milliseconds. */
  readonly knownMs: number | undefined;
}

export function timesOf(documents: Documents, candidate: Candidate, nowMs: number): BuildTimes {
  const finished = documents.finished === 'unchanged' ? undefined : documents.finished;
  const head = buildHead({
    path: `${candidate.job}/${candidate.build}`,
    jobPrefix: '',
    ...(documents.started && { started: documents.started.json }),
    ...(finished && { finished: finished.json }),
  });
  const startedMs = head.startedAt === undefined ? undefined : head.startedAt * 1000;
  const idMs = isSnowflake(candidate.build) ? snowflakeTimeMs(candidate.build) : undefined;
  const finishedMs = head.finishedAt === undefined ? undefined : head.finishedAt * 1000;
  return {
    firstMs: startedMs ?? idMs ?? candidate.known?.firstSeenAt ?? nowMs,
    finishedAt: Math.floor((finishedMs ?? finished?.updatedMs ?? startedMs ?? idMs ?? nowMs) / 1000),
    knownMs: idMs ?? startedMs ?? finishedMs,
  };
}

/** Fresh builds are looked at again: uploads may follow, and a second finished.json may replace the first. */
export function stateAfter(finishedMs: number, nowMs: number, settleMs: number): 'settling' | 'complete' {
  return nowMs - finishedMs < settleMs ? 'settling' : 'complete';
}
