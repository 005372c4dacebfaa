import type { Queue, QueueMessage } from '../backends/queue/contract.ts';
import { describeError } from '../errors.ts';
import { type FinishedBuild, finishedBuildOf } from '../stream/events.ts';
import type { Entry } from '../stream/tracker.ts';
import type { Collected } from './stream-collect.ts';
import type { Stream, StreamContext } from './stream-state.ts';

const ATTEMPTS_MAX = 5;
const RETRY_DELAY_MS = 1_000;

/** Takes one delivery: noise is acknowledged at once, a finished build when every table has it. */
export function onMessage(stream: Stream, queue: Queue, message: QueueMessage): void {
  const { context, options, tracker } = stream;
  stream.lastEventMs = context.nowMs();
  stream.delivered += 1;
  if (message.event === undefined) return void track(stream, buryMessage(stream, queue, message));
  const build = finishedBuildOf(message.event, options.roots);
  if (build === undefined) {
    count(stream, 'noise');
    message.ack();
    return;
  }
  const key = `${build.path}#${build.generation}`;
  if (!tracker.enter(key, build, message)) {
    count(stream, 'duplicate');
    return;
  }
  // Delivered before, it has had its patience: the server's own pauses lie between deliveries.
  const attemptsMax = message.deliveryAttempt > 1 ? 1 : ATTEMPTS_MAX;
  track(stream, bringIn(stream, { queue, key, attemptsMax }, build));
}

function track(stream: Stream, work: Promise<void>): void {
  const mine = work.catch(stream.fail).finally(() => stream.working.delete(mine));
  stream.working.add(mine);
}

/** Collects one build, with retries, and queues it for every table. */
async function bringIn(
  stream: Stream,
  { queue, key, attemptsMax }: { readonly queue: Queue; readonly key: string; readonly attemptsMax: number },
  build: FinishedBuild,
): Promise<void> {
  const { context, tracker, tables } = stream;
  const collected = await collectPatiently(stream, build, attemptsMax);
  if (collected === undefined) return;
  if (collected.kind === 'failed') return bury(stream, queue, key, collected.error);
  if (collected.kind === 'gone') {
    count(stream, 'noise');
    const entry = tracker.drop(key);
    if (entry !== undefined) acknowledge(context, entry);
    return;
  }
  count(stream, collected.known ? 'duplicate' : 'finished');
  tracker.place(
    key,
    collected.id,
    tables.map(({ name }) => name),
  );
  for (const { batcher } of tables) batcher.add(collected.id);
}

/** Undefined when the stream ends before an answer: the message is handed back. */
async function collectPatiently(
  stream: Stream,
  build: FinishedBuild,
  attemptsMax: number,
): Promise<Collected | undefined> {
  const { context, collector } = stream;
  for (let attempt = 1; ; attempt += 1) {
    const collected = await collector.collect(build);
    if (collected === undefined) return undefined;
    if (context.signal.aborted) return collected.kind === 'stored' ? collected : undefined;
    if (collected.kind !== 'failed' || attempt >= attemptsMax) return collected;
    context.metrics.retry('collect');
    await context.sleep(RETRY_DELAY_MS * 2 ** (attempt - 1) * (0.5 + context.random()), stream.stop);
    if (stream.stop.aborted) return undefined;
  }
}

/** The collector has stored its dead letter; where the subscription has a topic for such messages, it goes there too. */
async function bury(stream: Stream, queue: Queue, key: string, error: unknown): Promise<void> {
  const { context, tracker } = stream;
  const handBack = await goesToTopic(queue);
  const entry = tracker.drop(key);
  if (entry === undefined) return;
  count(stream, 'poison');
  context.warn('a build could not be collected; it has a dead letter', {
    build: entry.subject.path,
    reason: describeError(error),
  });
  // It comes again soon: that is not the end of what happens.
  stream.lastEventMs = context.nowMs();
  if (!handBack) acknowledge(context, entry);
  else for (const message of entry.messages) message.nack();
}

/** True when handing a message back again and again ends in a topic for such. Where that cannot be asked it comes again, and is asked again. */
async function goesToTopic(queue: Queue): Promise<boolean> {
  try {
    return (await queue.deadLetterPolicy()) !== undefined;
  } catch {
    return true;
  }
}

/** A message that is no event at all. */
async function buryMessage(stream: Stream, queue: Queue, message: QueueMessage): Promise<void> {
  const { store } = stream.context;
  const letter = {
    kind: 'event',
    subject: `${queue.url} ${message.id}`,
    code: 'malformed',
    reason: message.problem ?? 'no event',
  } as const;
  store.transaction(() => store.deadLetters.add(letter));
  count(stream, 'poison');
  const handBack = await goesToTopic(queue);
  stream.lastEventMs = stream.context.nowMs();
  if (handBack) message.nack();
  else message.ack();
}

export function acknowledge({ metrics }: StreamContext, { messages }: Entry<FinishedBuild>): void {
  for (const message of messages) message.ack();
  metrics.acknowledged(messages.length);
}

function count(stream: Stream, outcome: 'finished' | 'noise' | 'duplicate' | 'poison'): void {
  stream.events[outcome] += 1;
  stream.context.metrics.event(outcome);
}
