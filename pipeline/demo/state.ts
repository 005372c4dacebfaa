import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SamovarError } from '../errors.ts';

/** Lies in the demo bucket itself, where no job is. */
export const STATE_FILE = 'demo/demo.json';

/** What is known of a demo bucket from the run that made it. */
export interface DemoState {
  readonly seed: number;
  /** Builds are counted back from here; a whole minute, epoch milliseconds. */
  readonly anchorMs: number;
  /** Every build that ended until then is written; absent while the first filling is under way. */
  readonly filledToMs?: number;
}

/** Undefined when there is no demo yet. Throws `malformed` for a file that is not ours. */
export async function readState(dir: string): Promise<DemoState | undefined> {
  const path = join(dir, STATE_FILE);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new SamovarError('storage', `${path} could not be read, so the demo bucket was not made`, {
      subject: path,
      cause: error,
    });
  }
  const state = parseState(text);
  if (state !== undefined) return state;
  const remedy = `Remove ${dir}/demo and ${dir}/demo-legacy if they hold nothing but the demo.`;
  throw new SamovarError(
    'malformed',
    `${path} does not describe a demo bucket: ${JSON.stringify(text.slice(0, 80))}`,
    { subject: path, remedy },
  );
}

function parseState(text: string): DemoState | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { seed, anchorMs, filledToMs } = parsed as Record<string, unknown>;
  if (!isWhole(seed) || !isWhole(anchorMs)) return undefined;
  return { seed, anchorMs, ...(isWhole(filledToMs) && { filledToMs }) };
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
