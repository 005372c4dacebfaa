import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Queue } from '../../../pipeline/backends/queue/contract.ts';
import { openQueue } from '../../../pipeline/backends/queue/index.ts';
import { emulatorOrSkip, type PubSubEmulator, startPubSubEmulator } from '../../support/emulators.ts';
import { createPubSub, type TestPubSub } from '../../support/pubsub.ts';
import { eventually, receive } from '../../support/queue-suite.ts';
import { startTcpProxy, type TcpProxy } from '../../support/storage-write-fake-tcp.ts';

const CLOSE_MAX_MS = 8_000;
const found = emulatorOrSkip('pubsub');
const suite = 'skip' in found ? describe.skip : describe;

suite(`pubsub: beyond the suite${'skip' in found ? ` (${found.skip})` : ''}`, () => {
  let emulator: PubSubEmulator;
  let proxy: TcpProxy;
  let queues: Queue[];
  beforeAll(async () => {
    emulator = await startPubSubEmulator();
    proxy = await startTcpProxy(Number(emulator.endpoint.split(':')[1]));
  });
  afterAll(async () => {
    await proxy?.stop();
    await emulator?.stop();
  });
  beforeEach(() => {
    queues = [];
    return async () => {
      await Promise.all(queues.map((queue) => queue.close()));
    };
  });

  const urlOf = ({ project }: TestPubSub) => `pubsub:${project}/builds-samovar`;
  async function open(pubsub: TestPubSub, endpoint = emulator.endpoint): Promise<Queue> {
    const queue = await openQueue(urlOf(pubsub), { nowMs: Date.now, timeoutMs: 5_000, endpoint });
    queues.push(queue);
    return queue;
  }
  const put = (pubsub: TestPubSub, ...objects: readonly string[]) =>
    Promise.all(objects.map((object) => pubsub.publish({ object, bucket: 'ci-logs', generation: '7' })));
  const many = (count: number, from = 0) => Array.from({ length: count }, (_, at) => `logs/j/${from + at}`);

  it('a build that takes longer than the lease is not given to anybody else', async () => {
    const pubsub = await createPubSub(emulator.endpoint, { ackDeadlineSeconds: 10 });
    const received = await receive(await open(pubsub));
    await put(pubsub, ...many(3));
    await received.until(3);
    await sleep(13_000);
    expect(received.messages).toHaveLength(3);
    for (const message of received.messages) message.ack();
    await pubsub.close();
  }, 40_000);

  it('the dead letter policy is read, and no policy is none', async () => {
    const dead = await createPubSub(emulator.endpoint, { deadLetterAfter: 7 });
    expect(await (await open(dead)).deadLetterPolicy()).toEqual({
      topic: `projects/${dead.project}/topics/builds-dead`,
      attemptsMax: 7,
    });
    const none = await createPubSub(emulator.endpoint);
    expect(await (await open(none)).deadLetterPolicy()).toBeUndefined();
    await Promise.all([dead.close(), none.close()]);
  });

  it('a message that is no event has a problem instead, and the others go on', async () => {
    const pubsub = await createPubSub(emulator.endpoint);
    await pubsub.publishRaw('hello', { what: 'ever' });
    await pubsub.publishRaw('', {
      eventType: 'OBJECT_FINALIZE',
      bucketId: '..',
      objectId: 'x',
      objectGeneration: '1',
    });
    await pubsub.publish({
      object: 'logs/a',
      bucket: 'ci-logs',
      generation: '5',
      eventType: 'OBJECT_DELETE',
    });
    await put(pubsub, 'logs/b');
    const received = await receive(await open(pubsub), (message) => message.ack());
    const messages = await received.until(4);
    const seen = messages.map(({ event, problem }) => event?.type ?? problem?.slice(0, 22));
    const none = 'no bucket notification';
    expect(seen.sort()).toEqual(['finalized', none, none, 'other']);
    await pubsub.close();
  });

  it('messages that waited behind a large one come when it is settled', async () => {
    const pubsub = await createPubSub(emulator.endpoint);
    const received = await receive(await open(pubsub), undefined, { bytesMax: 5_000 });
    await pubsub.publishRaw('x'.repeat(5_000), { large: 'yes' });
    await received.until(1);
    await put(pubsub, ...many(8));
    await sleep(300);
    received.messages[0]?.ack();
    await received.until(9);
    expect(received.outMax()).toBeLessThanOrEqual(8);
    await pubsub.close();
  });

  it('a broken connection is opened again by itself, and the limit holds over it', async () => {
    const pubsub = await createPubSub(emulator.endpoint);
    const queue = await open(pubsub, `127.0.0.1:${proxy.port}`);
    const received = await receive(queue, undefined, { messagesMax: 4 });
    await put(pubsub, ...many(12));
    await received.until(4);
    for (let times = 0; times < 3; times += 1) {
      proxy.reset();
      await eventually(
        () => received.troubles.length > times,
        'trouble',
        () => received.troubles.length,
      );
      await sleep(300);
    }
    expect(received.out()).toBeLessThanOrEqual(4);
    expect(received.troubles[0]).toMatchObject({ code: 'unavailable', subject: urlOf(pubsub) });
    const settled = new Set<string>();
    const objects = () => new Set(received.messages.map(({ event }) => event?.object));
    await eventually(
      () => {
        for (const message of received.messages.filter(({ id }) => !settled.has(id))) {
          settled.add(message.id);
          message.ack();
        }
        return objects().size === 12;
      },
      'all 12 objects, and there are',
      () => objects().size,
    );
    expect(received.outMax()).toBe(4);
    expect(received.readyTimes()).toBe(1);
    await pubsub.close();
  }, 60_000);

  it('a subscription that is deleted ends the delivery: it is missing', async (context) => {
    if (emulator.kind === 'pstest')
      context.skip('needs a server that ends the streams of a deleted subscription');
    const pubsub = await createPubSub(emulator.endpoint);
    const received = await receive(await open(pubsub));
    await pubsub.subscription.delete();
    await expect(received.ended).rejects.toMatchObject({ code: 'missing', subject: urlOf(pubsub) });
    await pubsub.close();
  });

  it('a server that stops answering keeps nobody: opening, asking and closing end in time', async () => {
    const pubsub = await createPubSub(emulator.endpoint);
    const queue = await open(pubsub);
    const received = await receive(queue);
    await put(pubsub, ...many(3));
    await received.until(3);
    emulator.freeze();
    try {
      received.messages[0]?.ack();
      const other = await open(pubsub);
      const started = performance.now();
      await expect(other.deadLetterPolicy()).rejects.toMatchObject({ code: 'timeout' });
      await Promise.all([queue.close(), received.ended]);
      expect(performance.now() - started).toBeLessThan(5_000 + CLOSE_MAX_MS);
    } finally {
      emulator.thaw();
    }
    await pubsub.close();
  }, 60_000);

  it('a process ends by itself once the queue is closed, with messages out and unanswered', async () => {
    const pubsub = await createPubSub(emulator.endpoint);
    await put(pubsub, ...many(20));
    const { code, said } = await followInProcess(urlOf(pubsub), emulator.endpoint);
    expect({ code, said }).toEqual({ code: 0, said: 'got 20\nclosed\n' });
    const received = await receive(await open(pubsub), (message) => message.ack());
    await received.until(20);
    await pubsub.close();
  }, 60_000);
});

