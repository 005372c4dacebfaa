import { existsSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** More than any process of any system has. */
const DEAD = 999_999_999;

/** A folder's lock as the death of its process leaves it: whoever was not closed in this process counts as killed. */
export function leftByDead(folder: string, host: string = hostname()): void {
  const lock = join(folder, '.writer');
  if (existsSync(lock)) writeFileSync(lock, JSON.stringify({ process: DEAD, host }));
}
