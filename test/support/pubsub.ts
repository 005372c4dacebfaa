import { PubSub, type Subscription, type Topic } from '@google-cloud/pubsub';

export interface Notice {
  /** `logs/job/1/finished.json` */
  readonly object: string;
  readonly bucket: string;
  readonly generation: string;
  readonly eventType?: string;
}

/** A project of its own on a Pub/Sub server, with a topic, a subscription, and where asked for a dead-letter topic. */
export interface TestPubSub {
  readonly project: string;
  readonly topic: Topic;
  readonly subscription: Subscription;
  /** As `--poll` takes it. */
  readonly path: string;
  /** As Cloud Storage tells of an object. */
  publish(notice: Notice): Promise<void>;
  publishRaw(data: string, attributes: Readonly<Record<string, string>>): Promise<void>;
  /** Attributes of what lies in the dead-letter topic's subscription, waiting until there are so many. */
  deadLetters(count: number, timeoutMs: number): Promise<readonly Readonly<Record<string, string>>[]>;
  close(): Promise<void>;
}

let projects = 0;

export async function createPubSub(
  endpoint: string,
  options: { readonly deadLetterAfter?: number; readonly ackDeadlineSeconds?: number } = {},
): Promise<TestPubSub> {
  projects += 1;
  const project = `samovar-${process.pid}-${projects}`;
  const client = new PubSub({
    projectId: project,
    apiEndpoint: endpoint,
    emulatorMode: true,
    // Else credentials are looked for.
    clientOptions: { universeDomain: 'googleapis.com' },
  });
  const [topic] = await client.createTopic('builds');
  const [dead] = await client.createTopic('builds-dead');
  const [deadSubscription] = await dead.createSubscription('builds-dead-kept', { ackDeadlineSeconds: 10 });
  const [subscription] = await topic.createSubscription('builds-samovar', {
    ackDeadlineSeconds: options.ackDeadlineSeconds ?? 10,
    retryPolicy: { minimumBackoff: { seconds: 0, nanos: 100_000_000 }, maximumBackoff: { seconds: 1 } },
    ...(options.deadLetterAfter !== undefined && {
      deadLetterPolicy: { deadLetterTopic: dead.name, maxDeliveryAttempts: options.deadLetterAfter },
    }),
  });
  const publishRaw = async (data: string, attributes: Readonly<Record<string, string>>) => {
    await topic.publishMessage({ data: Buffer.from(data), attributes: { ...attributes } });
  };
  return {
    project,
    topic,
    subscription,
    path: `${project}/builds/builds-samovar`,
    publishRaw,
    publish: ({ object, bucket, generation, eventType = 'OBJECT_FINALIZE' }) =>
      publishRaw(JSON.stringify({ kind: 'storage#object', name: object, bucket, generation }), {
        notificationConfig: `projects/_/buckets/${bucket}/notificationConfigs/1`,
        eventType,
        payloadFormat: 'JSON_API_V1',
        bucketId: bucket,
        objectId: object,
        objectGeneration: generation,
      }),
    deadLetters: (count, timeoutMs) => collect(deadSubscription, count, timeoutMs),
    close: async () => {
      await subscription.close();
      await deadSubscription.close();
      await client.close();
    },
  };
}

function collect(
  subscription: Subscription,
  count: number,
  timeoutMs: number,
): Promise<readonly Readonly<Record<string, string>>[]> {
  const found: Readonly<Record<string, string>>[] = [];
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      resolve(found);
    };
    const timer = setTimeout(end, timeoutMs);
    subscription.on('message', (message) => {
      found.push(message.attributes);
      message.ack();
      if (found.length >= count) end();
    });
  });
}
