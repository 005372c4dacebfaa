/** Turns for a bounded number of sockets. Undici has a queue too, but one whose requests cannot leave: a request given up
 * while it waited would later be started only to be broken off, and cost its socket. */
export interface Slots {
  /** Calls `start` when a slot is free: now, or in order. Gives a function that leaves, from the queue or the slot. Undefined: the queue is full. */
  enter(start: () => void): (() => void) | undefined;
}

export function createSlots(count: number, waitingMax: number): Slots {
  const waiting = new Set<() => void>();
  let taken = 0;
  const next = () => {
    const [first] = waiting;
    if (first === undefined || taken >= count) return;
    waiting.delete(first);
    first();
  };
  return {
    enter: (start) => {
      if (taken >= count && waiting.size >= waitingMax) return undefined;
      let hasSlot = false;
      const take = () => {
        taken += 1;
        hasSlot = true;
        start();
      };
      const leave = () => {
        waiting.delete(take);
        if (hasSlot) taken -= 1;
        hasSlot = false;
        // Later: of many deadlines that pass at once, all must have left before one of them would be started.
        if (waiting.size > 0) setImmediate(next);
      };
      waiting.add(take);
      next();
      return leave;
    },
  };
}
