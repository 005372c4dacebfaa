import type { BigIntStats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { generationOf, TEMPORARY_PREFIX } from '../bucket/file-generation.ts';

/** When a new folder is looked at once more: a folder is read before it is watched, and what comes in between tells nobody. */
const LOOK_AGAIN_MS = [250, 2_500];
/** A file that is written piece by piece changes many times: it is looked at once in so long. */
const SETTLE_MS = 20;
/** Files whose last generation is remembered, so that one write is told once. */
const TOLD_MAX = 50_000;

export interface FolderNews {
  /** A file has a generation that was not told before. */
  readonly onFile: (path: string, stats: BigIntStats) => void;
  /** Every folder is watched. */
  readonly onReady: () => void;
  readonly onError: (error: unknown) => void;
}

export interface FolderWatch {
  close(): Promise<void>;
}

/**
 * Tells of every file under `root` that is created or replaced. Only folders are watched, which takes one watch of the system for
 * each; a folder's own events name the file. Links to folders are not followed.
 */
export function watchFolder(root: string, news: FolderNews): FolderWatch {
  const watcher = watch(root, {
    ignoreInitial: true,
    followSymlinks: false,
    // Else files that look like an editor's would be left out.
    atomic: false,
    ignored: (path, stats) => isTemporary(path) || (stats !== undefined && !stats.isDirectory()),
  });
  const look = createLook(news);
  const recheck = createRecheck({ watcher, look: look.now, onError: news.onError });
  watcher
    .on('addDir', (path) => path !== root && recheck.add(path))
    .on('raw', (_kind, name, details) => {
      const { watchedPath } = (details ?? {}) as { readonly watchedPath?: unknown };
      if (typeof name === 'string' && typeof watchedPath === 'string' && !isTemporary(name))
        look.soon(join(watchedPath, name));
    })
    .on('ready', () => void recheck.missed(root).then(news.onReady))
    .on('error', news.onError);
  return {
    close: () => {
      look.stop();
      recheck.stop();
      return watcher.close();
    },
  };
}

const isTemporary = (path: string) => basename(path).startsWith(TEMPORARY_PREFIX);

interface Look {
  /** When the file has been left alone for a moment. */
  soon(path: string): void;
  now(path: string): Promise<void>;
  stop(): void;
}

function createLook({ onFile, onError }: FolderNews): Look {
  const told = new Map<string, string>();
  const timers = new Map<string, NodeJS.Timeout>();
  let stopped = false;
  const now = async (path: string) => {
    try {
      const stats = await stat(path, { bigint: true });
      const generation = generationOf(stats);
      if (stopped || !stats.isFile() || told.get(path) === generation) return;
      told.delete(path);
      told.set(path, generation);
      const oldest = told.keys().next();
      if (told.size > TOLD_MAX && oldest.done !== true) told.delete(oldest.value);
      onFile(path, stats);
    } catch (error) {
      // What is gone again, or never was more than a link to nothing, is no news.
      if (!isAbsence(error)) onError(error);
    }
  };
  return {
    now,
    soon: (path) => {
      if (stopped || timers.has(path)) return;
      const look = () => {
        timers.delete(path);
        void now(path);
      };
      timers.set(path, setTimeout(look, SETTLE_MS));
    },
    stop: () => {
      stopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}

interface Recheck {
  /** A folder that is new: its files are looked at again, and folders in it that nobody told of are watched too. */
  add(folder: string): void;
  /** Folders that came while their parent was read for the first time. */
  missed(root: string): Promise<void>;
  stop(): void;
}

function createRecheck(around: {
  readonly watcher: FSWatcher;
  readonly look: (path: string) => Promise<void>;
  readonly onError: (error: unknown) => void;
}): Recheck {
  const { watcher, look, onError } = around;
  /** New folders that are still to be looked at: those in them are known. */
  const fresh = new Set<string>();
  const timers = new Set<NodeJS.Timeout>();
  let stopped = false;
  /** One folder after the other: a burst of new builds must not fill the disk's queue. */
  let line = Promise.resolve();
  const adopt = (folder: string) => {
    watcher.add(folder);
    add(folder);
  };
  const visit = async (folder: string, last: boolean) => {
    try {
      for (const entry of await readdir(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name);
        if (stopped) return;
        if (isTemporary(path)) continue;
        if (!entry.isDirectory()) await look(path);
        else if (!fresh.has(path)) adopt(path);
      }
    } catch (error) {
      if (!isAbsence(error)) onError(error);
    }
    if (last) fresh.delete(folder);
  };
  const add = (folder: string) => {
    if (stopped || fresh.has(folder)) return;
    fresh.add(folder);
    for (const [at, delayMs] of LOOK_AGAIN_MS.entries()) {
      const last = at === LOOK_AGAIN_MS.length - 1;
      const timer = setTimeout(() => {
        timers.delete(timer);
        line = line.then(() => visit(folder, last));
      }, delayMs);
      timers.add(timer);
    }
  };
  return {
    add,
    missed: async (root) => {
      for (const [folder, known] of Object.entries(watcher.getWatched())) {
        if (stopped) return;
        if (folder !== root && !folder.startsWith(root.endsWith(sep) ? root : root + sep)) continue;
        const names = new Set(known);
        const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
        for (const entry of entries)
          if (entry.isDirectory() && !names.has(entry.name) && !isTemporary(entry.name))
            adopt(join(folder, entry.name));
      }
    },
    stop: () => {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

function isAbsence(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(String((error as { readonly code?: unknown }).code));
}
