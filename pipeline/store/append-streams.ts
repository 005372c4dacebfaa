import type { Database } from 'better-sqlite3';

/** Where a destination's next rows go. */
export interface StoredStream {
  readonly stream: string;
  /** Rows the stream has had. */
  readonly offset: number;
}

/** The write stream of each destination that has one, stored before anything is sent to it. */
export interface AppendStreamStore {
  get(destination: number): StoredStream | undefined;
  set(destination: number, place: StoredStream): void;
  /** The stream is ended: the next append opens another. */
  forget(destination: number): void;
}

export function openAppendStreams(db: Database): AppendStreamStore {
  const get = db.prepare<[number], StoredStream>(
    'SELECT stream, next_offset AS offset FROM append_stream WHERE destination = ?',
  );
  const set = db.prepare(
    `INSERT INTO append_stream(destination, stream, next_offset) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET stream = excluded.stream, next_offset = excluded.next_offset`,
  );
  const forget = db.prepare('DELETE FROM append_stream WHERE destination = ?');
  return {
    get: (destination) => get.get(destination),
    set: (destination, { stream, offset }) => {
      set.run(destination, stream, offset);
    },
    forget: (destination) => {
      forget.run(destination);
    },
  };
}
