import { SamovarError } from '../errors.ts';
import { KINDS, type KubeObject } from './cluster.ts';
import { DURATION_MS, type Settings } from './lease-options.ts';

/** A Lease that is ours, in the version we wrote, since when. */
export interface Held {
  version: string;
  /** When the last renewal that went well was sent: others count from no earlier. */
  renewedMs: number;
  /** Renewals whose answer did not come, by the time they wrote, with when they were sent. */
  readonly unsure: Map<string, number>;
}

/** What was last seen of the Lease, and when it was first seen so. */
export interface Seen {
  mark: string;
  sinceMs: number;
  holder: string | undefined;
}

interface Spec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly leaseTransitions?: number;
  readonly renewTime?: string;
}

/** One try to get the Lease; undefined while another holds it. */
export async function tryOnce(
  settings: Settings,
  seen: Seen,
  signal: AbortSignal,
): Promise<Held | undefined> {
  const { cluster, namespace, name, identity, steadyMs, onChange } = settings;
  const lease = await cluster.get(KINDS.lease, { name, namespace }, { signal });
  const renewedMs = steadyMs();
  if (lease === undefined) {
    const spec = { ...mine(settings), leaseTransitions: 0 };
    const made = await cluster.create(KINDS.lease, { metadata: { name, namespace }, spec }, { signal });
    return { version: versionOf(made), renewedMs, unsure: new Map() };
  }
  const spec = specOf(lease);
  if (!isFree(spec, identity, seen, lease, renewedMs)) {
    if (seen.holder !== spec.holderIdentity)
      onChange?.({ type: 'waiting', holder: spec.holderIdentity ?? '' });
    seen.holder = spec.holderIdentity;
    return undefined;
  }
  seen.holder = undefined;
  const isNew = spec.holderIdentity !== identity;
  const leaseTransitions = (spec.leaseTransitions ?? 0) + (isNew ? 1 : 0);
  const body = {
    metadata: { resourceVersion: versionOf(lease) },
    spec: { ...mine(settings), leaseTransitions },
  };
  const taken = await cluster.patch(KINDS.lease, { name, namespace }, body, { kind: 'merge', signal });
  return { version: versionOf(taken), renewedMs, unsure: new Map() };
}

/** Nobody's, ours from before, or not renewed for its duration while we looked: its own times are of another's clock. */
function isFree(spec: Spec, identity: string, seen: Seen, lease: KubeObject, nowMs: number): boolean {
  const mark = JSON.stringify([
    lease.metadata.uid,
    spec.holderIdentity,
    spec.renewTime,
    spec.leaseTransitions,
  ]);
  if (seen.mark !== mark) Object.assign(seen, { mark, sinceMs: nowMs });
  if (!spec.holderIdentity || spec.holderIdentity === identity) return true;
  return nowMs - seen.sinceMs >= (spec.leaseDurationSeconds ?? DURATION_MS / 1000) * 1000;
}

function mine({ identity, durationMs, nowMs }: Settings): Spec & { readonly acquireTime: string } {
  const time = timeOf(nowMs());
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(durationMs / 1000),
    acquireTime: time,
    renewTime: time,
  };
}

/** False when another holds it, or it is gone. */
export async function renew(settings: Settings, held: Held, signal: AbortSignal): Promise<boolean> {
  const { cluster, namespace, name, identity, nowMs, steadyMs } = settings;
  const sentMs = steadyMs();
  const renewTime = timeOf(nowMs());
  const body = { metadata: { resourceVersion: held.version }, spec: { renewTime } };
  held.unsure.set(renewTime, sentMs);
  try {
    const lease = await cluster.patch(KINDS.lease, { name, namespace }, body, { kind: 'merge', signal });
    Object.assign(held, { version: versionOf(lease), renewedMs: sentMs });
    held.unsure.clear();
    return true;
  } catch (error) {
    if (error instanceof SamovarError && error.code === 'missing') return false;
    if (!isConflict(error)) throw error;
    held.unsure.delete(renewTime);
  }
  // Somebody wrote a label, or an answer of ours was lost on its way: it may still be ours.
  const lease = await cluster.get(KINDS.lease, { name, namespace }, { signal });
  const spec = lease && specOf(lease);
  if (lease === undefined || spec?.holderIdentity !== identity) return false;
  held.version = versionOf(lease);
  held.renewedMs = Math.max(held.renewedMs, held.unsure.get(spec.renewTime ?? '') ?? 0);
  return renew(settings, held, signal);
}

/** So that the next need not wait. If it fails, the Lease ends by itself. */
export async function release(settings: Settings, held: Held): Promise<void> {
  const { renewWithinMs, onRetry, onChange } = settings;
  try {
    if (await within(settings, renewWithinMs, (signal) => giveBack(settings, held, signal)))
      onChange?.({ type: 'released' });
  } catch (error) {
    onRetry?.(error);
  }
}

/** False when it is another's already. */
async function giveBack(settings: Settings, held: Held, signal: AbortSignal): Promise<boolean> {
  const { cluster, namespace, name, identity, nowMs } = settings;
  const spec = { holderIdentity: null, leaseDurationSeconds: 1, renewTime: timeOf(nowMs()) };
  const body = { metadata: { resourceVersion: held.version }, spec };
  try {
    await cluster.patch(KINDS.lease, { name, namespace }, body, { kind: 'merge', signal });
    return true;
  } catch (error) {
    if (!isConflict(error)) throw error;
  }
  // A renewal that was under way at the end has come to pass.
  const lease = await cluster.get(KINDS.lease, { name, namespace }, { signal });
  if (lease === undefined || specOf(lease).holderIdentity !== identity) return false;
  held.version = versionOf(lease);
  return giveBack(settings, held, signal);
}

/** The call, ended after so long. `signal`: ended sooner. */
export async function within<T>(
  { sleep, name }: Settings,
  ms: number,
  call: (signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const stop = new AbortController();
  const over = new AbortController();
  const onAbort = () => stop.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const late = sleep(ms, over.signal).then(
    () => stop.abort(new SamovarError('timeout', `the Lease ${name} was not answered for in ${ms} ms`)),
    () => {},
  );
  try {
    return await call(stop.signal);
  } catch (error) {
    // The call itself only knows that it was ended.
    throw stop.signal.aborted && signal?.aborted !== true ? stop.signal.reason : error;
  } finally {
    over.abort();
    signal?.removeEventListener('abort', onAbort);
    await late;
  }
}

export async function pause({ sleep }: Settings, ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, signal).catch((cause: unknown) => {
    if (!signal.aborted) throw cause;
  });
}

export function isConflict(error: unknown): boolean {
  return error instanceof SamovarError && error.code === 'conflict';
}

function specOf({ spec }: KubeObject): Spec {
  return (spec ?? {}) as Spec;
}

function versionOf({ metadata }: KubeObject): string {
  return metadata.resourceVersion ?? '';
}

/** With microseconds, which the API asks for. */
function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
