import { type Notification, Storage, type StorageOptions } from '@google-cloud/storage';
import { SamovarError } from '../../errors.ts';
import type { SetupStep } from '../setup/contract.ts';
import type { BucketDriverOptions } from './contract.ts';
import { connectionError, field, statusError } from './gs-errors.ts';

const EVENT = 'OBJECT_FINALIZE';

export interface NotificationSetup {
  /** Of the bucket, without `gs://`. */
  readonly bucket: string;
  /** Objects whose names begin so. */
  readonly prefix: string;
  /** `projects/p/topics/t` */
  readonly topic: string;
}

type Options = Pick<BucketDriverOptions, 'timeoutMs' | 'endpoint'>;

/** That a bucket tells a topic of its new objects below a prefix. Never a second time. */
export function notificationStep({ bucket, prefix, topic }: NotificationSetup, options: Options): SetupStep {
  const place = `gs://${bucket}`;
  const storage = connect(options);
  const wanted = `//pubsub.googleapis.com/${topic}`;
  return {
    what: `notification of ${place}/${prefix} to ${topic}`,
    look: () =>
      asked(place, options, async () => {
        const [notifications] = await storage.bucket(bucket).getNotifications();
        const there = notifications.some((one) => covers(one, wanted, prefix));
        return there ? { state: 'there' } : { state: 'missing' };
      }),
    apply: () =>
      asked(place, options, async () => {
        const settings = { eventTypes: [EVENT], objectNamePrefix: prefix, payloadFormat: 'NONE' };
        await storage.bucket(bucket).createNotification(topic, settings);
      }),
  };
}

/** A wider notification does as well: two would tell everything twice. */
function covers({ metadata }: Notification, topic: string, prefix: string): boolean {
  const seen = metadata as {
    readonly topic?: string;
    readonly object_name_prefix?: string;
    readonly event_types?: readonly string[];
  };
  const events = seen.event_types ?? [];
  const wide = prefix.startsWith(seen.object_name_prefix ?? '');
  return seen.topic === topic && wide && (events.length === 0 || events.includes(EVENT));
}

/** The account that tells topics of objects of a bucket: its project's service agent for storage. */
export function storageAgent(bucket: string, options: Options): Promise<string> {
  return asked(`gs://${bucket}`, options, async () => {
    const [metadata] = await connect(options).bucket(bucket).getMetadata();
    return `service-${metadata.projectNumber}@gs-project-accounts.iam.gserviceaccount.com`;
  });
}

/** The number of a project, out of the name of its service agent. Undefined where this account may not see it. */
export async function projectNumber(projectId: string, options: Options): Promise<string | undefined> {
  const ask = () => connect(options).getServiceAccount({ projectIdentifier: projectId });
  const answer = await asked(`project ${projectId}`, options, ask).catch(() => undefined);
  return /^service-(\d+)@/.exec(answer?.[0].emailAddress ?? '')?.[1];
}

function connect({ endpoint, timeoutMs }: Options): Storage {
  const settings: StorageOptions = { retryOptions: { autoRetry: false }, timeout: timeoutMs };
  if (endpoint === undefined) return new Storage(settings);
  return new Storage({ ...settings, apiEndpoint: endpoint, projectId: 'emulator' });
}

async function asked<T>(subject: string, { timeoutMs }: Options, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new SamovarError('timeout', `${subject}: no answer within ${timeoutMs} ms`, { subject });
    timer = setTimeout(() => reject(error), timeoutMs);
  });
  try {
    return await Promise.race([work(), late]);
  } catch (cause) {
    if (cause instanceof SamovarError) throw cause;
    const status = Number(field(cause, 'code'));
    if (!(status >= 400 && status < 600)) throw connectionError(subject, cause, 0);
    const body = cause instanceof Error ? cause.message : '';
    throw statusError(subject, status, { anonymous: false, body });
  } finally {
    clearTimeout(timer);
  }
}