it('without credentials a queue is denied by name, and the process does not die of it', async () => {
  const { code, said } = await followInProcess('pubsub:some-project/builds', undefined);
  expect(said).toMatch(/^denied .*application default credentials/);
  expect(code).toBe(0);
}, 60_000);

/** Takes 20 messages and closes, in a process of its own; what it said, once it has ended by itself. */
async function followInProcess(url: string, endpoint: string | undefined) {
  const program = `
    const { openQueue } = await import('./pipeline/backends/queue/index.ts');
    const [url, endpoint] = ${JSON.stringify([url, endpoint ?? null])};
    const queue = await openQueue(url, { nowMs: Date.now, timeoutMs: 10_000, ...(endpoint && { endpoint }) });
    const end = new AbortController();
    let got = 0;
    const onMessage = () => { got += 1; if (got === 20) end.abort(); };
    const limits = { messagesMax: 100, bytesMax: 1e6, leaseMaxMs: 3_600_000 };
    await queue.receive({ onMessage, signal: end.signal, ...limits }).then(
      () => console.log('got ' + got),
      (error) => console.log(error.code, error.remedy));
    await queue.close();
    console.log('closed');`;
  const child = spawn('npx', ['tsx', '--input-type=module', '-e', program], {
    // Credentials that cannot be read: whoever looks for them fails.
    env: {
      ...process.env,
      GOOGLE_APPLICATION_CREDENTIALS: 'no-such-file.json',
      METADATA_SERVER_DETECTION: 'none',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const [code] = await once(child, 'close');
  return { code: code as number | null, said };
}
