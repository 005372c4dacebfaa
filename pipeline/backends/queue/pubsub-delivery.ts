import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from '@google-cloud/pubsub';
import type { QueueMessage, ReceiveOptions } from './contract.ts';
import { readNotification } from './notification.ts';

/**
 * The library confirms each message by a lease of its own, a moment after it came. Handing it back before that would be undone by
 * the confirmation: it would come again only when that lease is over.
 */
const HAND_BACK_DELAY_MS = 300;

/**
 * What lies between the library and the receiver. The library's own limits hold for one connection (one that broke keeps its
 * messages), and it forgets messages that wait behind a large one; so it passes on all it has, and the limits are kept here.
 */
export interface Delivery {
  take(message: Message): void;
  /** Gives out no more, and hands back what was neither acknowledged nor handed back: a moment later, when that is done. */
  stop(): Promise<void>;
}

export interface DeliveryOptions
  extends Pick<ReceiveOptions, 'onMessage' | 'messagesMax' | 'bytesMax' | 'signal'> {
  /** A message was counted: only subscriptions with a dead-letter topic count. */
  readonly onCounted: () => void;
}

export function createDelivery(options: DeliveryOptions): Delivery {
  const { onMessage, messagesMax, bytesMax, signal, onCounted } = options;
  const waiting: Message[] = [];
  const out = new Set<Message>();
  const goingBack = new Set<Promise<void>>();
  let outBytes = 0;
  const settle = (message: Message, work: () => void) => {
    if (!out.delete(message)) return;
    outBytes -= message.length;
    work();
    next();
  };
  const handBack = (message: Message) => {
    const back = sleep(HAND_BACK_DELAY_MS).then(() => {
      goingBack.delete(back);
      message.nack();
    });
    goingBack.add(back);
  };
  const give = (message: Message) => {
    out.add(message);
    outBytes += message.length;
    onMessage(
      messageOf(message, {
        ack: () => settle(message, () => message.ack()),
        nack: () => settle(message, () => handBack(message)),
      }),
    );
  };
  const fits = ({ length }: Message) =>
    // One that is larger than all that is allowed goes alone.
    out.size === 0 || (out.size < messagesMax && outBytes + length <= bytesMax);
  let giving = false;
  const next = () => {
    // Whoever acknowledges inside onMessage calls this from within itself: thousands deep, the stack would not hold.
    if (giving) return;
    giving = true;
    try {
      for (let first = waiting[0]; first !== undefined && fits(first); first = waiting[0]) {
        waiting.shift();
        give(first);
      }
    } finally {
      giving = false;
    }
  };
  const handBackWaiting = () => {
    for (const message of waiting.splice(0)) handBack(message);
  };
  signal.addEventListener('abort', handBackWaiting, { once: true });
  return {
    take: (message) => {
      if (message.deliveryAttempt > 0) onCounted();
      waiting.push(message);
      // Between the abort and the end of the connection some more may come.
      if (signal.aborted) handBackWaiting();
      else next();
    },
    stop: async () => {
      handBackWaiting();
      for (const message of [...out]) settle(message, () => handBack(message));
      await Promise.all(goingBack);
    },
  };
}

function messageOf(message: Message, does: Pick<QueueMessage, 'ack' | 'nack'>): QueueMessage {
  const { event, problem } = readNotification(message.attributes, message.publishTime.getTime());
  return { id: message.id, deliveryAttempt: message.deliveryAttempt, event, problem, ...does };
}
