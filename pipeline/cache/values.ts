import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { crc32, deflateRaw, inflateRawSync } from 'node:zlib';
import type { CacheStore } from '../store/cache.ts';
import type { ReadRow } from '../store/cache-entries.ts';
import type { Json, Provider } from './contract.ts';
import type { Registry } from './registry.ts';

/** From here on a value is deflated: smaller ones are read by thousands at once. */
const PLAIN_BYTES_MAX = 16 * 1024;
const HASH_BYTES = 16;
/** A text that takes time to inflate is kept for the next read, so many of them. */
const TEXTS_MAX = 32;

export interface StoredValue {
  readonly value: string | Buffer;
  readonly sum: number;
  readonly hash: Buffer;
  readonly size: number;
}

const deflate = promisify(deflateRaw);

export async function storedValue(text: string): Promise<StoredValue> {
  const digest = Buffer.from(hash('sha256', text, 'hex').slice(0, HASH_BYTES * 2), 'hex');
  const bytes = Buffer.byteLength(text);
  if (bytes <= PLAIN_BYTES_MAX) return { value: text, sum: crc32(text), hash: digest, size: bytes };
  const packed = await deflate(text, { level: 4 });
  return { value: packed, sum: crc32(packed), hash: digest, size: packed.length };
}

/** Number of things in a value: what a shrinking is seen by. */
export function thingsOf(provider: Provider, value: Json, text: string): number {
  if (provider.sizeOf !== undefined) return provider.sizeOf(value);
  if (Array.isArray(value)) return value.length;
  return typeof value === 'object' && value !== null ? Object.keys(value).length : text.length;
}

interface Memory<T> {
  readonly seq: number;
  readonly value: T;
}

const texts = new WeakMap<CacheStore, Map<string, Memory<string>>>();
const parsed = new WeakMap<CacheStore, Map<string, Memory<Json>>>();

/** The JSON text of a row; undefined: damaged. */
export function textOf(
  store: CacheStore,
  provider: string,
  { key, value, sum, seq }: ReadRow,
): string | undefined {
  // The column takes anything: what is not ours is damaged too.
  if (typeof value !== 'string' && !Buffer.isBuffer(value)) return undefined;
  if (crc32(value) !== sum) return undefined;
  if (typeof value === 'string') return value;
  return remembered(texts, store, { provider, key, seq }, () => {
    try {
      return inflateRawSync(value).toString('utf8');
    } catch {
      return undefined;
    }
  });
}

/** A text that was just read, parsed; the same object while the entry does not change: nobody may change it. */
export function parsedOf(
  store: CacheStore,
  entry: { readonly provider: string; readonly key: string; readonly seq: number },
  text: string,
): Json | undefined {
  const parse = () => {
    try {
      return JSON.parse(text) as Json;
    } catch {
      return undefined;
    }
  };
  return text.length <= PLAIN_BYTES_MAX ? parse() : remembered(parsed, store, entry, parse);
}

function remembered<T>(
  memory: WeakMap<CacheStore, Map<string, Memory<T>>>,
  store: CacheStore,
  { provider, key, seq }: { readonly provider: string; readonly key: string; readonly seq: number },
  make: () => T | undefined,
): T | undefined {
  const map = memory.get(store) ?? new Map<string, Memory<T>>();
  memory.set(store, map);
  const id = `${provider}\n${key}`;
  const found = map.get(id);
  if (found?.seq === seq) return found.value;
  const value = make();
  map.delete(id);
  if (value !== undefined) map.set(id, { seq, value });
  const [first] = map.keys();
  if (map.size > TEXTS_MAX && first !== undefined) map.delete(first);
  return value;
}

/** The text of a row in today's shape. stale: of an older version, but of a shape that still fits. Undefined: neither. */
export function currentText(
  registry: Registry,
  provider: Provider,
  version: number,
  text: string,
): { readonly text: string; readonly isStale: boolean } | undefined {
  if (version === provider.version) return { text, isStale: false };
  try {
    const old = JSON.parse(text) as Json;
    const migrated = version < provider.version ? provider.migrate?.(old, version) : undefined;
    if (migrated !== undefined && registry.misfit(provider, migrated) === undefined)
      return { text: JSON.stringify(migrated), isStale: false };
    return registry.misfit(provider, old) === undefined ? { text, isStale: true } : undefined;
  } catch {
    return undefined;
  }
}
