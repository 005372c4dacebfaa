import type { Storage } from '@google-cloud/storage';
import type { BucketDriverOptions, RequestEvent } from './contract.ts';
import type { Credentials } from './gs-auth.ts';
import type { HttpClient } from './gs-http.ts';

/** What every call of one open gs: bucket shares. */
export interface GsContext {
  readonly url: string;
  readonly name: string;
  /** The storage client, made when it is first needed: reading its library takes longer than listing a quiet bucket. */
  readonly storage: () => Storage;
  readonly credentials: Credentials;
  readonly http: HttpClient;
  /** Path of the bucket's objects: `/storage/v1/b/NAME/o`. */
  readonly objectsPath: string;
  readonly options: BucketDriverOptions;
}

/** Tells the owner of the bucket about one request. */
export function report(context: GsContext, event: RequestEvent): void {
  context.options.onRequest?.(event);
}
