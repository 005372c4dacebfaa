import { SamovarError } from '../../errors.ts';
import { type Cluster, KINDS, type Kind } from '../cluster.ts';
import { MADE_SELECTOR } from './names.ts';

export interface WatchFleetOptions {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly onChange: () => void;
  readonly onFailure: (error: unknown) => void;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** After a watch that failed; a watch that just ended goes on at once. */
  readonly retryMs: number;
  readonly signal: AbortSignal;
}

/** Says that something of the fleet changed, until the signal. What it was does not matter: a pass looks at everything. */
export async function watchFleet(options: WatchFleetOptions): Promise<void> {
  await Promise.all([watchKind(KINDS.deployment, options), watchKind(KINDS.service, options)]);
}

async function watchKind(kind: Kind, options: WatchFleetOptions): Promise<void> {
  const { cluster, namespace, signal, onChange } = options;
  const which = { namespace, labels: MADE_SELECTOR, signal };
  let version: string | undefined;
  while (!signal.aborted) {
    try {
      version ??= (await cluster.list(kind, which)).version;
      for await (const event of cluster.watch(kind, { ...which, version })) {
        version = event.object.metadata.resourceVersion ?? version;
        if (event.type !== 'bookmark') onChange();
      }
    } catch (error) {
      if (signal.aborted) return;
      // What happened meanwhile is not known.
      version = undefined;
      onChange();
      if (error instanceof SamovarError && error.code === 'conflict') continue;
      options.onFailure(error);
      await options.sleep(options.retryMs, signal);
    }
  }
}
