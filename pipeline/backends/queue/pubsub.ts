import type { PubSub } from '@google-cloud/pubsub';
import type { SamovarError } from '../../errors.ts';
import type { DeadLetterPolicy, Queue, QueueDriverOptions, ReceiveOptions } from './contract.ts';
import { connect, inTime } from './pubsub-client.ts';
import { createDelivery, type Delivery } from './pubsub-delivery.ts';
import { isFinal, pubSubError } from './pubsub-errors.ts';
import { follow } from './pubsub-follow.ts';

/** For the last acknowledgements, and then for the connection. */
const FLUSH_DEADLINE_MS = 3_500;
const CLOSE_DEADLINE_MS = 1_000;

export interface PubSubPlace {
  readonly project: string;
  readonly subscription: string;
}

/** A Pub/Sub subscription, followed by streaming pull. The library extends leases and batches acknowledgements. */
export function openPubSub(url: string, place: PubSubPlace, options: QueueDriverOptions): Queue {
  const state: State = {
    url,
    place,
    options,
    client: undefined,
    closed: new AbortController(),
    closing: new Set(),
    delivery: undefined,
    counted: false,
    policy: undefined,
  };
  return {
    url,
    deadLetterPolicy: () => deadLetterPolicy(state),
    receive: (receive) => deliver(state, receive),
    close: () => close(state),
  };
}

interface State {
  readonly url: string;
  readonly place: PubSubPlace;
  readonly options: QueueDriverOptions;
  client: Promise<PubSub> | undefined;
  readonly closed: AbortController;
  /** Connections that deliver no more and wait for their messages. */
  readonly closing: Set<Promise<void>>;
  delivery: Delivery | undefined;
  /** A delivery was counted: only subscriptions with a dead-letter topic count. */
  counted: boolean;
  policy: Promise<DeadLetterPolicy | undefined> | undefined;
}

async function deadLetterPolicy(state: State): Promise<DeadLetterPolicy | undefined> {
  state.policy ??= readPolicy(state);
  try {
    return (await state.policy) ?? (state.counted ? { topic: '', attemptsMax: 0 } : undefined);
  } catch (error) {
    state.policy = undefined;
    throw error;
  }
}

/** Looking needs a right that pulling does not: without it deliveries themselves tell whether they are counted. */
async function readPolicy(state: State): Promise<DeadLetterPolicy | undefined> {
  const { url, place, options } = state;
  const client = await clientOf(state);
  const asked = client
    .subscription(place.subscription)
    .getMetadata({ timeout: options.timeoutMs, maxRetries: 1 });
  try {
    const [{ deadLetterPolicy: policy }] = await inTime(asked, options.timeoutMs);
    if (!policy?.deadLetterTopic) return undefined;
    return { topic: policy.deadLetterTopic, attemptsMax: Number(policy.maxDeliveryAttempts ?? 5) };
  } catch (cause) {
    const error = pubSubError(url, 'looking at the subscription', cause);
    if (error.code === 'denied') return undefined;
    throw error;
  }
}

async function clientOf(state: State): Promise<PubSub> {
  const { url, place, options } = state;
  state.client ??= connect(url, place.project, options);
  try {
    return await state.client;
  } catch (error) {
    state.client = undefined;
    throw error;
  }
}

async function deliver(state: State, receive: ReceiveOptions): Promise<void> {
  const { url, place, options } = state;
  const signal = AbortSignal.any([receive.signal, state.closed.signal]);
  // A name that is wrong shows here, not as a connection that breaks again and again.
  const looked = deadLetterPolicy(state).catch((error: SamovarError) => {
    if (isFinal(error)) throw error;
    if (!signal.aborted) receive.onTrouble?.(error);
  });
  await Promise.race([looked, aborted(signal)]);
  if (signal.aborted) return;
  const onCounted = () => {
    state.counted = true;
  };
  state.delivery = createDelivery({ ...receive, signal, onCounted });
  // The subscription keeps what is published from the time it was made.
  receive.onReady?.();
  await follow({
    url,
    client: () => clientOf(state),
    subscription: place.subscription,
    nowMs: options.nowMs,
    receive: { ...receive, signal },
    delivery: state.delivery,
    onClosing: (work) => {
      const closing = work.catch(() => undefined).finally(() => state.closing.delete(closing));
      state.closing.add(closing);
    },
  });
}

/** A server that does not answer must not keep the process: an acknowledgement it did not get means another delivery. */
async function close(state: State): Promise<void> {
  state.closed.abort();
  await state.delivery?.stop();
  await inTime(Promise.all(state.closing), FLUSH_DEADLINE_MS).catch(() => undefined);
  const left = state.client?.then((client) => client.close());
  await inTime(Promise.resolve(left), CLOSE_DEADLINE_MS).catch(() => undefined);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
}
