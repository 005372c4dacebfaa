import pLimit from 'p-limit';

/** Runs tasks with bounded concurrency and bounded waiting: nothing queues up behind it. */
export interface Pool {
  /** Waits until there is room, then starts the task. A task must not reject: it handles its own errors. */
  submit(task: () => Promise<unknown>): Promise<void>;
  /** Resolves when every submitted task has ended. */
  drain(): Promise<void>;
}

/** A pool of at most `concurrency` tasks; `submit` holds its caller back while all are busy. */
export function createPool(concurrency: number): Pool {
  const limit = pLimit(concurrency);
  const waiting: (() => void)[] = [];
  const idle: (() => void)[] = [];
  let running = 0;
  const ended = () => {
    running -= 1;
    waiting.shift()?.();
    if (running === 0) for (const wake of idle.splice(0)) wake();
  };
  return {
    submit: async (task) => {
      while (running >= concurrency) await new Promise<void>((resolve) => waiting.push(resolve));
      running += 1;
      void limit(task).finally(ended);
    },
    drain: async () => {
      while (running > 0) await new Promise<void>((resolve) => idle.push(resolve));
    },
  };
}
