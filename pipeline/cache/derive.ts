import { SamovarError } from '../errors.ts';
import { asError, isOurs } from './backoff.ts';
import type { Claim } from './claim.ts';
import type { Derived, Provider } from './contract.ts';
import { isLacking, viewOf } from './derived-view.ts';
import { checkedValue } from './prepare.ts';
import { readJson } from './read.ts';
import { registryOf } from './registry.ts';
import { endJob, failJob, isHeld, type SettleContext, type Settled, settle, shrunkError } from './settle.ts';
import type { StoredValue } from './values.ts';
import { wakeDependants } from './want.ts';

/** Rows a transaction writes at most: others want to write too. */
const ROWS_AT_ONCE = 200;
/** After so many values others get a turn. */
const VALUES_AT_ONCE = 200;

interface Row {
  readonly key: string;
  readonly stored: StoredValue;
  readonly things: number;
}

interface Making {
  readonly context: SettleContext;
  readonly claim: Claim;
  /** What is stored now: key and hash. */
  readonly before: ReadonlyMap<string, Buffer | null>;
  changed: number;
  bytes: number;
}

/** Thrown where the lease is lost or a clear came in between. */
const SUPERSEDED = Symbol('superseded');

/**
 * Makes all entries of a derived provider anew. Only those that differ are written, some hundreds at once, so for a moment a reader may see
 * new ones beside old ones; what was made of the sources before they changed meanwhile is marked stale by the count of changes.
 */
export async function runDerived(
  context: SettleContext,
  claim: Claim,
  signal: AbortSignal,
): Promise<Settled> {
  const { provider, startedAtMs } = claim;
  const { cache } = context.store;
  try {
    assertSources(context, provider);
    const startSeq = cache.seq();
    const before = cache.entries.hashes(provider.name, provider.version);
    const making: Making = { context, claim, before, changed: 0, bytes: 0 };
    const left = await make(making, signal);
    return cache.transaction(() => {
      const [job] = held(making);
      const isChanged = making.changed > 0;
      cache.states.derived(provider.name, {
        atMs: startedAtMs,
        seq: startSeq,
        // Its state may have changed even where no value did.
        changedSeq: isChanged ? cache.bump() : null,
      });
      if (!isChanged) cache.bump();
      else wakeDependants(context, provider, left);
      endJob(context, job);
      return { outcome: isChanged ? 'changed' : 'unchanged', bytes: making.bytes };
    });
  } catch (cause) {
    return failed(context, claim, cause, signal);
  }
}

function failed(context: SettleContext, claim: Claim, cause: unknown, signal: AbortSignal): Settled {
  const [first] = claim.jobs;
  if (first === undefined) return { outcome: 'superseded' };
  const { cache } = context.store;
  if (cause === SUPERSEDED || signal.aborted) {
    const error =
      signal.reason instanceof SamovarError && signal.reason.code === 'timeout' ? signal.reason : undefined;
    const stopped = new SamovarError('aborted', 'given up', { cause: signal.reason });
    return cache.transaction(() =>
      settle(context, claim, first, { kind: 'failed', error: error ?? stopped }),
    );
  }
  const error = asError(cause, claim.provider.name);
  if (isOurs(error)) context.onNotice?.(error.message);
  return cache.transaction(() => {
    const job = cache.jobs.byId(first.id);
    if (job === undefined || !isHeld(context, claim, first.id))
      return settle(context, claim, first, { kind: 'failed', error });
    failJob(context, claim.provider, job, error);
    return { outcome: 'failed', error };
  });
}

function assertSources(context: SettleContext, provider: Provider): void {
  const missing = registryOf(context.providers)
    .sources(provider)
    .filter((source) => isLacking(provider, source, viewOf(context, source, context.nowMs())))
    .map(({ name }) => name);
  if (missing.length === 0) return;
  throw new SamovarError('unavailable', `${provider.name}: nothing is cached yet of ${missing.join(', ')}`, {
    subject: provider.name,
  });
}

/** Writes what differs and removes what is not made any more; the keys that changed. */
async function make(making: Making, signal: AbortSignal): Promise<readonly string[]> {
  const { context, claim, before } = making;
  const { provider } = claim;
  const { nowMs } = context;
  const request = {
    read: (name: string, key: string) => readJson(context, name, key),
    nowMs: nowMs(),
    signal,
  };
  const left = new Set(before.keys());
  const changed: string[] = [];
  // With a guard against shrinking nothing may be written before all is known.
  const isGuarded = provider.shrinkMin !== undefined;
  let rows: Row[] = [];
  let made = 0;
  for await (const derived of provider.derive?.(request) ?? []) {
    made += 1;
    left.delete(derived.key);
    const row = await differing(making, derived);
    if (row !== undefined) {
      rows.push(row);
      changed.push(row.key);
    }
    if (!isGuarded && rows.length >= ROWS_AT_ONCE) rows = writeRows(making, rows);
    if (made % VALUES_AT_ONCE === 0) await breathe(making, signal);
  }
  if (signal.aborted) throw SUPERSEDED;
  const { shrinkMin } = provider;
  if (shrinkMin !== undefined && made < before.size * shrinkMin)
    throw shrunkError(provider, '', before.size, made);
  while (rows.length > 0) rows = writeRows(making, rows);
  removeRows(making, [...left]);
  return [...changed, ...left];
}

/** Without it a long making would keep the lease's renewal from its turn. */
async function breathe(making: Making, signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  if (signal.aborted) throw SUPERSEDED;
  const [job] = making.claim.jobs;
  if (job === undefined || !isHeld(making.context, making.claim, job.id)) throw SUPERSEDED;
}

async function differing({ context, claim, before }: Making, derived: Derived): Promise<Row | undefined> {
  const { key, value } = derived;
  const { stored, things } = await checkedValue(context, claim.provider, key, value);
  const old = before.get(key);
  return old?.equals(stored.hash) ? undefined : { key, stored, things };
}

function writeRows(making: Making, rows: readonly Row[]): Row[] {
  const { context, claim } = making;
  const { entries, ...cache } = context.store.cache;
  const { name, version } = claim.provider;
  const now = rows.slice(0, ROWS_AT_ONCE);
  context.store.cache.transaction(() => {
    held(making);
    const seq = cache.bump();
    for (const { key, stored, things } of now) {
      const none = { etag: null, lastModified: null, absent: 0 } as const;
      entries.put({ provider: name, key, version, ...stored, things, ...none, nowMs: context.nowMs(), seq });
    }
  });
  making.changed += now.length;
  making.bytes += now.reduce((sum, { stored }) => sum + stored.size, 0);
  return rows.slice(ROWS_AT_ONCE);
}

function removeRows(making: Making, keys: readonly string[]): void {
  const { context, claim } = making;
  for (let at = 0; at < keys.length; at += ROWS_AT_ONCE) {
    const now = keys.slice(at, at + ROWS_AT_ONCE);
    context.store.cache.transaction(() => {
      held(making);
      context.store.cache.bump();
      context.store.cache.selections.remove(claim.provider.name, now);
    });
    making.changed += now.length;
  }
}

/** The job, as it is now; inside of a transaction. */
function held({ context, claim }: Making) {
  const job = claim.jobs[0] && context.store.cache.jobs.byId(claim.jobs[0].id);
  if (job === undefined || !isHeld(context, claim, job.id)) throw SUPERSEDED;
  return [job] as const;
}
