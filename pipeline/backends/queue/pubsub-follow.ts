import { Duration, type PubSub, type Subscription, SubscriptionCloseBehaviors } from '@google-cloud/pubsub';
import type { SamovarError } from '../../errors.ts';
import type { ReceiveOptions } from './contract.ts';
import type { Delivery } from './pubsub-delivery.ts';
import { isFinal, pubSubError } from './pubsub-errors.ts';

const REOPEN_DELAY_MS = 500;
const REOPEN_DELAY_MAX_MS = 30_000;
/** The library waits for a server so long, even after it was closed. */
const CONNECT_DEADLINE_MS = 10_000;
/** gRPC's code of what ends every streaming pull after a quarter of an hour: no trouble, the next one follows. */
const DEADLINE_EXCEEDED = 4;

export interface Following {
  readonly url: string;
  /** Throws where there are no credentials. */
  readonly client: () => Promise<PubSub>;
  readonly subscription: string;
  readonly nowMs: () => number;
  readonly receive: ReceiveOptions;
  readonly delivery: Delivery;
  /** A connection that delivers no more and sends its last acknowledgements. */
  readonly onClosing: (closing: Promise<void>) => void;
}

/** Delivers until the signal: what breaks is opened again, with growing pauses. Throws what no further try can mend. */
export async function follow(following: Following): Promise<void> {
  const { nowMs, receive } = following;
  for (let failures = 0; !receive.signal.aborted; ) {
    const openedMs = nowMs();
    const broken = await following.client().then(
      (client) => followOnce(client, following),
      (error: SamovarError) => error,
    );
    if (broken === undefined) return;
    if (isFinal(broken)) throw broken;
    receive.onTrouble?.(broken);
    failures = nowMs() - openedMs > REOPEN_DELAY_MAX_MS ? 0 : failures + 1;
    await pause(Math.min(REOPEN_DELAY_MS * 2 ** failures, REOPEN_DELAY_MAX_MS), receive.signal);
  }
}

/** One streaming pull. Undefined when the signal ended it, else what broke it. */
function followOnce(client: PubSub, following: Following): Promise<SamovarError | undefined> {
  const { url, receive, delivery, onClosing } = following;
  const subscription = subscriptionOf(client, following);
  return new Promise((resolve) => {
    const end = (broken: SamovarError | undefined) => {
      receive.signal.removeEventListener('abort', onAbort);
      // It waits for its messages; what is left when the queue is closed is handed back.
      onClosing(subscription.close());
      resolve(broken);
    };
    const onAbort = () => end(undefined);
    subscription.on('message', delivery.take);
    subscription.on('debug', (message) => {
      const { error } = message;
      if (error === undefined || receive.signal.aborted) return;
      const isAck = 'ackIds' in message;
      if (!isAck && codeOf(error) === DEADLINE_EXCEEDED) return;
      receive.onTrouble?.(pubSubError(url, isAck ? 'acknowledging' : 'pulling', error));
    });
    subscription.once('error', (error) => {
      subscription.on('error', () => undefined);
      end(pubSubError(url, 'pulling', error));
    });
    if (receive.signal.aborted) return onAbort();
    receive.signal.addEventListener('abort', onAbort, { once: true });
  });
}

function subscriptionOf(client: PubSub, { subscription, receive }: Following): Subscription {
  const { messagesMax, bytesMax, leaseMaxMs } = receive;
  return client.subscription(subscription, {
    flowControl: { maxMessages: messagesMax, maxBytes: bytesMax, allowExcessMessages: true },
    maxExtensionTime: Duration.from({ millis: leaseMaxMs }),
    // The server keeps the limits for each connection: with one, nothing is leased that others could work on.
    streamingOptions: { maxStreams: 1, timeout: CONNECT_DEADLINE_MS },
    closeOptions: {
      behavior: SubscriptionCloseBehaviors.WaitForProcessing,
      timeout: Duration.from({ millis: leaseMaxMs }),
    },
  });
}

const codeOf = (error: unknown) => (error as { readonly code?: unknown }).code;

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
}
