import { createContext, Script } from 'node:vm';

/** True: it took longer, and was ended where it was. */
export type Bounded<T> = { readonly late: true } | { readonly late: false; readonly value: T };

/**
 * Runs work that another's text decides about, for so many milliseconds at most: it is ended in the middle of a loop or of a
 * regular expression. The work must be pure JavaScript: nothing native may be ended like that.
 */
export function boundedRunner(): <T>(timeoutMs: number, work: () => T) => Bounded<T> {
  const room: { work: () => unknown } = createContext({ work: () => undefined }) as never;
  const script = new Script('work()');
  return <T>(timeoutMs: number, work: () => T): Bounded<T> => {
    room.work = work;
    try {
      return { late: false, value: script.runInContext(room, { timeout: timeoutMs }) as T };
    } catch (error) {
      if ((error as NodeJS.ErrnoException | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
        return { late: true };
      throw error;
    } finally {
      // What the work holds is not kept until the next one.
      room.work = () => undefined;
    }
  };
}
