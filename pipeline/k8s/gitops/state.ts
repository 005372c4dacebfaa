import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SamovarError } from '../../errors.ts';
import type { Change, Person, Request } from './command.ts';

export interface Frozen {
  readonly repo: string;
  readonly stage: string;
  readonly reason: string;
  readonly by: Person;
  readonly atMs: number;
}

/** A change that waits: for others' approval, or for its requester to confirm. */
export interface Waiting {
  readonly id: string;
  readonly request: Request;
  readonly change: Change;
  /** What would change, when it was asked for: if that differs later, it is not made. */
  readonly edits: readonly string[];
  readonly expiresMs: number;
  /** 0: the requester confirms. */
  readonly count: number;
  readonly from: readonly string[];
  readonly votes: readonly Person[];
}

export interface BotState {
  readonly freezes: readonly Frozen[];
  readonly waiting: readonly Waiting[];
}

/** What the bot remembers beside git. */
export interface StateStore {
  read(): Promise<BotState>;
  /** One update at a time, of all processes. The work may throw: nothing changes then. */
  update<T>(work: (state: BotState) => readonly [BotState, T]): Promise<T>;
}

const EMPTY: BotState = { freezes: [], waiting: [] };
const LOCK_TRIES_MAX = 100;
const LOCK_DELAY_MS = 50;
/** An update takes milliseconds: a lock that is older was left behind. */
const LOCK_MS_MAX = 10_000;

export function memoryState(): StateStore {
  let state = EMPTY;
  return {
    read: async () => state,
    update: async (work) => {
      const [next, result] = work(state);
      state = next;
      return result;
    },
  };
}

/** Where nothing is kept, what would have to be remembered is refused: a freeze that ends with the process would be none. */
export function noState(): StateStore {
  return {
    read: async () => EMPTY,
    update: async () => {
      throw new SamovarError('config', 'this has to be remembered, and stateFolder is not set', {
        remedy: 'Set stateFolder; or say --yes, for a change that only its requester confirms.',
      });
    },
  };
}

export interface FileStateOptions {
  readonly folder: string;
  readonly sleep: (ms: number) => Promise<void>;
  readonly nowMs: () => number;
}

export function fileState({ folder, sleep, nowMs }: FileStateOptions): StateStore {
  const file = join(folder, 'gitops-state.json');
  const lock = `${file}.lock`;
  const take = async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (let tries = 0; tries < LOCK_TRIES_MAX; tries += 1) {
      const handle = await open(lock, 'wx').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return undefined;
        throw broken(file, error);
      });
      if (handle !== undefined) return handle.close();
      const age = await stat(lock)
        .then(({ mtimeMs }) => nowMs() - mtimeMs)
        .catch(() => 0);
      if (age > LOCK_MS_MAX) await rm(lock, { force: true });
      else await sleep(LOCK_DELAY_MS);
    }
    throw new SamovarError('storage', `${lock} is held by another process`, { subject: lock });
  };
  return {
    read: () => readState(file),
    update: async (work) => {
      await take();
      try {
        const [next, result] = work(await readState(file));
        await writeState(file, next);
        return result;
      } finally {
        await rm(lock, { force: true });
      }
    },
  };
}

async function readState(file: string): Promise<BotState> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw broken(file, error);
  });
  if (text === undefined) return EMPTY;
  try {
    return { ...EMPTY, ...(JSON.parse(text) as BotState) };
  } catch (cause) {
    // To go on without it would forget what is frozen.
    throw broken(file, cause);
  }
}

async function writeState(file: string, state: BotState): Promise<void> {
  const part = `${file}.part`;
  try {
    const handle = await open(part, 'w', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(state, undefined, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(part, file);
  } catch (cause) {
    throw broken(file, cause);
  }
}

function broken(file: string, cause: unknown): SamovarError {
  return new SamovarError('storage', `what is frozen and what waits cannot be kept in ${file}`, {
    subject: file,
    remedy: 'Correct the file or its folder, or move the file away to begin with nothing frozen.',
    cause,
  });
}
