import type { Message } from '@google-cloud/pubsub';
import { expect, it } from 'vitest';
import type { QueueMessage } from '../../../pipeline/backends/queue/contract.ts';
import { createDelivery } from '../../../pipeline/backends/queue/pubsub-delivery.ts';

/** What the library gives, and what was done with it. */
function messageOf(id: number, done: string[]): Message {
  const parts = {
    id: String(id),
    deliveryAttempt: 0,
    attributes: {},
    publishTime: new Date(0),
    length: 1,
    ack: () => done.push(`ack ${id}`),
    nack: () => done.push(`nack ${id}`),
  };
  return parts as unknown as Message;
}

const limits = { messagesMax: 1, bytesMax: 100, onCounted: () => undefined };

it('20,000 that wait behind one, each acknowledged at once, go through', () => {
  const done: string[] = [];
  const given: QueueMessage[] = [];
  const onMessage = (message: QueueMessage) => {
    given.push(message);
    if (given.length > 1) message.ack();
  };
  const delivery = createDelivery({ ...limits, onMessage, signal: new AbortController().signal });
  for (let id = 0; id < 20_000; id += 1) delivery.take(messageOf(id, done));
  expect(given).toHaveLength(1);
  given[0]?.ack();
  expect(done).toEqual(Array.from({ length: 20_000 }, (_, id) => `ack ${id}`));
});

it('an error of the receiver does not stop those behind', () => {
  const done: string[] = [];
  const onMessage = (message: QueueMessage) => {
    if (message.id === '0') throw new Error('no');
    message.ack();
  };
  const signal = new AbortController().signal;
  const delivery = createDelivery({ ...limits, messagesMax: 2, onMessage, signal });
  expect(() => delivery.take(messageOf(0, done))).toThrow('no');
  delivery.take(messageOf(1, done));
  expect(done).toEqual(['ack 1']);
});

it('at the end what waits and what is out goes back once, and what was acknowledged does not', async () => {
  const done: string[] = [];
  const given: QueueMessage[] = [];
  const end = new AbortController();
  const delivery = createDelivery({
    ...limits,
    messagesMax: 2,
    onMessage: (message) => given.push(message),
    signal: end.signal,
  });
  for (let id = 0; id < 5; id += 1) delivery.take(messageOf(id, done));
  given[0]?.ack();
  end.abort();
  delivery.take(messageOf(5, done));
  await delivery.stop();
  for (const message of given) message.nack();
  await delivery.stop();
  expect(given.map(({ id }) => id)).toEqual(['0', '1', '2']);
  expect(done.sort()).toEqual(['ack 0', 'nack 1', 'nack 2', 'nack 3', 'nack 4', 'nack 5']);
});
