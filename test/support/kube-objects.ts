import { SamovarError } from '../../pipeline/errors.ts';
import type { KubeObject } from '../../pipeline/k8s/cluster.ts';

/** A Deployment that servers take, with one container and one replica. */
export function deployment(namespace: string, name: string, image = 'registry.test/app:1') {
  const labels = { app: name };
  return {
    metadata: { name, namespace, labels },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'app', image }] } },
    },
  };
}

export function service(namespace: string, name: string, ports: readonly object[]) {
  return { metadata: { name, namespace, labels: { app: name } }, spec: { selector: { app: name }, ports } };
}

/** `conflict 409`, `refused`: of what a promise is rejected with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    return `no error, but ${JSON.stringify(await promise)}`;
  } catch (error) {
    if (!(error instanceof SamovarError)) return `another error: ${error}`;
    return [error.code, error.status].filter((part) => part !== undefined).join(' ');
  }
}

export function versionOf({ metadata }: KubeObject): string {
  return metadata.resourceVersion ?? '';
}
