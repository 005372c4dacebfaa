import type { Progress, Stage, StageState, StuckTask, Task } from './contract.ts';

export interface ProgressOptions {
  /** For display: epoch milliseconds. */
  readonly nowMs: () => number;
  /** For judging: a clock that never jumps, in milliseconds. */
  readonly monotonicMs: () => number;
  /** A task without progress for longer is stuck. */
  readonly limitMs: number;
}

interface RunningTask {
  readonly stage: string;
  readonly limitMs: number;
  what: string;
  /** Of the clock that never jumps. */
  last: number;
}

interface RunningStage {
  readonly stage: Stage;
  tasks: number;
  lastProgressMs: number | undefined;
}

/** Keeps what every stage is doing. Cheap enough to be told of every build. */
export function createProgress(options: ProgressOptions): Progress {
  const stages = new Map<string, RunningStage>();
  const running = new Set<RunningTask>();
  const open = (name: string): RunningStage => {
    const known = stages.get(name);
    if (known !== undefined) return known;
    const made: RunningStage = {
      tasks: 0,
      lastProgressMs: undefined,
      stage: { name, task: (what, { limitMs = options.limitMs } = {}) => begin(made, name, what, limitMs) },
    };
    stages.set(name, made);
    return made;
  };
  const begin = (stage: RunningStage, name: string, what: string, limitMs: number): Task => {
    const task: RunningTask = { stage: name, limitMs, what, last: options.monotonicMs() };
    running.add(task);
    stage.tasks += 1;
    stage.lastProgressMs = options.nowMs();
    return {
      step: (now) => {
        if (!running.has(task)) return;
        if (now !== undefined) task.what = now;
        task.last = options.monotonicMs();
        stage.lastProgressMs = options.nowMs();
      },
      end: () => {
        if (!running.delete(task)) return;
        stage.tasks -= 1;
        stage.lastProgressMs = options.nowMs();
      },
    };
  };
  const tasks = (): readonly StuckTask[] => {
    const now = options.monotonicMs();
    return [...running]
      .map(({ stage, what, limitMs, last }) => ({ stage, what, limitMs, silentMs: now - last }))
      .sort((a, b) => b.silentMs - a.silentMs);
  };
  return {
    stage: (name) => open(name).stage,
    stages: () =>
      [...stages].map(
        ([name, { tasks: count, lastProgressMs }]): StageState => ({ name, tasks: count, lastProgressMs }),
      ),
    tasks,
    stuck: () => tasks().filter(isStuck),
    forgive: (ms) => {
      const now = options.monotonicMs();
      for (const task of running) task.last = ms >= task.limitMs ? now : Math.min(now, task.last + ms);
    },
  };
}

function isStuck({ silentMs, limitMs }: StuckTask): boolean {
  return silentMs > limitMs;
}

const TASKS_SHOWN = 50;
const WHAT_CHARS_MAX = 300;

/** A task in one line. Names come from buckets and messages: they cannot begin lines of their own. */
export function taskText({ stage, what, silentMs }: StuckTask): string {
  const shown = what.slice(0, WHAT_CHARS_MAX).replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');
  return `${stage}: ${shown}, silent for ${seconds(silentMs)}`;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

/** What the program is doing, for people: every stage, then the tasks under way, the longest silent first. */
export function dumpText(progress: Progress): string {
  const stages = progress.stages().map(({ name, tasks, lastProgressMs }) => {
    const last = lastProgressMs === undefined ? 'never' : new Date(lastProgressMs).toISOString();
    return `stage ${name}: ${tasks} under way, last progress ${last}`;
  });
  const all = progress.tasks();
  const shown = all
    .slice(0, TASKS_SHOWN)
    .map(
      (task) => `  ${taskText(task)}${isStuck(task) ? `, stuck: its limit is ${seconds(task.limitMs)}` : ''}`,
    );
  const more = all.length > TASKS_SHOWN ? [`  ... and ${all.length - TASKS_SHOWN} more`] : [];
  return [...stages, ...shown, ...more].join('\n');
}
