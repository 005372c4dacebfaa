import { isRetryable, SamovarError } from '../../errors.ts';
import type { Cluster, Kind, KubeObject, Name } from '../cluster.ts';
import type { Fields } from './fields.ts';

/** What calls to a cluster need, beside it. */
export interface Hands {
  readonly cluster: Cluster;
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
  /** Told of each call that is made again, and why. */
  readonly onRetry?: (why: 'conflict' | 'failure') => void;
}

const ATTEMPTS = 8;
const FIRST_MS = 50;
const PAUSE_MS_MAX = 5_000;

/** The call again where the next one may pass. `conflicts`: also after somebody was quicker. */
export async function persist<T>(call: () => Promise<T>, hands: Hands, conflicts = false): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      hands.signal.throwIfAborted();
      return await call();
    } catch (error) {
      const again = isRetryable(error) || (conflicts && isCode(error, 'conflict'));
      if (attempt === ATTEMPTS || hands.signal.aborted || !again) throw error;
      hands.onRetry?.(isCode(error, 'conflict') ? 'conflict' : 'failure');
      const wished = error instanceof SamovarError ? (error.retryAfterMs ?? 0) : 0;
      const pauseMs = FIRST_MS * 2 ** (attempt - 1) * (0.5 + hands.random());
      await hands.sleep(Math.min(Math.max(pauseMs, wished), PAUSE_MS_MAX), hands.signal);
    }
  }
}

export function isCode(error: unknown, code: SamovarError['code']): boolean {
  return error instanceof SamovarError && error.code === code;
}

export function nameOf({ metadata: { name, namespace } }: KubeObject): Name {
  return { name, ...(namespace !== undefined && { namespace }) };
}

/**
 * Changes an object as it is now: `patchOf` is given its newest version, again after each conflict, and gives a merge patch, or
 * undefined where nothing is to do. Gives the object as it is then. Throws `missing` when there is none.
 */
export function change(
  kind: Kind,
  name: Name,
  patchOf: (object: KubeObject) => Fields | undefined,
  hands: Hands,
): Promise<KubeObject> {
  const { cluster, signal } = hands;
  const once = async () => {
    const object = await cluster.get(kind, name, { signal });
    if (object === undefined)
      throw new SamovarError('missing', `the ${kind.kind} ${name.namespace}/${name.name} is gone`, {
        subject: name.name,
      });
    const patch = patchOf(object);
    if (patch === undefined) return object;
    const { resourceVersion } = object.metadata;
    const metadata = { ...(patch.metadata as Fields | undefined), resourceVersion };
    return cluster.patch(kind, name, { ...patch, metadata }, { kind: 'merge', signal });
  };
  return persist(once, hands, true);
}

/** [] where the kind may not be read or is not there: what is optional for a module is so in its role too. */
export async function listIfAllowed(
  kind: Kind,
  options: { readonly namespace?: string; readonly labels?: string },
  hands: Hands,
): Promise<readonly KubeObject[]> {
  try {
    const { cluster, signal } = hands;
    return (await persist(() => cluster.list(kind, { ...options, signal }), hands)).items;
  } catch (error) {
    if (isCode(error, 'denied') || isCode(error, 'missing')) return [];
    throw error;
  }
}
