import { SamovarError } from '../errors.ts';

/**
 * How results are printed: what --format says, `jsonName` for --json, else `standard`. Throws `config` when the two ask for different
 * things.
 */
export function formatOf<F extends string>(
  { format, json }: { readonly format?: F | undefined; readonly json?: boolean | undefined },
  { jsonName, standard }: { readonly jsonName: F; readonly standard: F },
): F {
  if (json === true && format !== undefined && format !== jsonName)
    throw new SamovarError('config', `--json and --format ${format} ask for two things`, {
      remedy: 'Leave one of them out.',
    });
  return format ?? (json === true ? jsonName : standard);
}
