import type { Database } from 'better-sqlite3';

/** How far the listing of each job has come: everything up to the cursor is stored or has a dead letter. */
export interface CursorStore {
  rootId(url: string): number;
  findRoot(url: string): number | undefined;
  get(root: number, job: string): string | undefined;
  set(root: number, job: string, lastBuild: string): void;
}

export function openCursors(db: Database): CursorStore {
  const addRoot = db.prepare('INSERT INTO root(url) VALUES (?) ON CONFLICT DO NOTHING');
  const root = db.prepare<[string], number>('SELECT id FROM root WHERE url = ?').pluck();
  const get = db
    .prepare<[number, string], string>('SELECT last_build FROM cursor WHERE root = ? AND job = ?')
    .pluck();
  const set = db.prepare(
    'INSERT INTO cursor(root, job, last_build) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last_build = excluded.last_build',
  );
  return {
    rootId: (url) => {
      const known = root.get(url);
      if (known !== undefined) return known;
      return Number(addRoot.run(url).lastInsertRowid);
    },
    findRoot: (url) => root.get(url),
    get: (rootId, job) => get.get(rootId, job),
    set: (rootId, job, lastBuild) => {
      set.run(rootId, job, lastBuild);
    },
  };
}
