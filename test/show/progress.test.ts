import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { paceOf, progressText, startProgress } from '../../pipeline/show/progress.ts';

const line = (done: number, total: number, seconds: number) =>
  progressText(
    { label: 'make-db', unit: 'builds' },
    { done, total, details: '2 retries' },
    { seconds, bar: '[==--]' },
  );

describe('a line of progress', () => {
  it('has rate and time left where the end is known', () => {
    expect(line(100, 300, 50)).toBe('make-db [==--] 100/300 builds, 2/s, 2 retries, 1 min 40 s left');
  });

  it('has neither bar nor time left where it is not', () => {
    expect(line(100, 0, 50)).toBe('make-db 100 builds, 2/s, 2 retries');
    expect(line(0, 300, 50)).toBe('make-db [==--] 0/300 builds, 0/s, 2 retries');
    expect(line(300, 300, 50)).toBe('make-db [==--] 300/300 builds, 6/s, 2 retries');
  });

  it('has the time alone where nothing can be counted', () => {
    const state = { done: 0, total: 0, details: '' };
    expect(progressText({ label: 'query flakes', unit: '' }, state, { seconds: 75, bar: '' })).toBe(
      'query flakes, 1 min 15 s',
    );
  });

  it('tells a slow rate with a digit more', () => {
    expect(paceOf({ done: 3, total: 0, details: '' }, 10).perSecond).toBe(0.3);
    expect(paceOf({ done: 1234, total: 0, details: '' }, 10).perSecond).toBe(123);
  });
});

describe('work under way', () => {
  it('is a log line every ten seconds where nobody watches, and none once it has ended', () => {
    vi.useFakeTimers();
    const lines: unknown[] = [];
    const log = pino({ base: undefined }, { write: (text: string) => void lines.push(JSON.parse(text)) });
    const state = { done: 0, total: 40, details: '' };
    const options = {
      label: 'load',
      unit: 'rows',
      read: () => state,
      interactive: false,
      stderr: process.stderr,
      log,
    };
    const stop = startProgress({ ...options, nowMs: Date.now });
    vi.advanceTimersByTime(9_000);
    expect(lines).toEqual([]);
    state.done = 20;
    vi.advanceTimersByTime(1_000);
    expect(lines).toEqual([
      expect.objectContaining({ done: 20, perSecond: 2, secondsLeft: 10, msg: 'load' }),
    ]);
    stop();
    vi.advanceTimersByTime(60_000);
    expect(lines).toHaveLength(1);
    vi.useRealTimers();
  });

  it('draws nothing when it ends within a second', () => {
    vi.useFakeTimers();
    const written: string[] = [];
    const stderr = { isTTY: true, columns: 80, write: (text: string) => written.push(text) };
    const options = {
      label: 'load',
      unit: 'rows',
      read: () => ({ done: 1, total: 2, details: '' }),
      interactive: true,
    };
    const around = {
      stderr: stderr as unknown as NodeJS.WriteStream,
      log: pino({ level: 'silent' }),
      nowMs: Date.now,
    };
    const quick = startProgress({ ...options, ...around });
    vi.advanceTimersByTime(900);
    quick();
    expect(written).toEqual([]);
    const slow = startProgress({ ...options, ...around });
    vi.advanceTimersByTime(2_000);
    slow();
    expect(written.join('')).toContain('1/2 rows, ');
    vi.useRealTimers();
  });
});
