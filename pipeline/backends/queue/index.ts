import { SamovarError } from '../../errors.ts';
import { parseBucketUrl } from '../bucket/urls.ts';
import type { Queue, QueueDriverOptions } from './contract.ts';
import type { PubSubSetup, SetupSteps } from './pubsub-rights.ts';

/**
 * Opens the queue a URL names: `pubsub:PROJECT/SUBSCRIPTION`, or `file:some/dir`, which watches that bucket. Only the driver asked
 * for is loaded. Throws `config` for any other URL.
 */
export async function openQueue(url: string, options: QueueDriverOptions): Promise<Queue> {
  if (url.startsWith('file:') && url.length > 'file:'.length) {
    const { openFileQueue } = await import('./file.ts');
    return openFileQueue(url, parseBucketUrl(url).place, options);
  }
  if (url.startsWith('pubsub:')) {
    const place = parseSubscription(url.slice('pubsub:'.length));
    const { openPubSub } = await import('./pubsub.ts');
    return openPubSub(url, place, options);
  }
  throw new SamovarError('config', `${JSON.stringify(url)} names no queue`, {
    subject: url,
    remedy: 'Write pubsub:PROJECT/SUBSCRIPTION or file:DIRECTORY.',
  });
}

/** A Pub/Sub project, topic and subscription; the topic is known only where somebody named it. */
export interface SubscriptionPlace {
  readonly project: string;
  readonly topic: string | undefined;
  readonly subscription: string;
}

/**
 * Reads `projects/P/subscriptions/S`, Kettle's `P/T/S`, and `P/S`. Throws `config` for anything else.
 */
export function parseSubscription(path: string): SubscriptionPlace {
  const parts = path.split('/');
  const [first, second, third, fourth] = parts;
  const full = parts.length === 4 && first === 'projects' && third === 'subscriptions';
  const [project, topic, subscription] = full
    ? [second, undefined, fourth]
    : parts.length === 3
      ? [first, second, third]
      : [first, undefined, parts.length === 2 ? second : undefined];
  if (isProject(project) && isResource(subscription) && (topic === undefined || isResource(topic)))
    return { project, topic, subscription };
  throw new SamovarError('config', `${JSON.stringify(path.slice(0, 300))} names no Pub/Sub subscription`, {
    remedy: 'Write project/topic/subscription or projects/PROJECT/subscriptions/NAME.',
  });
}

/** As `openQueue` takes it: `pubsub:PROJECT/SUBSCRIPTION`. */
export function queueUrlOf(subscriptionPath: string): string {
  const { project, subscription } = parseSubscription(subscriptionPath);
  return `pubsub:${project}/${subscription}`;
}

/** Google's rules for project ids, old ones with a domain included. */
function isProject(text: string | undefined): text is string {
  return text !== undefined && /^(?:[a-z0-9.-]+\.[a-z]+:)?[a-z][a-z0-9-]{4,61}[a-z0-9]$/.test(text);
}

/** … and for names of topics and subscriptions. */
function isResource(text: string | undefined): text is string {
  return text !== undefined && /^[A-Za-z][A-Za-z0-9._~+%-]{2,254}$/.test(text) && !text.startsWith('goog');
}

/** What a subscription needs, as steps of a setup. */
export async function subscriptionSteps(
  setup: PubSubSetup,
  options: QueueDriverOptions,
): Promise<SetupSteps> {
  const { pubSubSteps } = await import('./pubsub-setup.ts');
  return pubSubSteps(setup, options);
}
