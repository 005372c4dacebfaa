import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { openBucket } from '../../../pipeline/backends/bucket/index.ts';
import { openQueue } from '../../../pipeline/backends/queue/index.ts';
import { testQueue } from '../../conformance/queue.ts';
import { emulatorOrSkip, type PubSubEmulator, startPubSubEmulator } from '../../support/emulators.ts';
import { createPubSub } from '../../support/pubsub.ts';
import type { QueueUnderTest } from '../../support/queue-suite.ts';

const BUCKET = 'ci-logs';
const OPTIONS = { nowMs: Date.now, timeoutMs: 10_000 };

testQueue(
  {
    name: 'file:',
    counts: true,
    gaps: {
      'what was neither acknowledged nor handed back comes again in the next run':
        'nothing is kept between runs: a listing finds it',
    },
  },
  async (): Promise<QueueUnderTest> => {
    const root = await mkdtemp(join(tmpdir(), 'samovar-queue-'));
    const url = `file://${root}`;
    const bucket = openBucket(url, { timeoutMs: 10_000, connections: 1 });
    return {
      open: () => openQueue(url, OPTIONS),
      openMissing: () => openQueue(`${url}/none`, OPTIONS),
      bucketUrl: url,
      put: (object) => bucket.write(object, Buffer.from(object)),
      close: async () => {
        await bucket.close();
        await rm(root, { recursive: true });
      },
    };
  },
);

const found = emulatorOrSkip('pubsub');
const suite = 'skip' in found ? describe.skip : describe;

suite(`pubsub${'skip' in found ? ` (${found.skip})` : ''}`, () => {
  let emulator: PubSubEmulator;
  beforeAll(async () => {
    emulator = await startPubSubEmulator();
  });
  afterAll(() => emulator?.stop());
  testQueue({ name: 'pubsub:', counts: true }, async (): Promise<QueueUnderTest> => {
    const { endpoint } = emulator;
    const pubsub = await createPubSub(endpoint, { deadLetterAfter: 100 });
    const [, , subscription] = pubsub.path.split('/');
    let generation = 1_700_000_000_000_000;
    return {
      open: () => openQueue(`pubsub:${pubsub.project}/${subscription}`, { ...OPTIONS, endpoint }),
      openMissing: () => openQueue(`pubsub:${pubsub.project}/none`, { ...OPTIONS, endpoint }),
      bucketUrl: `gs://${BUCKET}`,
      put: async (object) => {
        generation += 1;
        const own = String(generation);
        await pubsub.publish({ object, bucket: BUCKET, generation: own });
        return own;
      },
      close: pubsub.close,
    };
  });
});
