import { mkdir, mkdtemp, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../../pipeline/backends/bucket/contract.ts';
import { openBucket } from '../../../pipeline/backends/bucket/index.ts';
import { listAll } from '../../../pipeline/backends/bucket/list-all.ts';
import type { Queue, QueueMessage } from '../../../pipeline/backends/queue/contract.ts';
import { createDelivery } from '../../../pipeline/backends/queue/file-delivery.ts';
import { openQueue } from '../../../pipeline/backends/queue/index.ts';
import { eventually, receive } from '../../support/queue-suite.ts';

/** Longer than new folders are looked at again. */
const QUIET_MS = 3_200;

describe('a watched folder', () => {
  let root: string;
  let bucket: Bucket;
  let queue: Queue;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'samovar-watch-'));
    bucket = openBucket(`file://${root}`, { timeoutMs: 10_000, connections: 1 });
    queue = await openQueue(`file://${root}`, { nowMs: () => 1_234, timeoutMs: 1_000 });
    return async () => {
      await queue.close();
      await rm(root, { recursive: true, force: true });
    };
  });

  const put = (name: string) => bucket.write(name, Buffer.from(name));
  const namesOf = (messages: readonly QueueMessage[]) => messages.map(({ event }) => event?.object).sort();
  const ack = (message: QueueMessage) => message.ack();
  async function generations(): Promise<Record<string, string>> {
    const found: Record<string, string> = {};
    for await (const { objects } of listAll(bucket, ''))
      for (const { name, generation } of objects) found[name] = generation;
    return found;
  }

  it('of builds that are written in a burst, every file is told of once, with the generation that a listing gives', async () => {
    const received = await receive(queue, ack);
    const build = async (job: number, id: number) => {
      for (const file of [
        'started.json',
        'artifacts/deep/er/junit_01.xml',
        'artifacts/junit_02.xml',
        'finished.json',
      ])
        await put(`logs/job-${job}/${id}/${file}`);
    };
    for (let job = 0; job < 5; job += 1) await put(`logs/job-${job}/latest-build.txt`);
    await Promise.all(
      Array.from({ length: 8 }, async (_, worker) => {
        for (let at = 0; at < 40; at += 1) await build(at % 5, worker * 1_000 + at);
      }),
    );
    const expected = await generations();
    const told = () =>
      Object.fromEntries(received.messages.map(({ event }) => [event?.object, event?.generation]));
    await eventually(
      () => Object.keys(told()).length === 1_285,
      '1,285 files, and there are',
      () => Object.keys(told()).length,
    );
    expect(told()).toEqual(expected);
    await sleep(QUIET_MS);
    expect(received.messages).toHaveLength(1_285);
  }, 60_000);

  it('what lay there before is not told of until it is replaced', async () => {
    await put('logs/old/finished.json');
    const received = await receive(queue, ack);
    await put('logs/new/finished.json');
    await received.until(1);
    await put('logs/old/finished.json');
    expect(namesOf(await received.until(2))).toEqual(['logs/new/finished.json', 'logs/old/finished.json']);
    await sleep(QUIET_MS);
    expect(received.messages).toHaveLength(2);
    expect(received.messages[0]?.event?.publishedMs).toBe(1_234);
  });

  it('a file that another program writes elsewhere and moves in is one event; files still being written are none', async () => {
    const received = await receive(queue, ack);
    await mkdir(join(root, 'logs'));
    await writeFile(join(root, 'logs/.samovar-tmp-1'), 'half');
    await writeFile(join(root, 'logs/upload.part'), 'whole');
    await received.until(1);
    await rename(join(root, 'logs/upload.part'), join(root, 'logs/finished.json'));
    await received.until(2);
    await sleep(QUIET_MS);
    expect(received.messages.map(({ event }) => event?.object)).toEqual([
      'logs/upload.part',
      'logs/finished.json',
    ]);
  });

  it('a file that is written piece by piece is told of with its last generation', async () => {
    const received = await receive(queue, ack);
    const path = join(root, 'log.txt');
    for (let at = 1; at <= 50; at += 1) {
      await writeFile(path, 'x'.repeat(at * 100), { flag: at % 10 === 0 ? 'w' : 'a' });
      await sleep(3);
    }
    await eventually(() => received.messages.length > 0, 'an event');
    const { 'log.txt': last } = await generations();
    await eventually(() => received.messages.at(-1)?.event?.generation === last, 'the last generation');
    expect(received.messages.length).toBeLessThan(50);
  });

  it('a file that is replaced again and again is told of with its last generation', async () => {
    await put('latest-build.txt');
    const received = await receive(queue, ack);
    for (let at = 0; at < 60; at += 1) await put('latest-build.txt');
    const { 'latest-build.txt': last } = await generations();
    await eventually(() => received.messages.at(-1)?.event?.generation === last, 'the last generation');
  });

  it('a folder that is moved in with all that is in it is told of', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'samovar-outside-'));
    for (const name of ['a/finished.json', 'a/artifacts/junit.xml', 'b/finished.json']) {
      await mkdir(dirname(join(outside, name)), { recursive: true });
      await writeFile(join(outside, name), name);
    }
    const received = await receive(queue, ack);
    await rename(outside, join(root, 'logs'));
    await received.until(3);
    await put('logs/a/artifacts/later.xml');
    expect(namesOf(await received.until(4))).toEqual([
      'logs/a/artifacts/junit.xml',
      'logs/a/artifacts/later.xml',
      'logs/a/finished.json',
      'logs/b/finished.json',
    ]);
  });

  it('links: to a file, it is told of; to nothing or to a folder, nothing is, and the rest goes on', async () => {
    const received = await receive(queue, ack);
    await put('real');
    await symlink(join(root, 'real'), join(root, 'link'));
    await symlink(join(root, 'none'), join(root, 'broken'));
    await symlink(root, join(root, 'round'));
    await put('last');
    await received.until(3);
    await sleep(QUIET_MS);
    expect(namesOf(received.messages)).toEqual(['last', 'link', 'real']);
    expect(received.troubles).toEqual([]);
  });

  it('what is gone again before it was looked at is nothing, and no trouble', async () => {
    const received = await receive(queue, ack);
    for (let at = 0; at < 20; at += 1) {
      await put(`d${at}/gone`);
      await rm(join(root, `d${at}`), { recursive: true });
    }
    await put('last');
    await eventually(() => received.messages.some(({ event }) => event?.object === 'last'), 'the last file');
    expect(received.troubles).toEqual([]);
  });

  it('a file is no folder: it is missing', async () => {
    await put('file');
    const wrong = await openQueue(`file://${root}/file`, { nowMs: Date.now, timeoutMs: 1_000 });
    await expect(receive(wrong)).rejects.toMatchObject({ code: 'missing' });
    expect((await stat(join(root, 'file'))).isFile()).toBe(true);
  });
});

