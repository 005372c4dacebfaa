import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBatcher } from '../../pipeline/stream/batcher.ts';

const INTERVAL_MS = 500;

/** Builds handed over, each with the time it began. */
function batcher(handOverMs: number) {
  const seen: { readonly atMs: number; readonly builds: readonly number[] }[] = [];
  const sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  const made = createBatcher({
    intervalMs: INTERVAL_MS,
    buildsMax: 10,
    sleep,
    nowMs: Date.now,
    handOver: async (builds) => {
      seen.push({ atMs: Date.now(), builds });
      await sleep(handOverMs);
    },
  });
  return { ...made, seen };
}

describe('a batcher', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 10_200 }));
  afterEach(() => void vi.useRealTimers());

  it('hands the first build over at once, and the next ones where an interval begins', async () => {
    const { add, seen, stop } = batcher(0);
    add(1);
    await vi.advanceTimersByTimeAsync(10);
    add(2);
    add(3);
    await vi.advanceTimersByTimeAsync(280);
    expect(seen).toEqual([{ atMs: 10_200, builds: [1] }]);
    await vi.advanceTimersByTimeAsync(20);
    expect(seen.at(-1)).toEqual({ atMs: 10_500, builds: [2, 3] });
    stop();
  });

  it('those of several tables are the same, as long as each is done within the interval', async () => {
    const tables = [batcher(20), batcher(150), batcher(290)];
    for (let build = 0; build < 40; build += 1) {
      for (const { add } of tables) add(build);
      await vi.advanceTimersByTimeAsync(70);
    }
    await vi.advanceTimersByTimeAsync(2_000);
    const [first, ...others] = tables.map(({ seen }) => seen.slice(1));
    expect(first?.length).toBeGreaterThan(4);
    for (const other of others) expect(other).toEqual(first);
    for (const { stop } of tables) stop();
  });

  it('one slower than its interval waits for the next one only, and never has two at once', async () => {
    const { add, seen, stop } = batcher(700);
    for (let build = 0; build < 40; build += 1) {
      add(build);
      await vi.advanceTimersByTimeAsync(100);
    }
    const gaps = seen.slice(1).map(({ atMs }, at) => atMs - (seen[at]?.atMs ?? 0));
    expect(gaps[0]).toBe(800);
    expect(new Set(gaps.slice(1))).toEqual(new Set([1_000]));
    stop();
  });
});
