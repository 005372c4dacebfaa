import { guess } from '../config/similar.ts';
import { loadTables } from '../config/tables.ts';
import type { Context } from '../context.ts';
import { SamovarError } from '../errors.ts';

/** An error about a table that the warehouse does not have, with the configured table that may have been meant; any other as it is. */
export async function withTableGuess(
  { settings }: Pick<Context, 'settings'>,
  table: string,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof SamovarError) || error.code !== 'missing' || error.subject !== table) return error;
  const hint = guess(
    table,
    (await loadTables(settings.tablesFile)).map(({ name }) => name),
  );
  const remedy = `${hint}${error.remedy ?? ''}`;
  return new SamovarError('missing', error.message, { subject: table, remedy, cause: error.cause });
}
