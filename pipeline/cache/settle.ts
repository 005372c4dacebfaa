import { SamovarError } from '../errors.ts';
import type { EntrySign } from '../store/cache-entries.ts';
import type { JobRow } from '../store/cache-jobs.ts';
import { pauseAfter } from './backoff.ts';
import type { Claim } from './claim.ts';
import type { JobOutcome, Provider } from './contract.ts';
import type { CacheParts } from './parts.ts';
import { type Prepared, subjectOf } from './prepare.ts';
import { stateOf } from './state.ts';
import type { StoredValue } from './values.ts';
import { rankOf, wakeDependants } from './want.ts';

export interface SettleContext extends CacheParts {
  readonly random: () => number;
}

export interface Settled {
  readonly outcome: JobOutcome;
  readonly bytes?: number;
  readonly error?: SamovarError;
}

/** True: the job is still this claim's. Else it was taken by another worker, cancelled, or its provider was cleared. */
export function isHeld({ store }: CacheParts, claim: Claim, id: number): boolean {
  const job = store.cache.jobs.byId(id);
  return (
    job?.state === 'running' &&
    job.token === claim.token &&
    store.cache.states.get(claim.provider.name).generation === claim.generation
  );
}

/**
 * Writes what came of a job and ends it; inside of a transaction. Nothing is written under a lease that was lost; after a clear the
 * job waits again, and what was fetched before is dropped.
 */
export function settle(
  context: SettleContext,
  claim: Claim,
  { id, key }: JobRow,
  prepared: Prepared,
): Settled {
  const { jobs } = context.store.cache;
  const job = jobs.byId(id);
  if (job === undefined || job.state !== 'running' || job.token !== claim.token)
    return { outcome: 'superseded' };
  if (!isHeld(context, claim, id)) {
    release(context, job);
    return { outcome: 'superseded' };
  }
  const settled = write(context, claim.provider, key, prepared);
  if (settled.error !== undefined) {
    if (settled.error.code === 'aborted') {
      release(context, job);
      return { outcome: 'superseded', error: settled.error };
    }
    failJob(context, claim.provider, job, settled.error);
    return settled;
  }
  endJob(context, job);
  context.store.cache.states.succeeded(claim.provider.name, context.nowMs());
  return settled;
}

/** Given back as it was taken. */
function release({ store, nowMs }: SettleContext, { id, reason, attempt }: JobRow): void {
  store.cache.jobs.put(id, { runAt: nowMs(), rank: rankOf(reason, nowMs()), attempt });
}

export function endJob({ store, nowMs }: SettleContext, { id, again }: JobRow): void {
  if (again === 0) store.cache.jobs.remove(id);
  else store.cache.jobs.put(id, { runAt: nowMs(), rank: rankOf('dependency', nowMs()), attempt: 0 });
}

/** Notes the failure at the entry (or, of a derived provider, at the provider) and when it is tried again. */
export function failJob(context: SettleContext, provider: Provider, job: JobRow, error: SamovarError): void {
  const { cache } = context.store;
  const atMs = context.nowMs();
  const state = cache.states.get(provider.name);
  const isDerived = provider.kind === 'derived';
  const sign = isDerived ? undefined : cache.entries.sign(provider.name, job.key);
  const failures = (isDerived ? state.failures : (sign?.failures ?? 0)) + 1;
  const { retryAtMs, runAtMs } = pauseAfter(error, failures, atMs, context.random);
  const { code } = error;
  const message = error.message.slice(0, MESSAGE_CHARS_MAX);
  // An error that goes on is nothing new to those who were told of it.
  const isNew = (isDerived ? state.errorCode : (sign?.errorCode ?? null)) !== code;
  const seq = isNew ? cache.bump() : cache.seq();
  cache.states.failed(provider.name, { code, message, atMs, retryAtMs: isDerived ? retryAtMs : null });
  if (!isDerived) cache.entries.fail(provider.name, job.key, { code, message, atMs, retryAtMs }, seq);
  const rank = rankOf(job.reason, runAtMs);
  cache.jobs.fail(job.id, { runAt: runAtMs, rank, attempt: job.attempt + 1, error: message });
}

const MESSAGE_CHARS_MAX = 1000;

function write(context: SettleContext, provider: Provider, key: string, prepared: Prepared): Settled {
  const sign = context.store.cache.entries.sign(provider.name, key);
  switch (prepared.kind) {
    case 'failed':
      return { outcome: 'failed', error: prepared.error };
    case 'unchanged':
      return writeUnchanged(context, provider, key, sign, prepared.migrated);
    case 'absent': {
      if (sign?.absent === 1) return touched(context, provider, sign, null, null);
      const error = shrunk(context, provider, key, sign, 0);
      if (error !== undefined) return { outcome: 'failed', error };
      const nothing = { value: null, sum: null, hash: null, size: 0 };
      put(context, provider, key, nothing, { things: null, etag: null, lastModified: null, absent: 1 });
      context.store.cache.entries.setTags(provider.name, key, []);
      wakeDependants(context, provider, [key]);
      return { outcome: 'absent' };
    }
    case 'value':
      return writeValue(context, provider, key, sign, prepared);
  }
}

