import type { KubeObject } from '../cluster.ts';
import { type Fields, listAt, valueAt } from '../idling/fields.ts';
import type { Workload } from '../idling/workload.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, n: 1e-9, u: 1e-6, m: 1e-3, k: 1e3 };

/** `250m`, `0.25`, `12345n`: in cores; undefined: that is no amount. */
export function coresOf(quantity: unknown): number | undefined {
  const text = typeof quantity === 'number' ? String(quantity) : quantity;
  if (typeof text !== 'string') return undefined;
  const [, digits, unit = ''] = /^(\d+(?:\.\d*)?(?:[eE][-+]?\d{1,3})?|\.\d+)([numk]?)$/.exec(text) ?? [];
  const cores = digits === undefined ? Number.NaN : Number(digits) * (UNITS[unit] ?? Number.NaN);
  return Number.isFinite(cores) ? cores : undefined;
}

/** What may be used, by all pods that were measured; undefined: nobody said. */
function allowedCores({ object }: Workload, pods: number): number | undefined {
  const containers = listAt(object, 'spec', 'template', 'spec', 'containers');
  const each = containers.map((container) =>
    coresOf(
      valueAt(container, 'resources', 'limits', 'cpu') ?? valueAt(container, 'resources', 'requests', 'cpu'),
    ),
  );
  // One without a limit can use a whole machine: a share of the others' would say nothing.
  if (each.some((cores) => cores === undefined)) return undefined;
  const sum = each.reduce<number>((total, cores) => total + (cores ?? 0), 0);
  return sum === 0 ? undefined : sum * pods;
}

/** In percent of what it may use, over all of its pods; a text: why that cannot be told. */
export function cpuPercentOf(workload: Workload, metrics: readonly KubeObject[]): number | string {
  if (metrics.length === 0) return 'no pod of it has been measured';
  const allowed = allowedCores(workload, metrics.length);
  if (allowed === undefined) return 'a container of it has neither limit nor request of CPU';
  const used = metrics.flatMap((pod) => listAt(pod, 'containers')).map(usedCores);
  if (used.some((cores) => cores === undefined)) return 'what was measured is no amount of CPU';
  return (used.reduce<number>((total, cores) => total + (cores ?? 0), 0) / allowed) * 100;
}

function usedCores(container: Fields): number | undefined {
  return coresOf(valueAt(container, 'usage', 'cpu'));
}
