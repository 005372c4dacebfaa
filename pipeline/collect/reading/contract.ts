import type { JunitFileRecord, RawFile } from '../../store/junit.ts';
import type { StoredRow } from '../../store/rows.ts';
import type { RowHead } from '../row.ts';

/** What is kept of one JUnit file. */
export interface ReadFile {
  readonly record: JunitFileRecord;
  readonly raw: RawFile;
}

/** A build's row, and its files in byte order of their names. */
export interface ReadBuild {
  readonly row: Omit<StoredRow, 'build'>;
  readonly files: readonly ReadFile[];
}

/** One build whose files are being read. End it with `finish` or `discard`. */
export interface BuildReading {
  /**
   * Reads one file from its start to its end; resolves when its bytes are read, so that who waits holds back what comes. A file read
   * again replaces itself. Rejects with what the body throws: then nothing of the file is kept. A body that is there whole is given
   * away: its bytes may be gone afterwards.
   */
  read(file: FileName, body: Body): Promise<void>;
  /** The row of these documents and of all files read. */
  finish(head: RowHead): Promise<ReadBuild>;
  /** Gives up; nothing may follow. */
  discard(): void;
}

/** Whole, or as it comes. */
export type Body = Uint8Array | AsyncIterable<Uint8Array>;

export interface FileName {
  /** Relative to the build: `artifacts/junit_01.xml`. */
  readonly name: string;
  readonly generation: string;
}

/** Turns JUnit files into rows: where, on this thread or on others, is nobody's business but the one's who makes it. */
export interface BuildReaders {
  /** So many read at once; `threads` is the setting of builds under way. */
  readonly count: number;
  begin(): BuildReading;
  close(): Promise<void>;
}
