import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SamovarError } from '../errors.ts';
import type { JsonSchema } from './schema.ts';

/**
 * A file that comes with Samovar, by its path in the project: `config/tables.yaml`. Found from this module's own place, be it a source,
 * a built module or a bundle; given relative to the working directory when inside it.
 */
export function shippedFile(path: string): string {
  const absolute = join(root(), path);
  const near = relative('', absolute);
  return near.startsWith('..') ? absolute : near;
}

/** The nearest folder above that is a package: ours. */
function root(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder))
    if (existsSync(join(folder, 'package.json')) || folder === dirname(folder)) return folder;
}

/** What package.json says. */
export function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(shippedFile('package.json'), 'utf8')) as { version: string };
  return version;
}

/** One of schemas/config: `readSchema('buckets')`. */
export async function readSchema(name: string): Promise<JsonSchema> {
  const file = shippedFile(`schemas/config/${name}.json`);
  try {
    return JSON.parse(await readFile(file, 'utf8')) as JsonSchema;
  } catch (cause) {
    const remedy = 'The installation is incomplete: run `npm ci && npm run build` again, or check the image.';
    throw new SamovarError('config', `cannot read ${file}, which comes with Samovar`, {
      subject: file,
      remedy,
      cause,
    });
  }
}