describe('delivery of a watched folder', () => {
  const event = (at: number) => ({
    type: 'finalized' as const,
    bucketUrl: 'file:b',
    object: `logs/${at}`,
    generation: String(at),
    publishedMs: 0,
  });
  const limits = { signal: new AbortController().signal, bytesMax: 1e9, leaseMaxMs: 1 };

  it('100,000 events wait, and no more; they keep their order', () => {
    const given: QueueMessage[] = [];
    const delivery = createDelivery({
      ...limits,
      messagesMax: 10,
      onMessage: (message) => given.push(message),
    });
    let taken = 0;
    for (let at = 0; at < 100_500; at += 1) if (delivery.offer(event(at))) taken += 1;
    expect(taken).toBe(100_010);
    expect(given.map((message) => message.event?.object)).toEqual(
      Array.from({ length: 10 }, (_, at) => `logs/${at}`),
    );
    delivery.stop();
  });

  it('handed back, an event comes again after 1 s, then 2 s, and others need not wait for it', async () => {
    const given: { readonly message: QueueMessage; readonly atMs: number }[] = [];
    const delivery = createDelivery({
      ...limits,
      messagesMax: 1,
      onMessage: (message) => given.push({ message, atMs: performance.now() }),
    });
    delivery.offer(event(0));
    delivery.offer(event(1));
    given[0]?.message.nack();
    await eventually(() => given.length === 2, 'the other');
    given[1]?.message.ack();
    await eventually(() => given.length === 3, 'the second delivery');
    given[2]?.message.nack();
    await eventually(() => given.length === 4, 'the third delivery');
    expect(given.map(({ message }) => [message.id, message.deliveryAttempt])).toEqual([
      ['1', 1],
      ['2', 1],
      ['1', 2],
      ['1', 3],
    ]);
    const at = given.map(({ atMs }) => atMs);
    expect((at[2] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(990);
    expect((at[3] ?? 0) - (at[2] ?? 0)).toBeGreaterThan(1_990);
    delivery.stop();
  });
});
