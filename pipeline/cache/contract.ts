/**
 * Caches of what slow upstreams say, refreshed by schedule and on demand, and read without ever waiting for an upstream.
 *
 * Glossary: a *provider* is one kind of data with the way to get it; a *key* names one of its entries (a package; '' where the
 * provider has a single entry); an *entry* is the value kept for a key, with what is known of its age and its errors; a *job* is the
 * wish to refresh an entry, at most one for each; a *worker* carries jobs out, the *scheduler* makes those whose time has come; a
 * *subject* is somebody or something that was asked for (a user, a group, a package), whose entries are kept warm; a *generation*
 * counts the clears of a provider: what was fetched under an older one is not kept.
 */

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * single: one entry, of key ''. keyed: an entry a key, each fetched by itself or in batches. derived: made from other providers'
 * entries, without an upstream, all keys at once. retired: the upstream is gone; served as `empty`, never fetched.
 */
export type ProviderKind = 'single' | 'keyed' | 'derived' | 'retired';

export interface Provider {
  /** `[a-z][a-z0-9_]*`, at most 64 characters. */
  readonly name: string;
  readonly title: string;
  readonly kind: ProviderKind;
  /** What an entry's value must be: a JSON Schema. What does not fit is an error of the refresh; the old value stays. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** Of the value's shape. */
  readonly version: number;
  /** A value of an older version in today's shape; undefined: it cannot be, and the entry is stale. */
  readonly migrate?: (value: Json, version: number) => Json | undefined;
  readonly clocks: ProviderClocks;
  /** Jobs of this provider at once, over all workers. */
  readonly concurrency: number;
  /** Base URL of its upstream: its host's budget and breaker apply. Undefined: none. */
  readonly upstream?: string;
  readonly tags: readonly string[];
  /** Names of providers whose change makes this one's entries due again; also the order of warming. */
  readonly dependsOn: readonly string[];
  /** derived: of `dependsOn`, what it can be made without: an upstream that was dead from the first day must not keep back the rest. */
  readonly mayLack?: readonly string[];
  /** keyed: which keys are kept warm. */
  readonly keys?: KeyRule;
  /** Entries of keys of their own for those who may see them; never part of a public answer. */
  readonly isPrivate?: boolean;
  /** A new value of a size below this share of the old one's is not believed: 0.5. Undefined: believed. */
  readonly shrinkMin?: number;
  /** What `shrinkMin` compares: number of things in a value. */
  readonly sizeOf?: (value: Json) => number;
  /** single and keyed. */
  readonly fetch?: (request: FetchRequest) => Promise<Fetched>;
  /** keyed: several keys by one call, where the upstream can; `fetch` is not used then. A key without an answer is an error. */
  readonly fetchMany?: {
    readonly batchMax: number;
    readonly fetch: (
      request: FetchSurroundings & { readonly keys: readonly KeyWithPrevious[] },
    ) => Promise<ReadonlyMap<string, Fetched>>;
  };
  /** derived: every key and value there is to be, in any order; keys that are not given any more are removed. */
  readonly derive?: (request: DeriveRequest) => AsyncIterable<Derived> | Iterable<Derived>;
  /** Served for a key that nothing is cached of, where nothing is an answer: `[]`. */
  readonly empty?: Json;
}

export interface ProviderClocks {
  /** Younger than this: fresh. */
  readonly ttlMs: number;
  /** So long after that it is served while a refresh is under way. */
  readonly staleMs: number;
  /** So long after `ttlMs` it is served while refreshes fail; at least staleMs. Older: missing. */
  readonly errorMs: number;
  /** Between two scheduled refreshes; undefined: only when asked for. Spread by hash of provider and key. */
  readonly intervalMs?: number;
  /** An upstream's "there is no such thing" is believed so long. */
  readonly negativeMs: number;
}

/** seen: of the subjects asked for lately; all: every key that `of` names, from another provider's value; given: these. */
export type KeyRule =
  | { readonly rule: 'seen' }
  | { readonly rule: 'all'; readonly of: string }
  | { readonly rule: 'given'; readonly keys: readonly string[] };

