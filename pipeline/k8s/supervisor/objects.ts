import type { KubeObject } from '../cluster.ts';
import { ANNOTATIONS, fullName, hashOf, labelsOf, MADE_LABEL, serviceName, stableText } from './names.ts';
import { mergeInto, type Overlay } from './overlay.ts';
import type { Worker } from './pack.ts';
import { type PodOptions, podOf } from './pod.ts';

export interface ObjectOptions extends PodOptions {
  readonly namespace: string;
  /** Of a pod template, over ours: lists of named things merge by name. */
  readonly overlay?: Overlay;
}

/** What is to be there for a worker. Neither says how many replicas: who scales a worker to 0 has a reason. */
export function deploymentOf(worker: Worker, options: ObjectOptions): KubeObject {
  const labels = { [MADE_LABEL]: 'true', ...repoLabels(worker) };
  const [only] = worker.repos;
  const branch = worker.packed ? undefined : (only?.branch ?? 'master');
  const pod = {
    metadata: { labels: { app: worker.name, ...labels }, annotations: repositoriesNote(worker) },
    spec: podOf(worker, options),
  };
  return stamped({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: worker.name,
      namespace: options.namespace,
      labels: { ...labels, ...labelsOf({ ...(branch !== undefined && { branch }) }) },
      annotations: {
        ...repositoriesNote(worker),
        ...(branch !== undefined && { [ANNOTATIONS.branch]: branch }),
      },
    },
    spec: {
      // Two of one worker would write to one log: the old one ends before the new one begins.
      strategy: { type: 'Recreate' },
      selector: { matchLabels: { app: worker.name } },
      template: options.overlay === undefined ? pod : mergeInto(pod, options.overlay),
    },
  });
}

/** One for each repository, packed or not: whoever asks for a repository needs to know its name alone. */
export function servicesOf(
  worker: Worker,
  { namespace }: { readonly namespace: string },
): readonly KubeObject[] {
  return worker.repos.map((repo) =>
    stamped({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: serviceName(fullName(repo)),
        namespace,
        labels: { [MADE_LABEL]: 'true', ...labelsOf({ owner: repo.owner, repository: repo.name }) },
        annotations: { [ANNOTATIONS.repositories]: JSON.stringify([fullName(repo)]) },
      },
      spec: {
        selector: { app: worker.name },
        ports: [
          { name: 'http', protocol: 'TCP', port: 80, targetPort: 'grpc' },
          { name: 'internal', protocol: 'TCP', port: 8080, targetPort: 'json' },
        ],
      },
    }),
  );
}

function repoLabels({ packed, repos }: Worker) {
  const [only] = repos;
  return packed || only === undefined ? {} : labelsOf({ owner: only.owner, repository: only.name });
}

function repositoriesNote({ repos }: Worker) {
  return { [ANNOTATIONS.repositories]: JSON.stringify(repos.map(fullName)) };
}

function stamped(object: KubeObject): KubeObject {
  const { metadata } = object;
  const applied = hashOf(stableText(object));
  return {
    ...object,
    metadata: { ...metadata, annotations: { ...metadata.annotations, [ANNOTATIONS.applied]: applied } },
  };
}
