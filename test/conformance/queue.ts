import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect } from 'vitest';
import type { Queue, QueueMessage } from '../../pipeline/backends/queue/contract.ts';
import { eventually, type Gaps, holdsBut, type QueueUnderTest, receive } from '../support/queue-suite.ts';

/** Longer than any backoff of the servers and drivers that are tried. */
const QUIET_MS = 2_500;
const CLOSE_MAX_MS = 8_000;
const ODD = [
  'logs/a b/finished.json',
  'logs/100%25/finished.json',
  'logs/%2e%2e/finished.json',
  'logs/#hash?x=1&y=2/finished.json',
  'logs/日本語/\u{1f525}.json',
  'logs/it\'s "quoted"/x+y=z.json',
  'logs/job~',
  'logs/.hidden/.swp.swp',
];

export interface QueueSuite {
  readonly name: string;
  /** True where the queue counts deliveries. */
  readonly counts: boolean;
  readonly gaps?: Gaps;
}

/** What every queue promises: each sentence of contract.ts. */
export function testQueue(suite: QueueSuite, start: () => Promise<QueueUnderTest>): void {
  describe(`queue: ${suite.name}`, () => {
    const { holds, unused } = holdsBut(suite.gaps ?? {});
    let under: QueueUnderTest;
    let queues: Queue[];
    const open = async () => {
      const queue = await under.open();
      queues.push(queue);
      return queue;
    };
    beforeEach(async () => {
      queues = [];
      under = await start();
    });
    afterEach(async () => {
      await Promise.all(queues.map((queue) => queue.close()));
      await under.close();
    });
    afterAll(() => expect(unused(), 'each gap names a test').toEqual([]));
    const putMany = (count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, at) => under.put(`logs/job-${at % 7}/${at}/finished.json`)),
      );
    const objects = (messages: readonly QueueMessage[]) => messages.map(({ event }) => event?.object).sort();

    holds('an object that is written is told of, with bucket, name, generation and time', async () => {
      const received = await receive(await open(), (message) => message.ack());
      const beforeMs = Date.now();
      const generation = await under.put('logs/job/1/finished.json');
      const [message] = await received.until(1);
      const { publishedMs, ...event } = message?.event ?? { publishedMs: 0 };
      expect(event).toEqual({
        type: 'finalized',
        bucketUrl: under.bucketUrl,
        object: 'logs/job/1/finished.json',
        generation,
      });
      expect(message?.problem).toBeUndefined();
      expect(message?.id).toMatch(/./);
      expect(publishedMs).toBeGreaterThan(beforeMs - 1_000);
      expect(publishedMs).toBeLessThan(Date.now() + 1_000);
      expect(received.readyTimes()).toBe(1);
    });

    holds('an object that is replaced is told of again, with its new generation', async () => {
      const received = await receive(await open(), (message) => message.ack());
      const first = await under.put('logs/job/1/finished.json');
      await received.until(1);
      const second = await under.put('logs/job/1/finished.json');
      const messages = await received.until(2);
      expect(messages.map(({ event }) => event?.generation)).toEqual([first, second]);
      expect(first).not.toBe(second);
    });

    holds('odd names arrive as they are', async () => {
      const received = await receive(await open(), (message) => message.ack());
      for (const name of ODD) await under.put(name);
      expect(objects(await received.until(ODD.length))).toEqual([...ODD].sort());
    });

    holds('500 objects are told of, each of them', async () => {
      const received = await receive(await open(), (message) => message.ack(), { messagesMax: 50 });
      await putMany(500);
      const seen = () => new Set(received.messages.map(({ event }) => event?.object)).size;
      await eventually(() => seen() === 500, '500 objects, and there are', seen);
      expect(received.outMax()).toBeLessThanOrEqual(50);
    });

    holds('what is handed back comes again, with the same id, until it is acknowledged', async () => {
      const received = await receive(await open(), (message) =>
        received.messages.length < 3 ? message.nack() : message.ack(),
      );
      await under.put('logs/job/1/finished.json');
      const messages = await received.until(3);
      expect(new Set(messages.map(({ id }) => id)).size).toBe(1);
      await sleep(QUIET_MS);
      expect(received.messages).toHaveLength(3);
    });

    if (suite.counts)
      holds('deliveries are counted from 1', async () => {
        const received = await receive(await open(), (message) => message.nack());
        await under.put('logs/job/1/finished.json');
        const attempts = (await received.until(3)).map(({ deliveryAttempt }) => deliveryAttempt);
        expect(attempts.slice(0, 3)).toEqual([1, 2, 3]);
      });

    holds('what was acknowledged never comes again, in this run and the next', async () => {
      const first = await open();
      const received = await receive(first, (message) => message.ack());
      await putMany(20);
      await received.until(20);
      await first.close();
      const again = await receive(await open());
      await sleep(QUIET_MS);
      expect(again.messages).toEqual([]);
      expect(received.messages).toHaveLength(20);
    });

    holds('what was neither acknowledged nor handed back comes again in the next run', async () => {
      const first = await open();
      const received = await receive(first);
      await putMany(3);
      (await received.until(3))[0]?.ack();
      await first.close();
      const left = objects(received.messages.slice(1));
      const again = await receive(await open(), (message) => message.ack());
      await eventually(
        () => again.messages.length >= 2,
        'two messages',
        () => again.messages.length,
        8_000,
      );
      expect(objects(again.messages)).toEqual(left);
    });

    holds('no more are out than asked for, and one that is settled makes place for one', async () => {
      const received = await receive(await open(), undefined, { messagesMax: 5 });
      await putMany(30);
      await received.until(5);
      await sleep(500);
      expect(received.messages).toHaveLength(5);
      received.messages[0]?.ack();
      await received.until(6);
      for (let at = 1; at < 30; at += 1) (await received.until(at + 1))[at]?.ack();
      expect(new Set(objects(received.messages)).size).toBe(30);
      expect(received.outMax()).toBe(5);
    });

    holds('no more bytes are out than asked for, one message at least', async () => {
      const received = await receive(await open(), undefined, { bytesMax: 1 });
      await putMany(5);
      for (let at = 0; at < 5; at += 1) (await received.until(at + 1))[at]?.ack();
      expect(received.outMax()).toBe(1);
    });

    holds('the signal ends it: nothing more is delivered, and what was can be acknowledged', async () => {
      const first = await open();
      const received = await receive(first);
      await putMany(3);
      await received.until(3);
      received.stop();
      await received.ended;
      await under.put('logs/job/late/finished.json');
      await sleep(500);
      expect(received.messages).toHaveLength(3);
      for (const message of received.messages) message.ack();
      await first.close();
      const again = await receive(await open(), (message) => message.ack());
      await sleep(QUIET_MS);
      const late = again.messages.filter(({ event }) => event?.object !== 'logs/job/late/finished.json');
      expect(late).toEqual([]);
    });

    holds('settling twice, or after the end, is nothing', async () => {
      const queue = await open();
      const received = await receive(queue);
      await under.put('logs/job/1/finished.json');
      const [message] = await received.until(1);
      message?.ack();
      message?.nack();
      message?.ack();
      await queue.close();
      message?.nack();
      const again = await receive(await open());
      await sleep(QUIET_MS);
      expect(again.messages).toEqual([]);
    });

    holds('closing hands back, ends the delivery, and is quick', async () => {
      const queue = await open();
      const received = await receive(queue);
      await putMany(50);
      await received.until(50);
      const started = performance.now();
      await queue.close();
      await received.ended;
      expect(performance.now() - started).toBeLessThan(CLOSE_MAX_MS);
      await queue.close();
    });

    holds('a queue that was never followed closes', async () => {
      await (await open()).close();
    });

    holds('one that ends before it began delivers nothing', async () => {
      const end = new AbortController();
      end.abort();
      const queue = await open();
      const told: QueueMessage[] = [];
      await queue.receive({
        onMessage: (message) => told.push(message),
        signal: end.signal,
        messagesMax: 1,
        bytesMax: 1,
        leaseMaxMs: 1_000,
      });
      expect(told).toEqual([]);
    });

    holds('what does not exist is missing, and the error says what to do', async () => {
      const queue = await under.openMissing();
      queues.push(queue);
      const missing = { code: 'missing', subject: queue.url, remedy: expect.stringMatching(/./) };
      await expect(queue.deadLetterPolicy()).rejects.toMatchObject(missing);
      await expect(receive(queue)).rejects.toMatchObject(missing);
    });
  });
}
