import { SamovarError } from '../errors.ts';

/** Whether a query failed for want of its table, as each warehouse says it. */
export function isNoTable(error: unknown): boolean {
  if (!(error instanceof SamovarError)) return false;
  return /Table with name .* does not exist|Table not found|Not found: Table/i.test(error.message);
}

export function noTable(table: string): SamovarError {
  return new SamovarError('missing', `the warehouse has no table "${table}" to ask`, {
    subject: table,
    remedy:
      'Run `samovar update` to fill it, or name another with --table or another warehouse with --warehouse.',
  });
}
