import type { BucketEvent } from './contract.ts';

/** Google's limit of an object's name. */
const NAME_BYTES_MAX = 1_024;

export type Notification =
  | { readonly event: BucketEvent; readonly problem?: undefined }
  | { readonly event?: undefined; readonly problem: string };

/**
 * The event in the attributes of a Cloud Storage notification. The data is not looked at: attributes are there whatever the
 * notification's payload format. What is missing or wrong is a problem, never an error: anybody who may publish can send anything.
 */
export function readNotification(
  attributes: Readonly<Record<string, string>>,
  publishedMs: number,
): Notification {
  const { eventType, bucketId, objectId, objectGeneration } = attributes;
  const missing = ['eventType', 'bucketId', 'objectId', 'objectGeneration'].filter(
    (name) => !attributes[name],
  );
  if (missing.length > 0 || !eventType || !bucketId || !objectId || !objectGeneration)
    return { problem: `no bucket notification: without ${missing.join(', ')}` };
  if (!/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(bucketId))
    return { problem: `no bucket notification: ${shown(bucketId)} is no bucket's name` };
  if (!/^\d{1,20}$/.test(objectGeneration))
    return { problem: `no bucket notification: ${shown(objectGeneration)} is no generation` };
  if (Buffer.byteLength(objectId) > NAME_BYTES_MAX || /[\r\n\0]/.test(objectId))
    return { problem: `no bucket notification: ${shown(objectId)} is no object's name` };
  return {
    event: {
      type: eventType === 'OBJECT_FINALIZE' ? 'finalized' : 'other',
      bucketUrl: `gs://${bucketId}`,
      object: objectId,
      generation: objectGeneration,
      publishedMs,
    },
  };
}

const shown = (text: string) => JSON.stringify(text.slice(0, 100));
