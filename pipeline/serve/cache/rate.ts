import { isIPv6 } from 'node:net';
import type { RateOptions } from './options.ts';

/** Milliseconds until the client may ask again; 0: it may now, and that one is counted. */
export type RateLimit = (client: string, nowMs: number) => number;

interface Bucket {
  tokens: number;
  atMs: number;
}

/** A token bucket for each client. The table is bounded: the longest unheard client goes first, and begins anew when it returns. */
export function createRateLimit({ perSecond, burst, clientsMax }: RateOptions): RateLimit {
  const buckets = new Map<string, Bucket>();
  return (client, nowMs) => {
    const last = buckets.get(client) ?? { tokens: burst, atMs: nowMs };
    // A clock that goes backwards gives nothing.
    const gained = (Math.max(0, nowMs - last.atMs) / 1_000) * perSecond;
    const tokens = Math.min(burst, last.tokens + gained);
    const allowed = tokens >= 1;
    buckets.delete(client);
    buckets.set(client, { tokens: allowed ? tokens - 1 : tokens, atMs: nowMs });
    if (buckets.size > clientsMax) dropOldest(buckets);
    return allowed ? 0 : Math.ceil(((1 - tokens) / perSecond) * 1_000);
  };
}

function dropOldest(buckets: Map<string, Bucket>): void {
  for (const client of buckets.keys()) {
    buckets.delete(client);
    return;
  }
}

/**
 * Who asks: the address of the connection, or what the nearest of so many trusted proxies saw. Of IPv6 the network: one house has
 * 2^64 addresses.
 */
export function clientOf(remote: string | undefined, forwarded: string | undefined, proxies: number): string {
  const seen = (forwarded ?? '').split(',').map((part) => part.trim());
  const address = proxies > 0 ? (seen.at(-proxies) ?? '') : '';
  const client = (address || remote || 'unknown').replace(/^::ffff:/, '').slice(0, 64);
  return isIPv6(client) ? networkOf(client) : client;
}

function networkOf(address: string): string {
  const [head = '', tail] = address.split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => '0');
  return [...first, ...zeros, ...last].slice(0, 4).join(':');
}
