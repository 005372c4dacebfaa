import { onTestFinished } from 'vitest';
import { openCluster } from '../../../pipeline/k8s/client-node.ts';
import { type Cluster, KINDS, type KubeObject } from '../../../pipeline/k8s/cluster.ts';
import type { Repo } from '../../../pipeline/k8s/supervisor/names.ts';
import type { ReconcileOptions } from '../../../pipeline/k8s/supervisor/reconcile.ts';
import { type KubeApi, type KubeApiOptions, startKubeApi } from '../../support/kube-api.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

export const POD = {
  ...{ namespace: 'default', image: 'registry.test/samovar:1', logs: 'gs://logs/all' },
  ...{ tokenSecret: 'github', tokenKeys: ['one', 'two', 'three'], replayMs: HOUR_MS },
} as const;

export const LIMITS = {
  graceMs: HOUR_MS,
  share: 0.1,
  spacingMs: 10 * MINUTE_MS,
  emptyAllowed: false,
} as const;

/** Nobody waits. */
const PATIENCE = { sleep: async () => undefined, random: () => 0.5 };

export function repos(count: number, from = 0): readonly Repo[] {
  return Array.from({ length: count }, (_, at) => ({
    owner: 'made',
    name: `up-${from + at}`,
    branch: 'main',
  }));
}

export interface Fleet {
  readonly api: KubeApi;
  readonly cluster: Cluster;
  readonly clock: { nowMs: number };
  readonly list: { repos: readonly Repo[]; failure?: Error };
  readonly options: ReconcileOptions;
  names(kind: 'deployment' | 'service'): readonly string[];
  get(kind: 'deployment' | 'service', name: string): KubeObject | undefined;
  /** As a controller would: every worker that is to run is ready. */
  settle(): void;
}

export async function fleet(
  more: Partial<ReconcileOptions> = {},
  server: KubeApiOptions = {},
): Promise<Fleet> {
  const api = await startKubeApi(server);
  const cluster = await openCluster({ kubeconfig: api.kubeconfig });
  onTestFinished(async () => {
    cluster.close();
    await api.close();
  });
  const clock = { nowMs: Date.parse('2026-01-01T00:00:00Z') };
  const list: Fleet['list'] = { repos: [] };
  const readList = async () => {
    if (list.failure) throw list.failure;
    return list.repos;
  };
  const options = {
    ...POD,
    cluster,
    readList,
    limits: LIMITS,
    nowMs: () => clock.nowMs,
    ...PATIENCE,
    ...more,
  };
  return {
    ...{ api, cluster, clock, list, options },
    names: (kind) => api.all(KINDS[kind]).map(({ metadata }) => metadata.name),
    get: (kind, name) => api.get(KINDS[kind], { name, namespace: 'default' }),
    settle: () => {
      for (const { metadata, spec } of api.all(KINDS.deployment)) {
        const { replicas = 1 } = spec as { readonly replicas?: number };
        api.editStatus(
          KINDS.deployment,
          { name: metadata.name, namespace: 'default' },
          {
            observedGeneration: metadata.generation ?? 1,
            ...{ replicas, availableReplicas: replicas, readyReplicas: replicas, updatedReplicas: replicas },
          },
        );
      }
    },
  };
}
