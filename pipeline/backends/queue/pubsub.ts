import {
  type ClientConfig,
  Duration,
  type Message,
  PubSub,
  type Subscription,
  SubscriptionCloseBehaviors,
} from '@google-cloud/pubsub';
import { SamovarError } from '../../errors.ts';
import type {
  DeadLetterPolicy,
  Queue,
  QueueDriverOptions,
  QueueMessage,
  ReceiveOptions,
} from './contract.ts';
import { readNotification } from './notification.ts';
import { isFinal, pubSubError } from './pubsub-errors.ts';

const REOPEN_DELAY_MS = 500;
const REOPEN_DELAY_MAX_MS = 30_000;
const CLOSE_DEADLINE_MS = 5_000;
/** Streams to the server: one keeps order of magnitude above what builds need. */
const STREAMS = 2;

export interface PubSubPlace {
  readonly project: string;
  readonly subscription: string;
}

/** A Pub/Sub subscription, followed by streaming pull. The library extends leases and batches acknowledgements. */
export function openPubSub(url: string, place: PubSubPlace, options: QueueDriverOptions): Queue {
  const client = new PubSub(clientConfig(place.project, options));
  const state: State = {
    url,
    place,
    options,
    client,
    open: new Map(),
    counted: false,
    policy: undefined,
    closing: [],
  };
  return {
    url,
    deadLetterPolicy: () => deadLetterPolicy(state),
    receive: (receive) => follow(state, receive),
    close: () => close(state),
  };
}

function clientConfig(projectId: string, { endpoint }: QueueDriverOptions): ClientConfig {
  if (endpoint === undefined) return { projectId };
  return { projectId, apiEndpoint: endpoint, emulatorMode: true };
}

interface State {
  readonly url: string;
  readonly place: PubSubPlace;
  readonly options: QueueDriverOptions;
  readonly client: PubSub;
  /** Delivered, and neither acknowledged nor handed back. */
  readonly open: Map<Message, () => void>;
  /** A delivery was counted: only subscriptions with a dead-letter topic count. */
  counted: boolean;
  policy: Promise<DeadLetterPolicy | undefined> | undefined;
  /** Subscribers that deliver no more and wait for their messages. */
  closing: Promise<void>[];
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
  try {
    const metadata = await metadataOf(state);
    const { deadLetterTopic, maxDeliveryAttempts } = metadata.deadLetterPolicy ?? {};
    if (!deadLetterTopic) return undefined;
    return { topic: deadLetterTopic, attemptsMax: Number(maxDeliveryAttempts ?? 5) };
  } catch (error) {
    if (error instanceof SamovarError && error.code === 'denied') return undefined;
    throw error;
  }
}

async function metadataOf({ url, place, options, client }: State) {
  const what = 'looking at the subscription';
  const asked = client
    .subscription(place.subscription)
    .getMetadata({ timeout: options.timeoutMs, maxRetries: 1 })
    .then(([metadata]) => metadata);
  try {
    return await inTime(asked, options.timeoutMs);
  } catch (error) {
    throw pubSubError(url, what, error);
  }
}

/** Delivers until the signal: a broken stream is opened again, with growing pauses. */
async function follow(state: State, receive: ReceiveOptions): Promise<void> {
  // A name that is wrong shows here, not as a stream that breaks again and again.
  await deadLetterPolicy(state).catch((error: SamovarError) => {
    if (isFinal(error)) throw error;
    receive.onTrouble?.(error);
  });
  for (let failures = 0; !receive.signal.aborted; ) {
    const openedMs = state.options.nowMs();
    const broken = await followOnce(state, receive);
    if (broken === undefined) return;
    if (isFinal(broken)) throw broken;
    receive.onTrouble?.(broken);
    failures = state.options.nowMs() - openedMs > REOPEN_DELAY_MAX_MS ? 1 : failures + 1;
    await pause(Math.min(REOPEN_DELAY_MS * 2 ** failures, REOPEN_DELAY_MAX_MS), receive.signal);
  }
}

/** One streaming pull. Undefined when the signal ended it, else what broke it. */
function followOnce(state: State, receive: ReceiveOptions): Promise<SamovarError | undefined> {
  const subscription = subscriptionOf(state, receive);
  return new Promise((resolve) => {
    const end = (broken: SamovarError | undefined) => {
      receive.signal.removeEventListener('abort', onAbort);
      // It waits for its messages; `close` hands back what is left.
      state.closing.push(subscription.close().catch(() => undefined));
      resolve(broken);
    };
    const onAbort = () => end(undefined);
    subscription.on('message', (message) => deliver(state, receive, message));
    subscription.on('debug', ({ error }) => {
      if (error !== undefined) receive.onTrouble?.(pubSubError(state.url, 'pulling', error));
    });
    subscription.once('error', (error) => {
      subscription.on('error', () => undefined);
      end(pubSubError(state.url, 'pulling', error));
    });
    if (receive.signal.aborted) return onAbort();
    receive.signal.addEventListener('abort', onAbort, { once: true });
    receive.onReady?.();
  });
}

function subscriptionOf({ client, place }: State, receive: ReceiveOptions): Subscription {
  const { messagesMax, bytesMax, leaseMaxMs } = receive;
  return client.subscription(place.subscription, {
    flowControl: { maxMessages: messagesMax, maxBytes: bytesMax, allowExcessMessages: false },
    maxExtensionTime: Duration.from({ millis: leaseMaxMs }),
    streamingOptions: { maxStreams: STREAMS },
    closeOptions: {
      behavior: SubscriptionCloseBehaviors.WaitForProcessing,
      timeout: Duration.from({ millis: leaseMaxMs }),
    },
  });
}

function deliver(state: State, receive: ReceiveOptions, message: Message): void {
  if (message.deliveryAttempt > 0) state.counted = true;
  const settle = (work: () => void) => {
    if (state.open.delete(message)) work();
  };
  const handBack = () => settle(() => message.nack());
  state.open.set(message, handBack);
  // Between the abort and the end of the stream some more may come.
  if (receive.signal.aborted) {
    handBack();
    return;
  }
  const { event, problem } = readNotification(message.attributes, message.publishTime.getTime());
  const ours: QueueMessage = {
    id: message.id,
    deliveryAttempt: message.deliveryAttempt,
    event,
    problem,
    ack: () => settle(() => message.ack()),
    nack: handBack,
  };
  receive.onMessage(ours);
}

async function close(state: State): Promise<void> {
  for (const handBack of [...state.open.values()]) handBack();
  const flushed = Promise.all(state.closing).then(() => state.client.close());
  // A server that does not answer must not keep the process: an acknowledgement it did not get means another delivery.
  await inTime(flushed, CLOSE_DEADLINE_MS).catch(() => undefined);
}

function inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new SamovarError('timeout', `no answer within ${timeoutMs} ms`);
    timer = setTimeout(() => reject(error), timeoutMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

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
