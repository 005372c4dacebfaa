import { SamovarError } from '../../errors.ts';

/** What fails is told to visitors in these words alone; its cause is for the log. */
export async function failing<T>(text: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw failure(text, error);
  }
}

export function failure(text: string, cause: unknown): SamovarError {
  return new SamovarError(cause instanceof SamovarError ? cause.code : 'internal', text, { cause });
}
