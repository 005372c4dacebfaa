import { SamovarError } from '../errors.ts';
import type { Cache } from './engine.ts';
import type { CacheParts } from './parts.ts';

/** The cache of these providers. Throws `config` for a provider that cannot be: its name, its clocks, what it depends on. */
export function openCache(_parts: CacheParts): Cache {
  throw new SamovarError('internal', 'not there yet');
}
