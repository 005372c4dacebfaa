import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { SamovarError } from '../errors.ts';

const NAME = '.writer';

/** Locks of this process: after a container was started again its number may be that of the one which died. */
const mine = new Set<string>();

interface Holder {
  readonly process: number;
  readonly host: string;
}

export interface LockOptions {
  /** Whether one of another machine, of which it cannot be seen from here whether it lives, has no claim any more. Default: it has. */
  readonly isForsaken?: () => Promise<boolean>;
}

/**
 * Takes the one right to write to a folder; the function given back returns it. That of a process of this machine that has died is taken
 * over. Throws `conflict` with who holds it.
 */
export async function lockFolder(
  folder: string,
  { isForsaken = async () => false }: LockOptions = {},
): Promise<() => Promise<void>> {
  const file = join(folder, NAME);
  while (!(await tryLock(file))) {
    const holder = await readHolder(file);
    if (holder === undefined) continue;
    const isOfAnother = holder.host !== hostname();
    if (isOfAnother ? !(await isForsaken()) : isAlive(holder, file)) throw held(folder, file, holder);
    // Only one of those who find it dead moves it away.
    const stale = `${file}.${process.pid}.stale`;
    await rename(file, stale).catch(() => undefined);
    await rm(stale, { force: true });
  }
  mine.add(file);
  return async () => {
    // Another machine may have it by now.
    const holder = await readHolder(file);
    if (holder?.process === process.pid && holder.host === hostname()) await rm(file, { force: true });
    mine.delete(file);
  };
}

/** Written under another name first: whoever finds the lock finds who holds it. */
async function tryLock(file: string): Promise<boolean> {
  const own = `${file}.${process.pid}`;
  try {
    await writeFile(own, JSON.stringify({ process: process.pid, host: hostname() }), { mode: 0o600 });
    await link(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new SamovarError('storage', `${file}, which says who writes to the log, could not be made`, {
      subject: file,
      remedy: 'Check that the folder exists and that this user may write to it.',
      cause: error,
    });
  } finally {
    await rm(own, { force: true });
  }
}

/** Undefined: it is gone by now. One that says nothing lost its bytes with the power. */
async function readHolder(file: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Holder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    return { process: 0, host: hostname() };
  }
}

/** One of this machine. */
function isAlive({ process: pid }: Holder, file: string): boolean {
  if (pid === 0) return false;
  if (pid === process.pid) return mine.has(file);
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function held(folder: string, file: string, { process: pid, host }: Holder): SamovarError {
  return new SamovarError('conflict', `the log in ${folder} is written by process ${pid} on ${host}`, {
    subject: folder,
    remedy: `One process at a time writes to a log: stop it. Where it is dead already, remove ${file}.`,
  });
}
