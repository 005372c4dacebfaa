/** The mutation log of one repository, as jobs see it. Words: records/mutation/types.ts. */

/** Where a record begins. */
export interface LogPosition {
  readonly segment: number;
  /** In bytes from the segment's beginning; a record's header names it. */
  readonly offset: number;
}

export interface LogRecord extends LogPosition {
  /** Offset of the byte after it. */
  readonly end: number;
  /** A protobuf `Mutation`, as it is in the log: whoever copies a record copies this. */
  readonly payload: Uint8Array;
}

export interface LogSegment {
  readonly number: number;
  /** In bytes, headers included. */
  readonly size: number;
  /** Lowercase hex, of all its bytes. */
  readonly sha224: string;
  /** Of the object or file. */
  readonly name: string;
  /** The last one: it may become longer. */
  readonly growing: boolean;
}

export interface LogCallOptions {
  readonly signal?: AbortSignal;
}

export interface ReadLogOptions extends LogCallOptions {
  /** The end of the last record that is known (`{segment, offset: end}`); default: the beginning. */
  readonly from?: LogPosition;
}

/** Where a log can be read from: a bucket, a folder of daily files, another server. */
export interface LogSource {
  readonly url: string;
  segments(options?: LogCallOptions): Promise<readonly LogSegment[]>;
  /**
   * Records in order, as they are read: memory does not grow with the log. Throws `invalid` with segment and offset where a record
   * is torn or wrong, or a segment does not have its hash; `history-split` where `from` is not a place in this log.
   */
  read(options?: ReadLogOptions): AsyncIterable<LogRecord>;
}

/** The only one that may write to a log. */
export interface LogWriter {
  /** The end of the log: where the next record will begin. */
  end(): LogPosition;
  /**
   * Adds records. When it returns they are in a synced local file and are never lost; the bucket has them after the next `flush`.
   * Throws `conflict` when another writer has taken the log over.
   */
  append(payloads: readonly Uint8Array[]): Promise<readonly LogRecord[]>;
  /** Brings the bucket up to date: upload, then manifest, then the old object's removal. */
  flush(options?: LogCallOptions): Promise<void>;
  /** All segments, the growing one as it is locally. */
  segments(): readonly LogSegment[];
  /** Records of the whole log, those not yet in the bucket too. */
  read(options?: ReadLogOptions): AsyncIterable<LogRecord>;
  /** Bytes of a segment: of the growing one as it is locally. */
  bytes(segment: number, range: { readonly start: number; readonly end: number }): Promise<Uint8Array>;
  /** Flushes, gives the log up, and closes. */
  close(): Promise<void>;
}
