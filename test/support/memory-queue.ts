import type { DeadLetterPolicy, Queue, QueueMessage } from '../../pipeline/backends/queue/contract.ts';

export interface MemoryQueue extends Queue {
  /** Delivers an event of a finalized object; the n-th delivery of it where said. Gives the message's id. */
  tell(
    object: string,
    generation: string,
    options?: { readonly attempt?: number; readonly bucketUrl?: string },
  ): string;
  tellNonsense(): string;
  /** What became of each message, in the order it became so: `ack 1`, `nack 2`. */
  readonly log: readonly string[];
  /** Delivered, and neither acknowledged nor handed back. */
  open(): readonly string[];
}

/** A queue in memory: what a stream does with each message can be seen, in order. */
export function memoryQueue(
  url: string,
  options: { readonly policy?: DeadLetterPolicy; readonly nowMs: () => number },
): MemoryQueue {
  const log: string[] = [];
  const open = new Map<string, QueueMessage>();
  let ids = 0;
  let deliver: ((message: QueueMessage) => void) | undefined;
  const send = (message: Pick<QueueMessage, 'event' | 'problem' | 'deliveryAttempt'>): string => {
    ids += 1;
    const id = String(ids);
    const settle = (what: string) => () => {
      if (open.delete(id)) log.push(`${what} ${id}`);
    };
    const whole: QueueMessage = { ...message, id, ack: settle('ack'), nack: settle('nack') };
    open.set(id, whole);
    deliver?.(whole);
    return id;
  };
  return {
    url,
    log,
    open: () => [...open.keys()],
    tell: (object, generation, { attempt = 1, bucketUrl = url } = {}) =>
      send({
        event: { type: 'finalized', bucketUrl, object, generation, publishedMs: options.nowMs() },
        problem: undefined,
        deliveryAttempt: attempt,
      }),
    tellNonsense: () => send({ event: undefined, problem: 'nonsense', deliveryAttempt: 1 }),
    deadLetterPolicy: async () => options.policy,
    receive: async ({ onMessage, onReady, signal }) => {
      deliver = onMessage;
      onReady?.();
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      deliver = undefined;
    },
    close: async () => {
      for (const message of [...open.values()]) message.nack();
    },
  };
}
