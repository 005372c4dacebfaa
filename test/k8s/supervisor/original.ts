import type { KubeObject } from '../../../pipeline/k8s/cluster.ts';
import { deploymentName, serviceName } from '../../../pipeline/k8s/supervisor/names.ts';

export const D = deploymentName('foo/bar');
export const S = serviceName('foo/bar');

/** As the original's supervisor makes them. */
export function original(): readonly [deployment: KubeObject, service: KubeObject] {
  const labels = { 'maintner-sprvsr-autogen': 'true', owner: 'foo', repository: 'bar' };
  const container = {
    name: 'maintnerd',
    image: 'old',
    imagePullPolicy: 'Always',
    command: [
      '/maintnerd',
      '--bucket=b',
      '--verbose',
      '--token=$(GITHUB_TOKEN)',
      '--owner=foo',
      '--repo=bar',
    ],
    ports: [{ containerPort: 80 }],
    livenessProbe: {
      exec: { command: ['/bin/grpc_health_probe', '-addr=:80'] },
      initialDelaySeconds: 10,
      periodSeconds: 3,
    },
    env: [{ name: 'GITHUB_TOKEN', valueFrom: { secretKeyRef: { name: 'github', key: 'one' } } }],
    volumeMounts: [{ name: 'gcp-sa', mountPath: '/var/secrets/google' }],
  };
  const volumes = [{ name: 'gcp-sa', secret: { secretName: 'sa' } }];
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: D, namespace: 'default', labels: { ...labels, branch: 'master' } },
      spec: {
        replicas: 1,
        strategy: { type: 'Recreate' },
        selector: { matchLabels: { app: D } },
        template: { metadata: { labels: { app: D, ...labels } }, spec: { containers: [container], volumes } },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: S, namespace: 'default', labels },
      spec: {
        type: 'ClusterIP',
        selector: { app: D },
        ports: [
          { name: 'http', port: 80, targetPort: 80 },
          { name: 'internal', port: 8080, targetPort: 8080 },
        ],
      },
    },
  ];
}

interface Pod {
  readonly serviceAccountName?: string;
  readonly containers: readonly { readonly name: string; readonly livenessProbe?: object }[];
  readonly volumes: readonly { readonly name: string }[];
}

export function podOf(object: KubeObject | undefined): Pod {
  return (object as unknown as { readonly spec: { readonly template: { readonly spec: Pod } } }).spec.template
    .spec;
}
