import { createRequire } from 'node:module';
import * as grpc from '@grpc/grpc-js';
import { fromJSON } from '@grpc/proto-loader';
import type { Notice } from './pubsub.ts';

const SERVICE = 'google.pubsub.v1.Subscriber';
const LEASE_MS = 10_000;
const LOOK_MS = 200;
const HAND_BACK_MS = 100;

/** What goes wrong next; each counts down as it happens. */
export interface PubSubFaults {
  /** Acknowledgements answered as taken, and forgotten. */
  lostAcks: number;
  /** Acknowledgements refused with UNAVAILABLE, nothing done. */
  refusedAcks: number;
  /** Acknowledgements that are taken, and never answered. */
  stalledAcks: number;
}

interface Item {
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly publishedMs: number;
  attempts: number;
  /** Whose it is, and until when; undefined: anybody's. */
  lease: { readonly stream: unknown; untilMs: number } | undefined;
}

export interface FaultSubscription {
  /** As `--poll` takes it. */
  readonly path: string;
  readonly faults: PubSubFaults;
  /** As Cloud Storage tells of an object. */
  publish(notice: Notice): void;
  /** Object names of messages that nobody has acknowledged. */
  left(): readonly string[];
}

export interface FaultPubSub {
  /** `127.0.0.1:port`, without TLS. */
  readonly endpoint: string;
  subscribe(): FaultSubscription;
  stop(): Promise<void>;
}

interface Kept extends FaultSubscription {
  readonly items: Map<string, Item>;
}

type Done = (
  error: { readonly code: grpc.status; readonly details: string } | null,
  answer?: unknown,
) => void;
type Call = grpc.ServerUnaryCall<Readonly<Record<string, unknown>>, unknown>;
type Duplex = grpc.ServerDuplexStream<Readonly<Record<string, unknown>>, unknown>;

/**
 * A strict little Pub/Sub in this process. Unlike an emulator's, the messages of a connection that broke come again at once, and
 * what was not acknowledged can be counted.
 */
