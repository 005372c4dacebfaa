import { BigQuery, type BigQueryOptions, type Dataset } from '@google-cloud/bigquery';
import { SamovarError } from '../../errors.ts';
import type { CallOptions } from '../bucket/contract.ts';
import { requestError } from './bigquery-errors.ts';
import type { WarehouseDriverOptions } from './contract.ts';

export interface Place {
  readonly project: string;
  readonly dataset: string;
}

/** What every part of the driver works with. */
export interface Connection {
  readonly url: string;
  readonly client: BigQuery;
  readonly dataset: Dataset;
  readonly place: Place;
  readonly options: WarehouseDriverOptions;
}

export function connect(url: string, place: Place, options: WarehouseDriverOptions): Connection {
  const { location, endpoint, timeoutMs } = options;
  const settings: BigQueryOptions & {
    readonly timeout: number;
    readonly useAuthWithCustomEndpoint?: boolean;
  } = {
    projectId: place.project,
    // One attempt a call: retries are the load stage's, which knows what may be asked twice.
    retryOptions: { autoRetry: false },
    timeout: timeoutMs,
    ...(location !== undefined && { location }),
    ...(endpoint !== undefined && {
      apiEndpoint: endpoint,
      authClient: emulatorAuth(),
      useAuthWithCustomEndpoint: true,
    }),
  };
  const client = new BigQuery(settings);
  refusePages(client);
  return {
    url,
    client,
    dataset: client.dataset(place.dataset, location === undefined ? {} : { location }),
    place,
    options,
  };
}

type Done = (error: Error | null, body?: unknown, ...rest: unknown[]) => void;

/**
 * A page where JSON belongs, a proxy's or a sign-in's with status 200, becomes an error: the library reads fields of whatever came,
 * and an exception in its callbacks ends the process.
 */
function refusePages(client: BigQuery): void {
  const request = client.request.bind(client) as (options: unknown, done: Done) => unknown;
  const guarded = (options: unknown, done: Done) =>
    request(options, (error, body, ...rest) => {
      const page = typeof body === 'string' && body.trim() !== '';
      if (error || !page) return done(error, body, ...rest);
      return done(
        Object.assign(new Error(`a page came instead of JSON: ${body.slice(0, 100)}`), { code: 502 }),
      );
    });
  Object.assign(client, { request: guarded });
}

/**
 * Emulators want no account, but the library crashes on uploads that come without authorization headers, and without an auth
 * client of ours it would look for credentials and send real ones to whatever listens there.
 */
function emulatorAuth(): BigQueryOptions['authClient'] {
  const client = { getRequestHeaders: async () => new Headers({ authorization: 'Bearer emulator' }) };
  return client as unknown as BigQueryOptions['authClient'];
}

/**
 * Runs `body` under a deadline and the caller's signal; its signal is aborted by whichever comes first. Throws the library's
 * errors as ours.
 */
export async function bounded<T>(
  { url }: Connection,
  what: string,
  { signal, timeoutMs }: CallOptions & { readonly timeoutMs: number },
  body: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const subject = `${url}: ${what}`;
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  const either = signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]);
  try {
    if (either.aborted) throw new Error('aborted');
    return await beforeAbort(body(either), either);
  } catch (error) {
    if (signal?.aborted === true)
      throw new SamovarError('aborted', `${subject}: given up, the run is ending`, { subject: url });
    if (deadline.signal.aborted)
      throw new SamovarError('timeout', `${subject}: not done within ${timeoutMs} ms`, { subject: url });
    throw requestError(subject, url, error);
  } finally {
    clearTimeout(timer);
  }
}

/** The library takes no signal: an answer that comes after the abort is let go. */
function beforeAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(new Error('aborted'));
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
