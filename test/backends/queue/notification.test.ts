import { describe, expect, it } from 'vitest';
import { readNotification } from '../../../pipeline/backends/queue/notification.ts';

/** As Cloud Storage sends them. */
const GOOD = {
  notificationConfig: 'projects/_/buckets/kubernetes-ci-logs/notificationConfigs/3',
  eventType: 'OBJECT_FINALIZE',
  payloadFormat: 'JSON_API_V1',
  bucketId: 'kubernetes-ci-logs',
  objectId: 'logs/ci-job/1948564050363289600/finished.json',
  objectGeneration: '1753408846123456',
  eventTime: '2025-07-25T02:00:46.123456Z',
};

describe('notifications of a bucket', () => {
  it('a written object is an event', () => {
    expect(readNotification(GOOD, 1_753_408_847_000)).toEqual({
      event: {
        type: 'finalized',
        bucketUrl: 'gs://kubernetes-ci-logs',
        object: 'logs/ci-job/1948564050363289600/finished.json',
        generation: '1753408846123456',
        publishedMs: 1_753_408_847_000,
      },
    });
  });

  it.each(['OBJECT_DELETE', 'OBJECT_ARCHIVE', 'OBJECT_METADATA_UPDATE', 'SOMETHING_NEW'])(
    '%s is an event of another kind',
    (eventType) => {
      expect(readNotification({ ...GOOD, eventType }, 0).event?.type).toBe('other');
    },
  );

  it('the payload format does not matter', () => {
    expect(readNotification({ ...GOOD, payloadFormat: 'NONE' }, 0).event).toBeDefined();
  });

  it.each([['eventType'], ['bucketId'], ['objectId'], ['objectGeneration']])(
    'without %s it is none, and the problem names it',
    (name) => {
      for (const attributes of [{ ...GOOD, [name]: '' }, without(name)]) {
        const { event, problem } = readNotification(attributes, 0);
        expect(event).toBeUndefined();
        expect(problem).toContain(name);
      }
    },
  );

  it.each([
    ['no attributes', {}],
    ['attributes of another kind', { googclient_schemaencoding: 'JSON' }],
    ['a bucket that is a path', { ...GOOD, bucketId: '../../etc' }],
    ['a bucket with a scheme', { ...GOOD, bucketId: 'gs://bucket' }],
    ['a long bucket', { ...GOOD, bucketId: 'b'.repeat(300) }],
    ['a generation that is no number', { ...GOOD, objectGeneration: '1e9' }],
    ['a negative generation', { ...GOOD, objectGeneration: '-1' }],
    ['a long generation', { ...GOOD, objectGeneration: '1'.repeat(400) }],
    ['a name longer than a bucket takes', { ...GOOD, objectId: 'é'.repeat(513) }],
    ['a name of two lines', { ...GOOD, objectId: 'a\nb' }],
    ['a name with a NUL', { ...GOOD, objectId: 'a\0b' }],
  ])('%s is a problem of one short line, never an error', (_name, attributes) => {
    const { event, problem } = readNotification(attributes, 0);
    expect(event).toBeUndefined();
    expect(problem).toMatch(/^no bucket notification: [^\n\0]{1,140}$/);
  });

  it('names of objects stay as they are', () => {
    for (const objectId of ['a b', '100%25', '#?&', '日本語', '__proto__', '../x', 'é'.repeat(512)])
      expect(readNotification({ ...GOOD, objectId }, 0).event?.object).toBe(objectId);
  });
});

function without(name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(GOOD).filter(([key]) => key !== name));
}
