/**
 * Where news of buckets come from. A driver delivers messages, at least once and in any order, and keeps each one leased
 * until it is acknowledged or handed back.
 *
 * Glossary: an *event* is what a bucket tells of one object; a *message* is one delivery of an event; to *acknowledge* is to
 * say that it never needs to come again; a *lease* is the time in which the queue delivers a message to nobody else.
 */

export interface BucketEvent {
  /** `finalized`: the object was created or replaced; `other`: deleted, archived, new metadata. */
  readonly type: 'finalized' | 'other';
  /** As `Bucket.url`: `gs://name`, `file:some/dir`. */
  readonly bucketUrl: string;
  readonly object: string;
  /** As `BucketObject.generation`. */
  readonly generation: string;
  /** Epoch milliseconds at which the queue got it. */
  readonly publishedMs: number;
}

export interface QueueMessage {
  /** The queue's own id of the message; the same for every delivery. */
  readonly id: string;
  /** 1 for the first delivery; 0 where the queue does not count. */
  readonly deliveryAttempt: number;
  /** Undefined when the message is no bucket event; `problem` then says what it is instead. */
  readonly event: BucketEvent | undefined;
  readonly problem: string | undefined;
  /** Queues the acknowledgement; `close` waits until the queue has got it. A lost one means another delivery, never an error. */
  ack(): void;
  /** Hands it back: it is delivered again, by the queue's own backoff. */
  nack(): void;
}

export interface ReceiveOptions {
  readonly onMessage: (message: QueueMessage) => void;
  /** Called once delivery has begun: what happens in the bucket from now on is told. */
  readonly onReady?: () => void;
  /** Stops the delivery. What was delivered can still be acknowledged until `close`. */
  readonly signal: AbortSignal;
  /** Messages delivered and neither acknowledged nor handed back, at most; and their bytes. */
  readonly messagesMax: number;
  readonly bytesMax: number;
  /** A message is leased no longer than this, however long its work takes. */
  readonly leaseMaxMs: number;
  /** Told of trouble that the driver gets over by itself: a broken stream, a refused pull. */
  readonly onTrouble?: (error: unknown) => void;
}

/** What a subscription does with messages that are handed back again and again. */
export interface DeadLetterPolicy {
  readonly topic: string;
  /** Deliveries after which the queue puts the message there. */
  readonly attemptsMax: number;
}

/** One subscription (Pub/Sub) or one watched folder (`file:`). */
export interface Queue {
  /** `pubsub:project/subscription`, `file:some/dir`. */
  readonly url: string;
  /** Undefined where handing back never ends. Throws `missing` when there is no such subscription, `denied` without access. */
  deadLetterPolicy(): Promise<DeadLetterPolicy | undefined>;
  /** Delivers until the signal is aborted, then resolves. Rejects only with what no further try can mend (`missing`, `denied`). Once per queue. */
  receive(options: ReceiveOptions): Promise<void>;
  /** Sends every queued acknowledgement, hands back what was delivered and not acknowledged, within a few seconds. */
  close(): Promise<void>;
}

export interface QueueDriverOptions {
  readonly nowMs: () => number;
  /** Of one administrative request. */
  readonly timeoutMs: number;
  /** pubsub: only. Another server than Google's, e.g. an emulator: `127.0.0.1:8085`. */
  readonly endpoint?: string;
}
