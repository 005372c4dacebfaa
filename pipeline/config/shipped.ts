import { readFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SamovarError } from '../errors.ts';
import type { JsonSchema } from './schema.ts';

/**
 * A file that comes with Samovar, by its path in the project: `config/tables.yaml`. Found from this module's own place, which
 * is two folders down in the sources and in the built form alike; given relative to the working directory when inside it.
 */
export function shippedFile(path: string): string {
  const absolute = fileURLToPath(new URL(`../../${path}`, import.meta.url));
  const near = relative('', absolute);
  return near.startsWith('..') ? absolute : near;
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