export interface KeyWithPrevious {
  readonly key: string;
  readonly previous?: Previous;
}

/** What is cached of a key now. */
export interface Previous {
  readonly value: Json;
  readonly etag?: string;
  readonly lastModified?: string;
  readonly fetchedAtMs: number;
}

export interface FetchSurroundings {
  readonly http: Upstream;
  /** Another provider's entry, parsed; undefined: missing. */
  readonly read: (provider: string, key: string) => Json | undefined;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

export interface FetchRequest extends FetchSurroundings, KeyWithPrevious {}

export type Fetched =
  | {
      readonly kind: 'value';
      readonly value: Json;
      readonly etag?: string;
      readonly lastModified?: string;
      /** Further than the provider's. */
      readonly tags?: readonly string[];
      /** Items of the upstream that did not fit and were left out. */
      readonly leftOut?: number;
    }
  /** The upstream said that nothing changed (304). */
  | { readonly kind: 'unchanged' }
  /** The upstream knows no such thing (404, 410). */
  | { readonly kind: 'absent'; readonly reason: string };

export interface DeriveRequest extends Omit<FetchSurroundings, 'http'> {}

export interface Derived {
  readonly key: string;
  readonly value: Json;
}

/** Upstreams over HTTP: within each host's budget, by one collector. Throws SamovarError by errors.ts' codes; what may pass was tried again. */
export interface Upstream {
  getJson(url: string, options?: UpstreamOptions): Promise<UpstreamAnswer>;
  getText(url: string, options?: UpstreamOptions): Promise<UpstreamAnswer<string>>;
}

export interface UpstreamOptions {
  readonly etag?: string;
  readonly lastModified?: string;
  /** Never logged. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 64 MB, unpacked. */
  readonly bytesMax?: number;
}

export type UpstreamAnswer<T = Json> =
  | {
      readonly kind: 'value';
      readonly value: T;
      readonly etag?: string;
      readonly lastModified?: string;
      readonly bytes: number;
    }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'absent'; readonly reason: string };

/** How much a host may be asked. */
export interface HostBudget {
  /** Requests at once, over all processes of this cache. */
  readonly concurrency: number;
  /** Between the beginnings of two requests. */
  readonly gapMs: number;
  /** Failures in a row that open its breaker. */
  readonly failuresMax: number;
  /** How long an open breaker stays so before one request tries. */
  readonly openMs: number;
}

/** fresh: within ttl; stale: older, a refresh is wanted; error: older, and the last refresh failed; missing: nothing to serve. */
export type EntryState = 'fresh' | 'stale' | 'error' | 'missing';

/** What a read gives, at once. */
export interface CacheRead {
  readonly provider: string;
  readonly key: string;
  readonly state: EntryState;
  /** JSON text, as it was stored (or migrated); undefined: missing, or the upstream knows no such thing (`isAbsent`). */
  readonly json: string | undefined;
  /** The upstream said there is no such thing. */
  readonly isAbsent: boolean;
  /** When the value was last got, or found unchanged. Epoch milliseconds. */
  readonly checkedAtMs: number | undefined;
  /** When the value last changed. */
  readonly changedAtMs: number | undefined;
  readonly ageMs: number | undefined;
  readonly error?: { readonly code: string; readonly message: string; readonly atMs: number };
  /** Grows with every change of any entry of the store: of what is cached by this. */
  readonly seq: number;
}

/** Why a refresh is wanted, the most urgent first. */
export type JobReason = 'waiting' | 'manual' | 'dependency' | 'schedule';

/** How a job ended. */
export type JobOutcome =
  /** A new value. */
  | 'changed'
  /** 304, or an equal value. */
  | 'unchanged'
  | 'absent'
  /** To be tried again, or by the next schedule. */
  | 'failed'
  /** The lease was lost, or a clear came in between: nothing was written. */
  | 'superseded';
