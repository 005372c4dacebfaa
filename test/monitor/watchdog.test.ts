import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { StuckTask } from '../../pipeline/monitor/contract.ts';
import { startWatchdog } from '../../pipeline/monitor/watchdog.ts';
import { LIMIT_MS, withClocks } from './clocks.ts';

const EVERY_MS = 10_000;

describe('looks', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function watched() {
    const clocks = withClocks();
    const calls: { readonly stuck: readonly StuckTask[]; readonly dump: string }[] = [];
    const stop = startWatchdog({
      progress: clocks.progress,
      everyMs: EVERY_MS,
      monotonicMs: clocks.monotonicMs,
      onStuck: (stuck, dump) => calls.push({ stuck, dump }),
    });
    /** Time passes with every look in its time. */
    const run = (ms: number) => {
      for (let passed = 0; passed < ms; passed += EVERY_MS) {
        clocks.pass(EVERY_MS);
        vi.advanceTimersByTime(EVERY_MS);
      }
    };
    /** The process does not run for so long, and then the look that was due comes. */
    const nap = (ms: number) => {
      clocks.pass(ms + EVERY_MS);
      vi.advanceTimersByTime(EVERY_MS);
    };
    return { ...clocks, calls, stop, run, nap };
  }

  test('it tells once, of all that is stuck, with the dump', () => {
    const { progress, run, calls } = watched();
    const stage = progress.stage('collect');
    stage.task('a');
    stage.task('b');
    const alive = stage.task('c');
    run(LIMIT_MS);
    alive.step();
    expect(calls).toEqual([]);
    run(EVERY_MS);
    expect(calls).toHaveLength(1);
    expect(calls[0]?.stuck.map(({ what }) => what)).toEqual(['a', 'b']);
    expect(calls[0]?.dump).toContain('collect: c, silent for 10 s');
    run(10 * LIMIT_MS);
    expect(calls).toHaveLength(1);
  });

  test('it is quiet while everything goes on, and after it was stopped', () => {
    const { progress, run, calls, stop } = watched();
    const task = progress.stage('collect').task('a');
    for (let at = 0; at < 20; at += 1) {
      run(LIMIT_MS / 2);
      task.step();
    }
    expect(calls).toEqual([]);
    stop();
    run(10 * LIMIT_MS);
    expect(calls).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('after a night of sleep tasks have their whole limit again, and no more than that', () => {
    const { progress, run, nap, calls } = watched();
    progress.stage('collect').task('a');
    run(LIMIT_MS - EVERY_MS);
    nap(8 * 3_600_000);
    run(LIMIT_MS);
    expect(calls).toEqual([]);
    run(EVERY_MS);
    expect(calls).toHaveLength(1);
  });

  test('a short sleep is not counted, although nothing is stuck right after it', () => {
    const { progress, run, nap, calls } = watched();
    progress.stage('collect').task('a');
    nap(LIMIT_MS - 2 * EVERY_MS);
    run(LIMIT_MS - EVERY_MS);
    expect(calls).toEqual([]);
    run(EVERY_MS);
    expect(calls).toHaveLength(1);
  });

  test('a task begun after a sleep gets nothing from it', () => {
    const { progress, run, nap, calls } = watched();
    progress.stage('table all').task('a long load', { limitMs: 100 * LIMIT_MS });
    nap(50 * LIMIT_MS);
    progress.stage('collect').task('hangs');
    run(LIMIT_MS + EVERY_MS);
    expect(calls.map(({ stuck }) => stuck.map(({ what }) => what))).toEqual([['hangs']]);
  });

  test('a process that is held up again and again still sees what hangs', () => {
    const { progress, run, nap, calls } = watched();
    progress.stage('collect').task('hangs');
    for (let at = 0; at < 5 && calls.length === 0; at += 1) {
      nap(2 * EVERY_MS);
      run(EVERY_MS);
    }
    expect(calls).toHaveLength(1);
  });
});

describe('a real process', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  async function start(mode: 'hang' | 'busy' | 'idle') {
    const file = join(import.meta.dirname, 'watchdog-child.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', file, mode], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, said }));
    await once(child.stdout, 'data');
    return { child, ended };
  }

  test('ends with its dump on stderr and status 1 when a task hangs', async () => {
    const { ended } = await start('hang');
    const { code, said } = await ended;
    expect(code).toBe(1);
    expect(said).toContain('1 stuck');
    expect(said).toMatch(/stage collect: 1 under way/);
    expect(said).toMatch(/collect: gs:\/\/bucket\/logs\/job\/1, silent for \d+ s, stuck: its limit is 1 s/);
    expect(said).toMatch(/table day: loading, silent for \d+ s$/m);
  });

  test('goes on after it was stopped for longer than every limit', async () => {
    const { child, ended } = await start('busy');
    child.kill('SIGSTOP');
    await sleep(4_000);
    child.kill('SIGCONT');
    const state = await Promise.race([ended, sleep(1_500).then(() => 'running')]);
    expect(state).toBe('running');
  });

  test('is not kept alive by its watchdog', async () => {
    const { ended } = await start('idle');
    expect(await ended).toMatchObject({ code: 0 });
  });
});