export async function startFaultPubSub(): Promise<FaultPubSub> {
  const subscriptions = new Map<string, Kept>();
  const streams = new Set<() => void>();
  const deliver = () => {
    for (const look of streams) look();
  };
  const server = new grpc.Server();
  server.addService(definition(), {
    GetSubscription: (call: Call, done: Done) =>
      answer(subscriptions, call, done, ({ path }) => ({
        name: nameOf(path),
        topic: '_',
        ackDeadlineSeconds: LEASE_MS / 1000,
      })),
    Acknowledge: (call: Call, done: Done) => acknowledge(subscriptions, call, done),
    ModifyAckDeadline: (call: Call, done: Done) =>
      answer(subscriptions, call, done, (kept) => modify(kept, call.request)),
    StreamingPull: (call: Duplex) => pull(subscriptions, streams, call),
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  const timer = setInterval(deliver, LOOK_MS);
  return {
    endpoint: `127.0.0.1:${port}`,
    subscribe: () => {
      const kept = createSubscription(subscriptions.size + 1, deliver);
      subscriptions.set(nameOf(kept.path), kept);
      return kept;
    },
    stop: async () => {
      clearInterval(timer);
      server.forceShutdown();
    },
  };
}

let messages = 0;

function createSubscription(number: number, deliver: () => void): Kept {
  const items = new Map<string, Item>();
  return {
    path: `fault-project-${number}/builds/builds-samovar`,
    faults: { lostAcks: 0, refusedAcks: 0, stalledAcks: 0 },
    items,
    publish: ({ object, bucket, generation, eventType = 'OBJECT_FINALIZE' }) => {
      messages += 1;
      const attributes = {
        notificationConfig: `projects/_/buckets/${bucket}/notificationConfigs/1`,
        eventType,
        payloadFormat: 'NONE',
        bucketId: bucket,
        objectId: object,
        objectGeneration: generation,
      };
      items.set(String(messages), {
        id: String(messages),
        attributes,
        publishedMs: Date.now(),
        attempts: 0,
        lease: undefined,
      });
      deliver();
    },
    left: () => [...items.values()].map(({ attributes }) => attributes.objectId ?? ''),
  };
}

/** `projects/P/subscriptions/S` */
function nameOf(path: string): string {
  const [project, , subscription] = path.split('/');
  return `projects/${project}/subscriptions/${subscription}`;
}

function answer(
  subscriptions: ReadonlyMap<string, Kept>,
  { request }: Call,
  done: Done,
  work: (kept: Kept) => unknown,
): void {
  const kept = subscriptions.get(String(request.subscription));
  if (kept === undefined) done({ code: grpc.status.NOT_FOUND, details: 'Resource not found' });
  else done(null, work(kept));
}

function acknowledge(subscriptions: ReadonlyMap<string, Kept>, call: Call, done: Done): void {
  const faults = subscriptions.get(String(call.request.subscription))?.faults;
  if (faults !== undefined && take(faults, 'refusedAcks')) {
    done({ code: grpc.status.UNAVAILABLE, details: 'try again' });
    return;
  }
  const lost = faults !== undefined && take(faults, 'lostAcks');
  const stalled = faults !== undefined && take(faults, 'stalledAcks');
  answer(subscriptions, call, stalled ? () => undefined : done, ({ items }) => {
    if (!lost) for (const id of idsOf(call.request)) items.delete(id);
    return {};
  });
}

/** A lease of no time hands the message back. */
function modify({ items }: Kept, request: Readonly<Record<string, unknown>>): unknown {
  const leaseMs = Number(request.ackDeadlineSeconds ?? 0) * 1000;
  for (const id of idsOf(request)) {
    const lease = items.get(id)?.lease;
    if (lease !== undefined) lease.untilMs = Date.now() + Math.max(leaseMs, HAND_BACK_MS);
  }
  return {};
}

/** Acknowledgement ids are the message's own: whoever has one may use it. */
const idsOf = ({ ackIds }: Readonly<Record<string, unknown>>) => (ackIds ?? []) as readonly string[];

function pull(subscriptions: ReadonlyMap<string, Kept>, streams: Set<() => void>, call: Duplex): void {
  let kept: Kept | undefined;
  const look = () => {
    const receivedMessages = [...(kept?.items.values() ?? [])].filter(isFree).map((item) => lend(item, call));
    if (receivedMessages.length > 0) call.write({ receivedMessages });
  };
  const end = () => {
    streams.delete(look);
    for (const item of kept?.items.values() ?? []) if (item.lease?.stream === call) item.lease = undefined;
  };
  call.on('data', (request: Readonly<Record<string, unknown>>) => {
    kept ??= subscriptions.get(String(request.subscription));
    if (kept === undefined)
      return void call.emit('error', { code: grpc.status.NOT_FOUND, details: 'Resource not found' });
    streams.add(look);
    look();
  });
  call.on('cancelled', end);
  call.on('error', end);
  call.on('end', () => {
    end();
    call.end();
  });
}

const isFree = ({ lease }: Item) => lease === undefined || lease.untilMs < Date.now();

function lend(item: Item, stream: unknown): unknown {
  item.attempts += 1;
  item.lease = { stream, untilMs: Date.now() + LEASE_MS };
  const { id, attributes, publishedMs, attempts } = item;
  const publishTime = {
    seconds: String(Math.floor(publishedMs / 1000)),
    nanos: (publishedMs % 1000) * 1_000_000,
  };
  return {
    ackId: id,
    deliveryAttempt: attempts,
    message: { messageId: id, data: Buffer.alloc(0), attributes, publishTime },
  };
}

function take(faults: PubSubFaults, name: keyof PubSubFaults): boolean {
  if (faults[name] <= 0) return false;
  faults[name] -= 1;
  return true;
}

/** The service as the shipped protos define it. */
function definition(): grpc.ServiceDefinition {
  const protos = createRequire(import.meta.url)('@google-cloud/pubsub/build/protos/protos.json');
  const loaded = fromJSON(protos, { longs: String, enums: String, arrays: true, oneofs: true });
  const service = loaded[SERVICE] as grpc.ServiceDefinition;
  const { GetSubscription, Acknowledge, ModifyAckDeadline, StreamingPull } = service;
  if (!GetSubscription || !Acknowledge || !ModifyAckDeadline || !StreamingPull)
    throw new Error(`${SERVICE} lacks methods`);
  return { GetSubscription, Acknowledge, ModifyAckDeadline, StreamingPull };
}
