import type { BucketEvent, QueueMessage, ReceiveOptions } from './contract.ts';

/** Events waiting to be delivered, at most: past this a listing has to find them. */
const WAITING_MAX = 100_000;
/** What an event is counted as. */
const EVENT_BYTES = 512;
const AGAIN_MIN_MS = 1_000;
const AGAIN_MAX_MS = 60_000;

/** Hands events out within the receiver's limits, and again when they are handed back. */
export interface Delivery {
  /** False when too many are waiting: the event is left out. */
  offer(event: BucketEvent): boolean;
  stop(): void;
}

interface Waiting {
  readonly event: BucketEvent;
  readonly id: string;
  readonly attempt: number;
}

export function createDelivery({ onMessage, messagesMax, bytesMax }: ReceiveOptions): Delivery {
  const outMax = Math.max(1, Math.min(messagesMax, Math.floor(bytesMax / EVENT_BYTES)));
  const waiting = createLine<Waiting>();
  const timers = new Set<NodeJS.Timeout>();
  let out = 0;
  let ids = 0;
  let stopped = false;
  const next = () => {
    while (!stopped && out < outMax) {
      const one = waiting.take();
      if (one === undefined) return;
      out += 1;
      onMessage(messageOf(one));
    }
  };
  const again = (one: Waiting) => {
    const delayMs = Math.min(AGAIN_MIN_MS * 2 ** (one.attempt - 1), AGAIN_MAX_MS);
    const timer = setTimeout(() => {
      timers.delete(timer);
      waiting.add({ ...one, attempt: one.attempt + 1 });
      next();
    }, delayMs);
    timers.add(timer);
  };
  const messageOf = (one: Waiting): QueueMessage => {
    let open = true;
    const settle = (work: () => void) => {
      if (!open) return;
      open = false;
      out -= 1;
      work();
      // Not at once: whoever acknowledges inside onMessage must not be called from within itself.
      setImmediate(next);
    };
    return {
      id: one.id,
      deliveryAttempt: one.attempt,
      event: one.event,
      problem: undefined,
      ack: () => settle(() => undefined),
      nack: () => settle(() => (stopped ? undefined : again(one))),
    };
  };
  return {
    offer: (event) => {
      if (stopped || waiting.size() + timers.size >= WAITING_MAX) return stopped;
      ids += 1;
      waiting.add({ event, id: String(ids), attempt: 1 });
      next();
      return true;
    },
    stop: () => {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}

/** First in, first out. An array's `shift` moves all that is behind it. */
function createLine<T>() {
  let items: T[] = [];
  let first = 0;
  return {
    size: () => items.length - first,
    add: (item: T) => void items.push(item),
    take: (): T | undefined => {
      const item = items[first];
      if (item !== undefined) first += 1;
      if (first > 1_000 && first * 2 > items.length) {
        items = items.slice(first);
        first = 0;
      }
      return item;
    },
  };
}
