import { SamovarError } from '../../errors.ts';

export interface Queue {
  /** Runs work when all that was put in before has ended. Throws `throttled` where too much waits. */
  run<T>(work: () => Promise<T>): Promise<T>;
  readonly waiting: number;
}

/** One thing at a time, in order: a clone has one work tree. */
export function createQueue(waitingMax: number): Queue {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return {
    run: (work) => {
      if (waiting >= waitingMax)
        return Promise.reject(
          new SamovarError('throttled', `${waiting} commands wait already`, {
            remedy: 'Ask again in a minute.',
          }),
        );
      waiting += 1;
      const result = last.then(work).finally(() => {
        waiting -= 1;
      });
      last = result.catch(() => undefined);
      return result;
    },
    get waiting() {
      return waiting;
    },
  };
}
