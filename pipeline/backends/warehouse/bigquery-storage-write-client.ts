import { createRequire } from 'node:module';
import type * as Library from '@google-cloud/bigquery-storage';
import { SamovarError } from '../../errors.ts';
import { connectionError } from './bigquery-storage-write-errors.ts';

export type WriteClient = Library.v1.BigQueryWriteClient;

const ENDPOINT = /^(?:grpc:\/\/)?([^/]+):(\d{1,5})$/;
/** Longest wait before a lost connection is tried again: the library's own two minutes would outlast the outage. */
const RECONNECT_MS_MAX = 10_000;
const KEEPALIVE_MS = 30_000;
const KEEPALIVE_ANSWER_MS = 10_000;

let library: typeof Library | undefined;

/** Loaded when first needed: it takes half a second and 50 MB, and most commands never append. */
export function storageLibrary(): typeof Library {
  library ??= createRequire(import.meta.url)('@google-cloud/bigquery-storage') as typeof Library;
  return library;
}

/** One client at a time; a connection that stalled is left behind with its client. */
export interface Clients {
  /** A client that has its credentials. */
  get(): Promise<WriteClient>;
  /** The next `get` makes another; calls that run on this one may go on. Undefined: the one whose credentials do not come. */
  retire(client: WriteClient | undefined): void;
  close(): Promise<void>;
}

export function createClients(url: string, endpoint: string | undefined): Clients {
  let current: Promise<WriteClient> | undefined;
  const get = () => {
    // The library answers a call on a client without credentials by a rejection that nobody can catch: none is called.
    if (current !== undefined) return current;
    const made = initialized(url, endpoint);
    current = made;
    made.catch(() => {
      if (current === made) current = undefined;
    });
    return made;
  };
  const leave = (client: WriteClient) => client.close().catch(() => undefined);
  return {
    get,
    retire(client) {
      const was = current;
      if (client === undefined) current = undefined;
      const drop = (found: WriteClient) => {
        if (client !== undefined && found !== client) return;
        if (current === was) current = undefined;
        void leave(found);
      };
      was?.then(drop, () => undefined);
    },
    async close() {
      const client = await current?.catch(() => undefined);
      current = undefined;
      if (client !== undefined) await leave(client);
    },
  };
}

async function initialized(url: string, endpoint: string | undefined): Promise<WriteClient> {
  try {
    const client = endpoint === undefined ? googleClient() : localClient(endpoint);
    await client.initialize();
    return client;
  } catch (error) {
    throw connectionError('connecting to the Storage Write API', url, error);
  }
}

type Settings = NonNullable<ConstructorParameters<typeof Library.v1.BigQueryWriteClient>[0]>;

/** Each client has a connection of its own, so that one retired takes a dead connection with it. */
const CHANNEL: Settings = {
  'grpc.keepalive_time_ms': KEEPALIVE_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_ANSWER_MS,
  'grpc.max_reconnect_backoff_ms': RECONNECT_MS_MAX,
  'grpc.use_local_subchannel_pool': 1,
} as Settings;

function googleClient(): WriteClient {
  return new (storageLibrary().v1.BigQueryWriteClient)(CHANNEL);
}

/** Without TLS and without credentials: none of the user's are looked for, and none are sent. */
function localClient(endpoint: string): WriteClient {
  const { BigQueryWriteClient } = storageLibrary().v1;
  const [, servicePath, port] = ENDPOINT.exec(endpoint) ?? [];
  if (servicePath === undefined)
    throw new SamovarError('config', `${JSON.stringify(endpoint)} is no address of a Storage Write server`, {
      subject: endpoint,
      remedy: 'Write host:port, e.g. 127.0.0.1:9060.',
    });
  const settings: Settings = {
    ...CHANNEL,
    servicePath,
    port: Number(port),
    clientOptions: { universeDomain: 'googleapis.com' },
  };
  // The gRPC that the library works with makes the credentials: those of another copy are none to it.
  const probe = new BigQueryWriteClient(settings) as unknown as {
    readonly _gaxGrpc: { readonly grpc: { readonly credentials: { createInsecure(): unknown } } };
  };
  const sslCreds = probe._gaxGrpc.grpc.credentials.createInsecure();
  return new BigQueryWriteClient({ ...settings, sslCreds } as Settings);
}
