import { PubSub, v1 } from '@google-cloud/pubsub';
import { SamovarError } from '../../errors.ts';
import type { QueueDriverOptions } from './contract.ts';
import { pubSubError } from './pubsub-errors.ts';

/** gRPC's code of a passed deadline. */
const DEADLINE_EXCEEDED = 4;

/**
 * A client that has its credentials: the library answers a call on one without them by a rejection that nobody can catch, which
 * ends the process. For another server than Google's none of the user's are looked for, and none are sent.
 */
export async function connect(url: string, projectId: string, options: QueueDriverOptions): Promise<PubSub> {
  const { endpoint, timeoutMs } = options;
  if (endpoint !== undefined) {
    const clientOptions = { universeDomain: 'googleapis.com' };
    return new PubSub({ projectId, apiEndpoint: endpoint, emulatorMode: true, clientOptions });
  }
  const { auth } = new v1.SubscriberClient({ projectId });
  const asked = auth.getClient().catch((cause: unknown) => {
    throw new SamovarError('denied', `${url}: there are no credentials to read it with`, {
      subject: url,
      remedy:
        'Set up application default credentials: a service account on GKE, or GOOGLE_APPLICATION_CREDENTIALS.',
      cause,
    });
  });
  try {
    await inTime(asked, timeoutMs);
  } catch (error) {
    throw pubSubError(url, 'looking for credentials', error);
  }
  // With these, not with its own: what was found once is not looked for again.
  return new PubSub({ projectId, auth });
}

/** Rejects with a plain error, whose code is gRPC's, when the time is over. */
export function inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: DEADLINE_EXCEEDED });
    timer = setTimeout(() => reject(error), timeoutMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
