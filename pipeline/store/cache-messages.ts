import type { Database } from 'better-sqlite3';

export const CACHE_MESSAGE_TABLES = `
  -- What operators tell everybody who looks at a dashboard.
  CREATE TABLE cache_message(
    -- Never given twice: a browser may remember that a message was put away.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    text TEXT NOT NULL,
    severity TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT;
`;

/** A message of the day. */
export interface Message {
  readonly id: number;
  readonly text: string;
  readonly severity: string;
}

export interface MessageStore {
  /** The oldest first. */
  list(): readonly Message[];
  /** Undefined: there are `max` already. */
  add(message: Omit<Message, 'id'>, max: number): Message | undefined;
  /** All at once in place of what was there. */
  replace(messages: readonly Omit<Message, 'id'>[]): readonly Message[];
  /** False: there is no such message. */
  remove(id: number): boolean;
}

export function openCacheMessages(db: Database, nowMs: () => number): MessageStore {
  const list = db.prepare<[], Message>('SELECT id, text, severity FROM cache_message ORDER BY id');
  const count = db.prepare<[], number>('SELECT count(*) FROM cache_message').pluck();
  const insert = db.prepare<[string, string, number], Message>(
    'INSERT INTO cache_message(text, severity, created_at) VALUES (?, ?, ?) RETURNING id, text, severity',
  );
  const removeAll = db.prepare('DELETE FROM cache_message');
  const remove = db.prepare<[number]>('DELETE FROM cache_message WHERE id = ?');
  const insertOne = ({ text, severity }: Omit<Message, 'id'>) =>
    insert.get(text, severity, nowMs()) as Message;
  const add = db.transaction((message: Omit<Message, 'id'>, max: number) =>
    Number(count.get()) >= max ? undefined : insertOne(message),
  );
  const replace = db.transaction((messages: readonly Omit<Message, 'id'>[]) => {
    removeAll.run();
    return messages.map(insertOne);
  });
  return {
    list: () => list.all(),
    add: (message, max) => add.immediate(message, max),
    replace: (messages) => replace.immediate(messages),
    remove: (id) => remove.run(id).changes > 0,
  };
}
