import { readFileSync } from 'node:fs';
import { SamovarError } from '../errors.ts';
import type { Settings } from './settings.ts';
import type { Environment } from './sources.ts';

/** What must never be printed, logged, or given on a command line. */
export type SecretName =
  | 'github_tokens'
  | 'webhook_secret'
  | 'api_key'
  | 'cache_admin_token'
  | 'motd_password'
  | 'session_key'
  | 'oidc_client_secret'
  | 'bugzilla_api_key'
  /** Of a provider's headers: SAMOVAR_PROVIDER_NAME. */
  | `provider:${string}`;

const VARIABLES: Readonly<Record<Exclude<SecretName, `provider:${string}`>, readonly string[]>> = {
  github_tokens: ['SAMOVAR_GITHUB_TOKENS', 'GITHUB_TOKEN'],
  webhook_secret: ['SAMOVAR_WEBHOOK_SECRET'],
  api_key: ['SAMOVAR_API_KEY'],
  cache_admin_token: ['SAMOVAR_CACHE_ADMIN_TOKEN'],
  motd_password: ['SAMOVAR_MOTD_PASSWORD', 'MOTD_PASSWORD'],
  session_key: ['SAMOVAR_SESSION_KEY', 'SECRET_KEY'],
  oidc_client_secret: ['SAMOVAR_OIDC_CLIENT_SECRET'],
  bugzilla_api_key: ['SAMOVAR_BUGZILLA_API_KEY', 'BZ_API_KEY'],
};

/** A secret of the environment, else of the file that the settings name, without white space around it. Throws `config` when the file cannot be read. */
export function readSecret(name: SecretName, settings: Settings, env: Environment): string | undefined {
  for (const variable of variablesOf(name)) {
    const value = env[variable]?.trim();
    if (value) return value;
  }
  const file = fileOf(name, settings);
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new SamovarError('config', `the secret ${name} cannot be read from ${file}`, {
      subject: file,
      remedy: `Make the file readable, or set ${variablesOf(name)[0]}.`,
      cause,
    });
  }
}

function variablesOf(name: SecretName): readonly string[] {
  if (isProviders(name)) return [`SAMOVAR_PROVIDER_${name.slice(name.indexOf(':') + 1)}`];
  return VARIABLES[name];
}

const isProviders = (name: SecretName): name is `provider:${string}` => name.startsWith('provider:');

function fileOf(name: SecretName, { mutationLog }: Settings): string | undefined {
  if (name === 'github_tokens') return mutationLog.githubTokenFile;
  return name === 'webhook_secret' ? mutationLog.webhookSecretFile : undefined;
}
