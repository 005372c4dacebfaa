import { SamovarError } from '../../../errors.ts';
import type { CacheHosts } from '../../../store/cache-hosts.ts';
import type { HostBudgets } from './budgets.ts';

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface UpstreamRequest {
  readonly etag?: string;
  readonly lastModified?: string;
  /** Never logged, and never sent to another origin. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 64 MB, unpacked. */
  readonly bytesMax?: number;
}

export type UpstreamAnswer<T> =
  | {
      readonly kind: 'value';
      readonly value: T;
      readonly etag?: string;
      readonly lastModified?: string;
      readonly bytes: number;
    }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'absent'; readonly reason: string };

/** Upstreams over HTTP, each host within its budget over all processes of the database. */
export interface HttpUpstream {
  getJson(url: string, request?: UpstreamRequest): Promise<UpstreamAnswer<Json>>;
  getText(url: string, request?: UpstreamRequest): Promise<UpstreamAnswer<string>>;
  close(): Promise<void>;
}

export interface HttpUpstreamOptions {
  readonly hosts: CacheHosts;
  readonly budgets: HostBudgets;
  readonly nowMs: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
  /** With a contact: a URL or an address. */
  readonly userAgent: string;
  /** For one answer, from the request's begin to its last byte; default 60 s. Connecting has 10 s. */
  readonly timeoutMs?: number;
  readonly signal: AbortSignal;
  /** Calls in all for one answer; default 3. */
  readonly attemptsMax?: number;
  /** Base of the pauses between them; default 1 s. */
  readonly retryBaseMs?: number;
  readonly onRequest?: (event: RequestEvent) => void;
}

export interface RequestEvent {
  readonly host: string;
  /** Without what may be secret. */
  readonly url: string;
  /** Undefined: no answer came. */
  readonly status: number | undefined;
  readonly durationMs: number;
  readonly bytes: number;
}

export function openUpstream(_options: HttpUpstreamOptions): HttpUpstream {
  throw new SamovarError('internal', 'not there yet');
}
