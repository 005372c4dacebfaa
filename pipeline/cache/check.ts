import { SamovarError } from '../errors.ts';
import type { CacheParts } from './parts.ts';

export interface Migrated {
  readonly provider: string;
  /** Written anew in today's shape. */
  readonly migrated: number;
  /** Could not be: stale. */
  readonly stale: number;
}

/** Writes entries of older versions in today's shape; what cannot be is marked stale and wanted again. */
export function migrateEntries(
  _parts: CacheParts,
  _options: { readonly dryRun: boolean },
): readonly Migrated[] {
  throw new SamovarError('internal', 'not there yet');
}
