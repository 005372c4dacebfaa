import { Storage } from '@google-cloud/storage';
import { SamovarError } from '../../errors.ts';

/** What Google's libraries would send; nothing of a key or a token is among it. */
export interface FoundCredentials {
  /** `service account`, `authorized user`, `metadata server`, … */
  readonly kind: string;
  /** The account's e-mail address, where the credentials tell it. */
  readonly account: string | undefined;
}

const NONE = 'Could not load the default credentials';

/**
 * Looks for Google's application default credentials, and has them make a token. Undefined: there are none. Throws `config` for
 * a key that cannot be used, `denied` where no token is given for it.
 */
export async function findCredentials(timeoutMs: number): Promise<FoundCredentials | undefined> {
  const auth = new Storage({ timeout: timeoutMs }).authClient;
  let client: Awaited<ReturnType<typeof auth.getClient>>;
  try {
    client = await auth.getClient();
  } catch (cause) {
    // The words of a cause may quote what is in the file: they are left out.
    const words = cause instanceof Error ? cause.message : '';
    if (words.includes(NONE)) return undefined;
    throw new SamovarError('config', 'the Google credentials cannot be used', {
      remedy: 'Check the file that GOOGLE_APPLICATION_CREDENTIALS names, or log in anew.',
    });
  }
  const kind = client.constructor.name;
  try {
    await client.getRequestHeaders();
  } catch {
    throw new SamovarError('denied', `the ${kindOf(kind)} gets no token`, {
      remedy:
        'Renew it: `gcloud auth application-default login`, or a new key; and see the clock of this machine.',
    });
  }
  const { email } = client as { readonly email?: unknown };
  return { kind: kindOf(kind), account: typeof email === 'string' ? email : undefined };
}

const KINDS: Readonly<Record<string, string>> = {
  JWT: 'service account',
  UserRefreshClient: 'authorized user',
  Compute: 'metadata server',
  Impersonated: 'impersonated account',
};

/** Library's classes in words; others are federated in one way or another. */
function kindOf(name: string): string {
  return KINDS[name] ?? (name.includes('Client') ? 'federated identity' : 'account');
}
