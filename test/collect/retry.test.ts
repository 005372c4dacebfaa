import { describe, expect, it } from 'vitest';
import { RETRY_DEFAULTS, type RetryEvent, type RetryOptions, retry } from '../../pipeline/collect/retry.ts';
import { type ErrorCode, SamovarError } from '../../pipeline/errors.ts';

/** A clock that only sleeping moves; jitter at its largest unless told otherwise. */
function fakeTime(options: Partial<RetryOptions> = {}) {
  let nowMs = 1_000_000;
  const slept: number[] = [];
  const events: RetryEvent[] = [];
  const retryOptions: RetryOptions = {
    ...RETRY_DEFAULTS,
    random: () => 1,
    clock: () => nowMs,
    sleep: async (ms) => {
      slept.push(ms);
      nowMs += ms;
    },
    onRetry: (event) => events.push(event),
    ...options,
  };
  return { retryOptions, slept, events, advance: (ms: number) => (nowMs += ms) };
}

function failing(code: ErrorCode, details: { retryAfterMs?: number } = {}) {
  return new SamovarError(code, `it failed with ${code}`, details);
}

describe('retry', () => {
  it('gives the first success after failures that may pass, and tells each wait', async () => {
    const { retryOptions, slept, events } = fakeTime();
    const result = await retry(async (number) => {
      if (number < 4) throw failing(number === 1 ? 'timeout' : 'network');
      return `attempt ${number}`;
    }, retryOptions);
    expect(result).toBe('attempt 4');
    expect(slept).toEqual([1000, 2000, 4000]);
    expect(events.map(({ attempt, delayMs }) => [attempt, delayMs])).toEqual([
      [1, 1000],
      [2, 2000],
      [3, 4000],
    ]);
  });

  it.each([
    'denied',
    'refused',
    'missing',
    'conflict',
    'malformed',
    'too-large',
    'config',
    'aborted',
  ] as const)('does not call again after %s', async (code) => {
    const { retryOptions } = fakeTime();
    let calls = 0;
    const call = retry(async () => {
      calls += 1;
      throw failing(code);
    }, retryOptions);
    await expect(call).rejects.toMatchObject({ code });
    expect(calls).toBe(1);
  });

  it('does not call again after an error that is not ours: it is a bug', async () => {
    let calls = 0;
    const call = retry(async () => {
      calls += 1;
      throw new TypeError('bug');
    }, fakeTime().retryOptions);
    await expect(call).rejects.toThrow(TypeError);
    expect(calls).toBe(1);
  });

  it('throws the last error after attemptsMax calls', async () => {
    const { retryOptions, slept } = fakeTime();
    let calls = 0;
    const call = retry(async () => {
      calls += 1;
      throw new SamovarError('unavailable', `call ${calls}`);
    }, retryOptions);
    await expect(call).rejects.toThrow('call 6');
    expect(slept).toEqual([1000, 2000, 4000, 8000, 16_000]);
  });

  it('waits a random part of the ceiling, and the ceiling stops growing', async () => {
    const { retryOptions, slept } = fakeTime({ random: () => 0.25, delayMaxMs: 3000 });
    await expect(retry(() => Promise.reject(failing('network')), retryOptions)).rejects.toThrow();
    expect(slept).toEqual([250, 500, 750, 750, 750]);
  });

  it('waits at least as long as the server wishes', async () => {
    const { retryOptions, slept } = fakeTime({ random: () => 0 });
    await retry(async (number) => {
      if (number === 1) throw failing('throttled', { retryAfterMs: 30_000 });
    }, retryOptions);
    expect(slept).toEqual([30_000]);
  });

  it('gives up at once when the wish goes past the budget', async () => {
    const { retryOptions, slept } = fakeTime();
    const call = retry(() => Promise.reject(failing('throttled', { retryAfterMs: 600_000 })), retryOptions);
    await expect(call).rejects.toMatchObject({ code: 'throttled' });
    expect(slept).toEqual([]);
  });

  it('begins no attempt past the budget when attempts are slow', async () => {
    const { retryOptions, advance } = fakeTime();
    let calls = 0;
    const call = retry(async () => {
      calls += 1;
      advance(50_000);
      throw failing('timeout');
    }, retryOptions);
    await expect(call).rejects.toMatchObject({ code: 'timeout' });
    expect(calls).toBe(3);
  });

  it.each(['run', 'call'])('stops waiting when the signal of the %s aborts', async (which) => {
    const stop = new AbortController();
    const { retryOptions } = fakeTime({
      sleep: (_ms, signal) =>
        new Promise((resolve) => {
          signal?.addEventListener('abort', () => resolve());
          stop.abort(new Error('SIGTERM'));
        }),
      ...(which === 'run' ? { signal: stop.signal } : {}),
    });
    let calls = 0;
    const call = retry(
      async () => {
        calls += 1;
        throw failing('network');
      },
      retryOptions,
      which === 'call' ? stop.signal : undefined,
    );
    await expect(call).rejects.toMatchObject({ code: 'aborted' });
    expect(calls).toBe(1);
  });

  it('makes no call at all once the run is ending', async () => {
    let calls = 0;
    const call = retry(async () => (calls += 1), fakeTime({ signal: AbortSignal.abort() }).retryOptions);
    await expect(call).rejects.toMatchObject({ code: 'aborted' });
    expect(calls).toBe(0);
  });
});
