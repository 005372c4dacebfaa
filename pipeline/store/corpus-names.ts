import type { Database } from 'better-sqlite3';
import { mergeMilestone } from '../records/mutation/merge-parts.ts';
import type { Label, Milestone, User } from '../records/mutation/types.ts';
import type { Names } from './corpus-issue-json.ts';
import { type Logins, openLogins } from './corpus-logins.ts';

/** Names of users, labels and milestones: by id, the last one that was said. */
export interface NameStore {
  login(id: bigint): string | undefined;
  labels(repo: number): readonly Label[];
  milestones(repo: number): readonly Milestone[];
  /** Looks each name up once, until somebody changes one: for one reading, not to be kept. */
  reader(repo: number): Names;
  /** By the names that the last `reader` saw. */
  user(id: bigint): User;
  /** Writes each name once: for one transaction, not to be kept. */
  writer(repo: number): NameWriter;
  clear(repo: number): void;
}

export interface NameWriter {
  user(user: User): void;
  label(label: Label): void;
  milestone(milestone: Milestone): void;
  removeLabel(id: bigint): void;
  removeMilestone(id: bigint): void;
}

/** Names kept while writing: past so many the writer forgets them, which costs time and nothing else. */
const KEPT_MAX = 50_000;

interface MilestoneRow {
  readonly id: bigint;
  readonly title: string;
  readonly number: bigint | null;
  readonly closed: bigint | null;
}

export function openNames(db: Database): NameStore {
  const sql = statements(db);
  const logins = openLogins(db);
  const readers = keptReaders(db, { forget: logins.forget, make: (repo) => reader(sql, repo, logins) });
  return {
    login: logins.get,
    labels: (repo) => sql.labels.all(repo).map(({ id, name }) => ({ id, name })),
    milestones: (repo) => sql.milestones.all(repo).map(milestoneOf),
    reader: readers.of,
    user: (id) => ({ id, login: logins.get(id) || undefined }),
    writer: (repo) => {
      readers.forget();
      return writer(sql, repo, logins);
    },
    clear: (repo) => {
      readers.forget();
      sql.clearLabels.run(repo);
      sql.clearMilestones.run(repo);
    },
  };
}

type Statements = ReturnType<typeof statements>;

function statements(db: Database) {
  return {
    label: db
      .prepare<[number, bigint], string>('SELECT name FROM corpus_label WHERE repo = ? AND id = ?')
      .pluck(),
    labels: db
      .prepare<[number], { id: bigint; name: string }>(
        'SELECT id, name FROM corpus_label WHERE repo = ? ORDER BY id',
      )
      .safeIntegers(),
    putLabel: db.prepare('INSERT OR REPLACE INTO corpus_label(repo, id, name) VALUES (?, ?, ?)'),
    removeLabel: db.prepare('DELETE FROM corpus_label WHERE repo = ? AND id = ?'),
    clearLabels: db.prepare('DELETE FROM corpus_label WHERE repo = ?'),
    milestone: db
      .prepare<[number, bigint], MilestoneRow>(
        'SELECT id, title, number, closed FROM corpus_milestone WHERE repo = ? AND id = ?',
      )
      .safeIntegers(),
    milestones: db
      .prepare<[number], MilestoneRow>(
        'SELECT id, title, number, closed FROM corpus_milestone WHERE repo = ? ORDER BY id',
      )
      .safeIntegers(),
    putMilestone: db.prepare(
      'INSERT OR REPLACE INTO corpus_milestone(repo, id, title, number, closed) VALUES (?, ?, ?, ?, ?)',
    ),
    removeMilestone: db.prepare('DELETE FROM corpus_milestone WHERE repo = ? AND id = ?'),
    clearMilestones: db.prepare('DELETE FROM corpus_milestone WHERE repo = ?'),
  };
}

function milestoneOf({ id, title, number, closed }: MilestoneRow): Milestone {
  return {
    id,
    title: title || undefined,
    number: number ?? undefined,
    closed: closed === null ? undefined : { val: closed !== 0n },
  };
}

/** Readers are kept until this process writes names or another one writes anything. */
function keptReaders(
  db: Database,
  { make, forget }: { readonly make: (repo: number) => Names; readonly forget: () => void },
) {
  const version = db.prepare<[], number>('PRAGMA data_version').pluck();
  const kept = new Map<number, Names>();
  let keptOf = version.get();
  return {
    forget: () => kept.clear(),
    of: (repo: number) => {
      // What a transaction changed may yet be taken back.
      if (db.inTransaction) return make(repo);
      const now = version.get();
      if (now !== keptOf) {
        kept.clear();
        forget();
      }
      keptOf = now;
      const names = kept.get(repo) ?? make(repo);
      kept.set(repo, names);
      return names;
    },
  };
}

function reader(sql: Statements, repo: number, logins: Logins): Names {
  return {
    user: (id) => ({ id, login: logins.get(id) || undefined }),
    label: remembered((id) => {
      const name = sql.label.get(repo, id);
      return name === undefined ? undefined : { id, name: name || undefined };
    }),
    milestone: remembered((id) => {
      const row = sql.milestone.get(repo, id);
      if (row === undefined) return 'none';
      const { title, number } = milestoneOf(row);
      return { id, title, number };
    }),
  };
}

function remembered<T>(look: (id: bigint) => T): (id: bigint) => T {
  const known = new Map<bigint, T>();
  return (id) => {
    if (known.has(id)) return known.get(id) as T;
    const found = look(id);
    known.set(id, found);
    return found;
  };
}

function writer(sql: Statements, repo: number, everyone: Logins): NameWriter {
  const logins = new Map<bigint, string>();
  const labels = new Map<bigint, string>();
  return {
    user: ({ id, login }) => {
      if (!login || logins.get(id) === login) return;
      if (logins.size >= KEPT_MAX) logins.clear();
      everyone.put(id, login);
      logins.set(id, login);
    },
    label: ({ id, name }) => {
      if (id === 0n) return;
      const said = name ?? '';
      if (labels.has(id) && (said === '' || labels.get(id) === said)) return;
      if (labels.size >= KEPT_MAX) labels.clear();
      const known = sql.label.get(repo, id);
      const next = said || (known ?? '');
      if (known !== next) sql.putLabel.run(repo, id, next);
      labels.set(id, next);
    },
    milestone: (said) => {
      if (said.id === 0n) return;
      const row = sql.milestone.get(repo, said.id);
      const next = mergeMilestone(row && milestoneOf(row), said);
      const closed = next.closed === undefined ? null : Number(next.closed.val);
      sql.putMilestone.run(repo, next.id, next.title ?? '', next.number ?? null, closed);
    },
    removeLabel: (id) => {
      sql.removeLabel.run(repo, id);
      labels.delete(id);
    },
    removeMilestone: (id) => {
      sql.removeMilestone.run(repo, id);
    },
  };
}
