import { SamovarError } from '../errors.ts';
import type { Fetched, Json, Previous, Provider } from './contract.ts';
import type { CacheParts } from './parts.ts';
import { readEntries } from './read.ts';
import { registryOf } from './registry.ts';
import { parsedOf, type StoredValue, storedValue, thingsOf } from './values.ts';

/** What came of a fetch, ready to be written: all that takes time is done before the write lock is taken. */
export type Prepared =
  | {
      readonly kind: 'value';
      readonly stored: StoredValue;
      readonly things: number;
      readonly etag: string | null;
      readonly lastModified: string | null;
      readonly tags: readonly string[];
    }
  | { readonly kind: 'unchanged'; readonly migrated: StoredValue | undefined }
  | { readonly kind: 'absent'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: SamovarError };

/** What a fetch is given of the entry as it is. */
export interface Known {
  readonly previous: Previous | undefined;
  /** Its text in today's shape, where it was stored in an older one. */
  readonly migrated: string | undefined;
}

export function knownOf(parts: CacheParts, provider: Provider, key: string): Known {
  const { entries } = parts.store.cache;
  const [reading] = readEntries(parts, provider, [key]);
  const json = reading?.read.json;
  if (reading === undefined || json === undefined) return { previous: undefined, migrated: undefined };
  const { seq, checkedAtMs } = reading.read;
  const value = parsedOf(parts.store.cache, { provider: provider.name, key, seq }, json);
  if (value === undefined) return { previous: undefined, migrated: undefined };
  const row = entries.get(provider.name, key);
  const isOld = row !== undefined && row.version !== provider.version;
  const isShared = row !== undefined && (!isOld || reading.read.state !== 'stale');
  return {
    previous: {
      value,
      fetchedAtMs: checkedAtMs ?? 0,
      // What fits only by luck is asked for whole.
      ...(isShared && row.etag !== null && { etag: row.etag }),
      ...(isShared && row.lastModified !== null && { lastModified: row.lastModified }),
    },
    migrated: isOld ? json : undefined,
  };
}

export async function prepare(
  parts: CacheParts,
  provider: Provider,
  key: string,
  fetched: Fetched | SamovarError,
  known: Known,
): Promise<Prepared> {
  if (fetched instanceof SamovarError) return { kind: 'failed', error: fetched };
  if (fetched.kind === 'absent') return fetched;
  if (fetched.kind === 'unchanged') {
    if (known.previous === undefined)
      return failed(provider, key, 'said that nothing changed, but nothing is cached');
    return {
      kind: 'unchanged',
      migrated: known.migrated === undefined ? undefined : await storedValue(known.migrated),
    };
  }
  return prepareValue(parts, provider, key, fetched);
}

async function prepareValue(
  parts: CacheParts,
  provider: Provider,
  key: string,
  fetched: Extract<Fetched, { kind: 'value' }>,
): Promise<Prepared> {
  const { value, etag = null, lastModified = null, tags = [] } = fetched;
  try {
    const { stored, things } = await checkedValue(parts, provider, key, value);
    return { kind: 'value', stored, things, etag, lastModified, tags };
  } catch (error) {
    if (error instanceof SamovarError) return { kind: 'failed', error };
    throw error;
  }
}

/** A value ready to be stored. Throws `malformed` where it does not fit the provider's schema. */
export async function checkedValue(
  parts: CacheParts,
  provider: Provider,
  key: string,
  value: Json,
): Promise<{ readonly stored: StoredValue; readonly things: number }> {
  const subject = subjectOf(provider, key);
  const misfit = registryOf(parts.providers).misfit(provider, value);
  const text = misfit === undefined ? JSON.stringify(value) : undefined;
  if (text === undefined)
    throw new SamovarError(
      'malformed',
      `${subject}: the value is not what it should be: ${misfit ?? 'no JSON'}`,
      {
        subject,
      },
    );
  return { stored: await storedValue(text), things: thingsOf(provider, value, text) };
}

function failed(provider: Provider, key: string, text: string): Prepared {
  const subject = subjectOf(provider, key);
  return { kind: 'failed', error: new SamovarError('malformed', `${subject}: ${text}`, { subject }) };
}

export function subjectOf({ name }: Provider, key: string): string {
  return key === '' ? name : `${name} ${key}`;
}
