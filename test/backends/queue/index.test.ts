import { describe, expect, it } from 'vitest';
import { openQueue, parseSubscription, queueUrlOf } from '../../../pipeline/backends/queue/index.ts';

const OPTIONS = { nowMs: Date.now, timeoutMs: 1_000 };

describe('names of queues', () => {
  it.each([
    ['projects/my-project/subscriptions/builds', 'my-project', undefined, 'builds'],
    ['my-project/my-topic/builds', 'my-project', 'my-topic', 'builds'],
    ['my-project/builds', 'my-project', undefined, 'builds'],
    ['example.com:my-project/topic/a.B_c~d+e%f-1', 'example.com:my-project', 'topic', 'a.B_c~d+e%f-1'],
  ])('%s is read', (path, project, topic, subscription) => {
    expect(parseSubscription(path)).toEqual({ project, topic, subscription });
    expect(queueUrlOf(path)).toBe(`pubsub:${project}/${subscription}`);
  });

  it.each([
    '',
    '/',
    'my-project',
    'my-project/',
    'my-project//builds',
    'projects/my-project/topics/builds',
    'projects/my-project/subscriptions/builds/more',
    'My-Project/builds',
    'my-project/ab',
    'my-project/1builds',
    'my-project/google-builds',
    'my-project/bui lds',
    'my-project/builds\n',
    'my-project/../builds',
    `my-project/${'b'.repeat(256)}`,
  ])('%j names no subscription, and the error says what to write', async (path) => {
    const refused = { code: 'config', remedy: expect.stringContaining('project/topic/subscription') };
    expect(() => parseSubscription(path)).toThrow(expect.objectContaining(refused));
    await expect(openQueue(`pubsub:${path}`, OPTIONS)).rejects.toMatchObject(refused);
  });

  it.each(['', 'kafka:a/b', 'my-project/builds', 'gs://bucket', 'file:', 'PUBSUB:my-project/builds'])(
    '%j names no queue, and the error says what to write',
    async (url) => {
      await expect(openQueue(url, OPTIONS)).rejects.toMatchObject({
        code: 'config',
        remedy: expect.stringMatching(/pubsub:PROJECT\/SUBSCRIPTION or file:DIRECTORY/),
      });
    },
  );
});
