import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SamovarError } from '../../../pipeline/errors.ts';
import { createKeep } from '../../../pipeline/serve/report/keep.ts';
import { LIMITS, type Limits } from '../../../pipeline/serve/report/options.ts';
import { HEAD } from './serving.ts';

const REQUIRED: Limits = { ...LIMITS, ttlMs: 1_000, refreshMs: 100, waitMs: 500, deadlineMs: 2_000 };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function keepOf(limits: Partial<Limits> = {}) {
  const clock = { ms: 1_000_000 };
  const logged: string[] = [];
  const keep = createKeep({
    limits: { ...REQUIRED, ...limits },
    head: () => HEAD,
    nowMs: () => clock.ms,
    log: (message) => logged.push(message),
  });
  return { keep, clock, logged };
}

/** What is read when the test says so. */
function gate<T>() {
  const gates: { resolve: (value: T) => void; reject: (error: unknown) => void; signal: AbortSignal }[] = [];
  const read = (signal: AbortSignal) =>
    new Promise<T>((resolve, reject) => {
      gates.push({ resolve, reject, signal });
    });
  return { gates, read };
}

it('reads once for everybody who waits, and again only when the answer is old', async () => {
  const { keep, clock } = keepOf();
  const { gates, read } = gate<number>();
  const waiting = [keep.get('a', read), keep.get('a', read), keep.get('a', read)];
  gates[0]?.resolve(7);
  for (const answer of await Promise.all(waiting))
    expect(answer).toMatchObject({ model: 7, json: '7', ageS: 0 });
  clock.ms += 999;
  expect(await keep.get('a', read)).toMatchObject({ model: 7 });
  expect(gates).toHaveLength(1);
  clock.ms += 1;
  const again = keep.get('a', read);
  gates[1]?.resolve(8);
  expect(await again).toMatchObject({ model: 8, stale: undefined });
});

it('tells the old answer, its age and why, when there is no new one in time or at all', async () => {
  const { keep, clock, logged } = keepOf();
  const { gates, read } = gate<string>();
  const first = keep.get('a', read);
  gates[0]?.resolve('old');
  await first;
  clock.ms += 5_000;
  const late = keep.get('a', read);
  await vi.advanceTimersByTimeAsync(100);
  expect(await late).toMatchObject({ model: 'old', ageS: 5, stale: 'the warehouse has not answered yet' });
  // It went on, and is there for the next one.
  gates[1]?.resolve('new');
  await vi.advanceTimersByTimeAsync(0);
  expect(await keep.get('a', read)).toMatchObject({ model: 'new', stale: undefined });
  clock.ms += 3_000;
  const failed = keep.get('a', read);
  gates[2]?.reject(new SamovarError('network', 'secret words of a server'));
  expect(await failed).toMatchObject({ model: 'new', ageS: 3 });
  expect(JSON.stringify(await failed)).not.toContain('secret');
  expect(logged).toEqual(['reading a failed']);
});

it('forgets what is too old to be told', async () => {
  const { keep, clock } = keepOf({ staleMs: 10_000 });
  await keep.get('a', async () => 1);
  clock.ms += 10_000;
  const refused = keep.get('a', async () => {
    throw new SamovarError('network', 'down');
  });
  await expect(refused).rejects.toMatchObject({ status: 503 });
});

it('without an old answer says to ask again, and ends what takes longer than it may', async () => {
  const { keep } = keepOf();
  const signals: AbortSignal[] = [];
  const refused = keep.get('a', (signal) => {
    signals.push(signal);
    return new Promise(() => undefined);
  });
  const told = expect(refused).rejects.toMatchObject({ status: 503, retryAfterS: 10 });
  await vi.advanceTimersByTimeAsync(500);
  await told;
  expect(signals[0]?.aborted).toBe(false);
  keep.close();
  expect(signals[0]?.aborted).toBe(true);
});

it('reads few views at once', async () => {
  const { keep } = keepOf({ readsMax: 2 });
  const { gates, read } = gate<number>();
  const open = [keep.get('a', read), keep.get('b', read)];
  await expect(keep.get('c', read)).rejects.toMatchObject({ status: 503, retryAfterS: 5 });
  for (const { resolve } of gates) resolve(1);
  await Promise.all(open);
  expect(await keep.get('c', async () => 3)).toMatchObject({ model: 3 });
});

it('is bounded in number and size, and refuses what is too large by itself', async () => {
  const { keep } = keepOf({ entriesMax: 3, bytesMax: 60, answerBytesMax: 50 });
  for (const key of ['a', 'b', 'c', 'd']) await keep.get(key, async () => 1);
  expect(keep.stats().entries).toBe(3);
  await keep.get('e', async () => 'x'.repeat(40));
  expect(keep.stats().bytes).toBeLessThanOrEqual(60);
  await expect(keep.get('f', async () => 'x'.repeat(60))).rejects.toMatchObject({ status: 413 });
  // What was asked for last stays.
  let reads = 0;
  await keep.get('e', async () => {
    reads += 1;
  });
  expect(reads).toBe(0);
});

it('an answer that is wrong now is not covered by an old one', async () => {
  const { keep, clock } = keepOf();
  await keep.get('a', async () => 1);
  clock.ms += 2_000;
  const refused = keep.get('a', async () => {
    throw new SamovarError('config', '--days 0: no');
  });
  await expect(refused).rejects.toMatchObject({ status: 400 });
});