function writeValue(
  context: SettleContext,
  provider: Provider,
  key: string,
  sign: EntrySign | undefined,
  { stored, things, etag, lastModified, tags }: Extract<Prepared, { kind: 'value' }>,
): Settled {
  const isSame = sign?.hasValue === 1 && sign.absent === 0 && sign.version === provider.version;
  if (isSame && sign.hash !== null && stored.hash.equals(sign.hash))
    return touched(context, provider, sign, etag, lastModified);
  const error = shrunk(context, provider, key, sign, things);
  if (error !== undefined) return { outcome: 'failed', error };
  put(context, provider, key, stored, { things, etag, lastModified, absent: 0 });
  context.store.cache.entries.setTags(provider.name, key, tags);
  wakeDependants(context, provider, [key]);
  return { outcome: 'changed', bytes: stored.size };
}

function writeUnchanged(
  context: SettleContext,
  provider: Provider,
  key: string,
  sign: EntrySign | undefined,
  migrated: StoredValue | undefined,
): Settled {
  if (sign === undefined || (sign.hasValue === 0 && sign.absent === 0)) {
    const subject = subjectOf(provider, key);
    const text = `${subject}: the upstream said that nothing changed, but nothing is cached any more`;
    return { outcome: 'failed', error: new SamovarError('malformed', text, { subject }) };
  }
  if (migrated === undefined) return touched(context, provider, sign, null, null);
  const row = context.store.cache.entries.get(provider.name, key);
  const { things = null, etag = null, lastModified = null } = row ?? {};
  put(context, provider, key, migrated, { things, etag, lastModified, absent: 0 });
  return { outcome: 'unchanged', bytes: migrated.size };
}

/** Only the time of the look moves, unless a reader would see a better state now. */
function touched(
  { store, nowMs }: SettleContext,
  provider: Provider,
  sign: EntrySign,
  etag: string | null,
  lastModified: string | null,
): Settled {
  const signs = {
    ...{ isKnown: true, isAbsent: sign.absent === 1, isStale: sign.stale === 1 },
    ...{ checkedAtMs: sign.checkedAt ?? undefined, hasError: sign.errorAt !== null },
  };
  const wasFresh = stateOf(signs, provider.clocks, nowMs()) === 'fresh' && !signs.hasError;
  const { version } = provider;
  store.cache.entries.touch(provider.name, sign.key, { nowMs: nowMs(), etag, lastModified, version });
  if (!wasFresh) store.cache.bump();
  return { outcome: 'unchanged' };
}

function put(
  { store, nowMs }: SettleContext,
  { name, version }: Provider,
  key: string,
  stored: {
    readonly value: string | Buffer | null;
    readonly sum: number | null;
    readonly hash: Buffer | null;
    readonly size: number;
  },
  more: {
    readonly things: number | null;
    readonly etag: string | null;
    readonly lastModified: string | null;
    readonly absent: 0 | 1;
  },
): void {
  const seq = store.cache.bump();
  const { value, sum, hash, size } = stored;
  store.cache.entries.put({
    ...{ provider: name, key, version, value, sum, hash, size },
    ...more,
    ...{ nowMs: nowMs(), seq },
  });
}

/** A value so much smaller than the one that is served is not believed; once that one is too old to be served, anything is. */
function shrunk(
  { nowMs }: SettleContext,
  provider: Provider,
  key: string,
  sign: EntrySign | undefined,
  things: number,
): SamovarError | undefined {
  const { shrinkMin, clocks } = provider;
  if (shrinkMin === undefined || sign?.hasValue !== 1 || sign.things === null) return undefined;
  if (nowMs() - (sign.checkedAt ?? 0) > clocks.ttlMs + clocks.errorMs) return undefined;
  if (things >= sign.things * shrinkMin) return undefined;
  return shrunkError(provider, key, sign.things, things);
}

export function shrunkError(provider: Provider, key: string, before: number, now: number): SamovarError {
  const subject = subjectOf(provider, key);
  return new SamovarError(
    'malformed',
    `${subject}: ${now} where ${before} were before is not believed; the old value stays`,
    {
      subject,
      remedy: `If it is right, clear it: samovar cache clear --provider ${provider.name} --hard.`,
    },
  );
}
