import type { Database } from 'better-sqlite3';

/** Logins by user, the last one that was seen of each. */
export interface Logins {
  get(id: bigint): string | undefined;
  put(id: bigint, login: string): void;
  /** What is known may have changed. */
  forget(): void;
}

/** The same users write most of a repository's comments: kept, they are not looked up for each. About 5 MB. */
const KEPT_MAX = 50_000;

export function openLogins(db: Database): Logins {
  const get = db.prepare<[bigint], string>('SELECT login FROM corpus_user WHERE id = ?').pluck();
  const put = db.prepare(
    'INSERT INTO corpus_user(id, login) VALUES (?, ?) ON CONFLICT DO UPDATE SET login = excluded.login',
  );
  const kept = new Map<bigint, string | undefined>();
  return {
    get: (id) => {
      // What a transaction changed may yet be taken back.
      if (db.inTransaction) return get.get(id);
      if (kept.has(id)) return kept.get(id);
      if (kept.size >= KEPT_MAX) kept.clear();
      const login = get.get(id);
      kept.set(id, login);
      return login;
    },
    put: (id, login) => {
      if (get.get(id) === login) return;
      put.run(id, login);
      kept.clear();
    },
    forget: () => kept.clear(),
  };
}
