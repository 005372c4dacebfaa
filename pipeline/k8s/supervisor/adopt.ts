import { SamovarError } from '../../errors.ts';
import { type CallOptions, type Cluster, KINDS, type KubeObject } from '../cluster.ts';

/** Whose fields ours are, for the API server. */
export const MANAGER = 'samovar-supervisor';

interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
}

/**
 * Takes over a Deployment that somebody else made or changed: its pod template and strategy become ours whole, in place, so that
 * its Service and its name stay; then the fields are ours alone, so that a later version can take them away. `cause`: why it is
 * needed, told when there is nothing to take over.
 */
export async function adopt(
  cluster: Cluster,
  object: KubeObject,
  call: CallOptions = {},
  cause?: unknown,
): Promise<void> {
  const kind = KINDS.deployment;
  const { name, namespace } = object.metadata;
  const at = { name, ...(namespace !== undefined && { namespace }) };
  const live = await cluster.get(kind, at, call);
  if (live === undefined)
    throw cause ?? new SamovarError('missing', `the Deployment ${name} is gone`, { subject: name });
  const { template, strategy } = object.spec as { readonly template: unknown; readonly strategy: unknown };
  const replacement = [
    { op: 'test', path: '/metadata/resourceVersion', value: live.metadata.resourceVersion },
    { op: 'add', path: '/spec/strategy', value: strategy },
    { op: 'replace', path: '/spec/template', value: template },
  ];
  await cluster.patch(kind, at, replacement, { kind: 'json', ...call });
  const applied = await cluster.apply(kind, object, { manager: MANAGER, force: true, ...call });
  const { managedFields = [], resourceVersion } = applied.metadata as typeof applied.metadata & {
    readonly managedFields?: readonly ManagedFields[];
  };
  const ours = managedFields.filter(
    ({ manager, operation, subresource }) =>
      (manager === MANAGER && operation === 'Apply') || subresource !== undefined,
  );
  if (ours.length === managedFields.length) return;
  const ownership = [
    { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
    { op: 'replace', path: '/metadata/managedFields', value: ours },
  ];
  await cluster.patch(kind, at, ownership, { kind: 'json', ...call });
}
