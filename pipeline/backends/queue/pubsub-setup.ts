import type {
  GetSubscriptionMetadataResponse,
  PubSub,
  Subscription,
  SubscriptionMetadata,
  Topic,
} from '@google-cloud/pubsub';
import type { Finding, SetupStep } from '../setup/contract.ts';
import type { QueueDriverOptions } from './contract.ts';
import { connect, inTime } from './pubsub-client.ts';
import { pubSubError } from './pubsub-errors.ts';
import { byHand, type Call, type PubSubSetup, roleStep, type SetupSteps } from './pubsub-rights.ts';

/** All that Pub/Sub can filter by: it knows prefixes, and finished.json is a suffix. */
const FILTER = 'attributes.eventType = "OBJECT_FINALIZE"';
const ACK_DEADLINE_S = 600;
const RETENTION_S = 7 * 86_400;
const ATTEMPTS_MAX = 20;
const NOT_FOUND = 5;

/** Topic, dead-letter topic with a subscription that keeps its messages, subscription, and who may do what with them. */
export async function pubSubSteps(setup: PubSubSetup, options: QueueDriverOptions): Promise<SetupSteps> {
  const url = `pubsub:${setup.project}/${setup.subscription}`;
  const client = await connect(url, setup.project, options);
  const call: Call = async (what, work) => {
    try {
      return await inTime(work(), options.timeoutMs);
    } catch (error) {
      throw pubSubError(url, what, error);
    }
  };
  const topic = client.topic(setup.topic);
  const dead = client.topic(`${setup.topic}-dead-letters`);
  const kept = client.subscription(`${setup.topic}-dead-letters-kept`);
  const subscription = client.subscription(setup.subscription);
  const keeps = { messageRetentionDuration: { seconds: RETENTION_S }, expirationPolicy: {} };
  const member = (email: string) => `serviceAccount:${email}`;
  const steps = [
    topicStep(call, client, topic),
    topicStep(call, client, dead),
    subscriptionStep(call, dead, kept, keeps),
    subscriptionStep(call, topic, subscription, wantedSubscription(dead)),
    ...setup.publishers.map((email) =>
      roleStep(call, 'topics', topic, 'roles/pubsub.publisher', member(email)),
    ),
    ...agentSteps(call, setup, dead, subscription),
    ...(setup.subscriber === undefined
      ? []
      : [roleStep(call, 'subscriptions', subscription, 'roles/pubsub.subscriber', member(setup.subscriber))]),
  ];
  return { steps, close: () => client.close() };
}

function topicStep(call: Call, client: PubSub, topic: Topic): SetupStep {
  return {
    what: `topic ${topic.name}`,
    look: () => call('looking at a topic', () => found(async () => void (await topic.getMetadata()))),
    apply: () => call('creating a topic', async () => void (await client.createTopic(topic.name))),
  };
}

function wantedSubscription(dead: Topic): SubscriptionMetadata {
  return {
    filter: FILTER,
    ackDeadlineSeconds: ACK_DEADLINE_S,
    messageRetentionDuration: { seconds: RETENTION_S },
    expirationPolicy: {},
    retryPolicy: { minimumBackoff: { seconds: 10 }, maximumBackoff: { seconds: 600 } },
    deadLetterPolicy: { deadLetterTopic: dead.name, maxDeliveryAttempts: ATTEMPTS_MAX },
  };
}

function subscriptionStep(
  call: Call,
  topic: Topic,
  subscription: Subscription,
  wanted: SubscriptionMetadata,
): SetupStep {
  const name = subscription.name.split('/').at(-1) ?? '';
  return {
    what: `subscription ${subscription.name}`,
    look: () =>
      call('looking at a subscription', async () => {
        let metadata: Seen | undefined;
        const there = await found(async () => {
          [metadata] = await subscription.getMetadata();
        });
        return metadata === undefined ? there : compare(topic, metadata, wanted);
      }),
    apply: () =>
      call('setting up a subscription', async () => {
        const there = await found(async () => void (await subscription.getMetadata()));
        if (there.state === 'missing') await topic.createSubscription(name, wanted);
        else {
          // Only what `compare` looks at: a retention or an expiry of the owner's own stays.
          const { ackDeadlineSeconds, deadLetterPolicy, retryPolicy } = wanted;
          const changes = { ackDeadlineSeconds, deadLetterPolicy, retryPolicy };
          await subscription.setMetadata(changes);
        }
      }),
  };
}

type Seen = GetSubscriptionMetadataResponse[0];

/** What differs from what is wanted. A filter and a topic stay as they were made. */
function compare(topic: Topic, seen: Seen, wanted: SubscriptionMetadata): Finding {
  const fixed: string[] = [];
  if (seen.topic !== topic.name) fixed.push(`it is of ${seen.topic}`);
  if (wanted.filter && seen.filter !== wanted.filter)
    fixed.push(
      `its filter is ${seen.filter ? JSON.stringify(seen.filter) : 'none'}, wanted is ${wanted.filter}`,
    );
  const mendable: string[] = [];
  if (wanted.ackDeadlineSeconds && seen.ackDeadlineSeconds !== wanted.ackDeadlineSeconds)
    mendable.push(`its acknowledgement deadline is ${seen.ackDeadlineSeconds} s`);
  const policy = wanted.deadLetterPolicy;
  if (policy && seen.deadLetterPolicy?.deadLetterTopic !== policy.deadLetterTopic)
    mendable.push('it has no dead-letter topic, or another one');
  if (mendable.length > 0)
    return { state: 'differs', mendable: true, detail: [...mendable, ...fixed].join('; ') };
  if (fixed.length === 0) return { state: 'there' };
  const remedy = 'this cannot be changed; delete it to have it made anew';
  return { state: 'differs', mendable: false, detail: `${fixed.join('; ')} (${remedy})` };
}

/** Without these rights Pub/Sub cannot move a message to the dead-letter topic. */
function agentSteps(
  call: Call,
  { agent, project }: PubSubSetup,
  dead: Topic,
  subscription: Subscription,
): readonly SetupStep[] {
  const number = `$(gcloud projects describe ${project} --format='value(projectNumber)')`;
  const email = agent ?? `service-${number}@gcp-sa-pubsub.iam.gserviceaccount.com`;
  const rights = [
    ['topics', dead, 'roles/pubsub.publisher'],
    ['subscriptions', subscription, 'roles/pubsub.subscriber'],
  ] as const;
  return rights.map(([kind, on, role]) =>
    agent === undefined
      ? byHand(kind, on, role, `serviceAccount:${email}`)
      : roleStep(call, kind, on, role, `serviceAccount:${email}`),
  );
}

async function found(look: () => Promise<void>): Promise<Finding> {
  try {
    await look();
    return { state: 'there' };
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === NOT_FOUND) return { state: 'missing' };
    throw error;
  }
}
