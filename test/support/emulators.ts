import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const VARIABLES = { gcs: 'SAMOVAR_GCS_SERVER', bigquery: 'SAMOVAR_BIGQUERY_EMULATOR' } as const;

/** Path of an emulator's binary: from its variable, else as `scripts/emulators path NAME` prints it; undefined when there is none. */
export function emulatorPath(name: keyof typeof VARIABLES): string | undefined {
  const set = process.env[VARIABLES[name]];
  if (set !== undefined && set !== '') return set;
  if (!existsSync('scripts/emulators')) return undefined;
  const asked = spawnSync('scripts/emulators', ['path', name], { encoding: 'utf8', timeout: 10_000 });
  return asked.status === 0 ? asked.stdout.trim() : undefined;
}
