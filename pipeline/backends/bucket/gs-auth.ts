import type { Storage } from '@google-cloud/storage';
import { SamovarError } from '../../errors.ts';
import { field, timeoutError } from './gs-errors.ts';

/** How long the first call waits for a metadata server to show itself; the library alone waits 3 s on a laptop. */
const SEARCH_MS = 1_000;
const NO_CREDENTIALS = 'Could not load the default credentials';

/** Authorization for requests that go around the storage client. */
export interface Credentials {
  /** Headers to send, {} when anonymous. Throws `config` (unusable key file), `denied`, `network` or `timeout`. */
  headers(timeoutMs: number): Promise<Readonly<Record<string, string>>>;
  /** True once it is known that there are none. */
  anonymous(): boolean;
}

export const ANONYMOUS: Credentials = { headers: async () => ({}), anonymous: () => true };

type AuthClient = Awaited<ReturnType<Storage['authClient']['getClient']>>;

/**
 * Credentials as the storage client finds them (environment, gcloud's file, metadata server), looked for once, at the first
 * call. A search that takes longer than SEARCH_MS counts as anonymous only until it ends: a slow metadata server is still
 * used as soon as it has answered.
 */
export function createCredentials(auth: Storage['authClient'], subject: string): Credentials {
  let client: AuthClient | undefined;
  let failure: SamovarError | undefined;
  let searching: Promise<void> | undefined;
  const search = async () => {
    try {
      client = await auth.getClient();
    } catch (cause) {
      if (cause instanceof Error && cause.message.includes(NO_CREDENTIALS)) return;
      const remedy = 'Check the file GOOGLE_APPLICATION_CREDENTIALS names.';
      failure = new SamovarError('config', `${subject}: the Google credentials cannot be used`, {
        subject,
        remedy,
        cause,
      });
    }
  };
  return {
    anonymous: () => client === undefined,
    headers: async (timeoutMs) => {
      searching ??= Promise.race([search(), sleep(SEARCH_MS)]);
      await searching;
      if (failure !== undefined) throw failure;
      return client === undefined ? {} : token(client, timeoutMs, subject);
    },
  };
}

async function token(
  client: AuthClient,
  timeoutMs: number,
  subject: string,
): Promise<Record<string, string>> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(timeoutError(`${subject} (asking for a token)`, timeoutMs, false, 0)),
      timeoutMs,
    );
  });
  try {
    return { ...(await Promise.race([client.getRequestHeaders(), deadline])) };
  } catch (cause) {
    if (cause instanceof SamovarError) throw cause;
    const status = field(field(cause, 'response'), 'status');
    const code = status === undefined || Number(status) >= 500 ? 'network' : 'denied';
    // The cause may quote the request, key and all: only its message is kept.
    const why = cause instanceof Error ? cause.message : 'no reason given';
    throw new SamovarError(code, `${subject}: no token for the Google account (${why})`, { subject });
  } finally {
    clearTimeout(timer);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
