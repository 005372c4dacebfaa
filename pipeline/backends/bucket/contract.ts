/**
 * Object storage as the stages see it. Drivers make one attempt per call, within its deadline, and throw a
 * `SamovarError` whose code says whether another attempt may help; retries are the collector's (collect/resilient.ts).
 *
 * Glossary: an *object* is a named sequence of bytes; its *generation* changes whenever its bytes do; a *prefix* is the
 * start of a name, and with a delimiter also the part of a name up to the next `/`.
 */

export interface BucketObject {
  readonly name: string;
  /** Stored size in bytes: the compressed one when `contentEncoding` is gzip. */
  readonly size: number;
  /** Changes with every rewrite. Opaque; compare for equality only. */
  readonly generation: string;
  /** Milliseconds since the epoch of the last write; absent when the server leaves it out. */
  readonly updatedMs?: number;
  /** Custom metadata (`x-goog-meta-*` without the prefix); only when `metadata` was asked for. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface CallOptions {
  /** Aborts the call: the run is ending. */
  readonly signal?: AbortSignal;
  /** No answer, or no next byte of a body, within this time is a `timeout`. */
  readonly timeoutMs?: number;
}

export interface ListOptions extends CallOptions {
  /** Fold names after the next `/` into prefixes. */
  readonly delimited?: boolean;
  /** Names (and prefixes) below this one in byte order are left out; inclusive. */
  readonly startOffset?: string;
  /** Names from this one on are left out. */
  readonly endOffset?: string;
  /** A hint: the server may filter by this glob (`**`, `*`, `?`, `[]`, `{}`), the caller filters again. */
  readonly matchGlob?: string;
  /** Ask for custom metadata too. */
  readonly metadata?: boolean;
  /** Largest page wanted; servers may give fewer, and may give empty pages that still have a next one. */
  readonly pageSize?: number;
  readonly pageToken?: string;
}

export interface ListPage {
  readonly objects: readonly BucketObject[];
  /** Full names, each ending in `/`, in byte order. */
  readonly prefixes: readonly string[];
  readonly nextPageToken?: string;
}

export interface ReadOptions extends CallOptions {
  /** Answer `'unchanged'` instead of the bytes when the object still has this generation. */
  readonly unlessGeneration?: string;
  /** Objects larger than this (in decoded bytes) are a `too-large`. */
  readonly bytesMax?: number;
}

export interface ReadResult {
  /** Decoded bytes: a Content-Encoding is undone. */
  readonly bytes: Uint8Array;
  readonly generation: string;
  readonly updatedMs?: number;
}

export interface ObjectStream {
  readonly generation: string;
  /** Decoded bytes. Ends early with an error, never silently: a short body is a `network` error. */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface WriteOptions extends CallOptions {
  /** Only when the object has this generation; `'0'` = only when it does not exist. Else `conflict`. */
  readonly ifGeneration?: string;
  readonly contentType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface RemoveOptions extends CallOptions {
  /** Only when the object has this generation. Else `conflict`. */
  readonly ifGeneration?: string;
}

/** One bucket. The only file a stage imports to reach object storage. */
export interface Bucket {
  /** Without a trailing slash: `gs://name`, `file:some/dir`. `url + '/' + object.name` is an object's URL. */
  readonly url: string;
  /** One page of objects under `prefix` in byte order (UTF-8). An absent prefix is an empty page. */
  list(prefix: string, options?: ListOptions): Promise<ListPage>;
  /** One object whole; `undefined` when it does not exist: a build without finished.json is an answer. */
  read(name: string, options?: ReadOptions): Promise<ReadResult | 'unchanged' | undefined>;
  /** One object as it arrives; `undefined` when it does not exist. */
  stream(name: string, options?: CallOptions): Promise<ObjectStream | undefined>;
  /** Creates or replaces one object; gives its new generation. Readers see the old bytes or the new, never a part. */
  write(name: string, bytes: Uint8Array, options?: WriteOptions): Promise<string>;
  /** Removes one object. One that is not there was removed already: no error, whatever generation was named. */
  remove(name: string, options?: RemoveOptions): Promise<void>;
  close(): Promise<void>;
}

/** What a driver tells about each request it sends, for counters and logs. */
export interface RequestEvent {
  /** `write` is a removal too. */
  readonly kind: 'list' | 'read' | 'write';
  readonly bytes: number;
  readonly durationMs: number;
  /** HTTP status, or 0 where there was none. */
  readonly status: number;
}

export interface BucketDriverOptions {
  readonly timeoutMs: number;
  /** Sockets per bucket. */
  readonly connections: number;
  readonly onRequest?: (event: RequestEvent) => void;
  /** gs: only. Another server than Google's, e.g. an emulator: `http://127.0.0.1:4443`. */
  readonly endpoint?: string;
  /** gs: only. Never ask for credentials. */
  readonly anonymous?: boolean;
}
