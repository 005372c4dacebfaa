import { fullName, hashOf } from './names.ts';
import type { Worker } from './pack.ts';

export interface PodOptions {
  readonly image: string;
  /** Where logs are: `gs://bucket/prefix`. */
  readonly logs: string;
  /** Of a Secret: the token is never an argument and never read by the supervisor. */
  readonly tokenSecret: string;
  /** Keys of that Secret; a repository keeps to one of them. At least one. */
  readonly tokenKeys: readonly string[];
  /** A worker that is not up by then is begun anew. */
  readonly replayMs: number;
  readonly serviceAccount?: string;
}

const GRPC_PORT = 6343;
const JSON_PORT = 8080;
const PROBE_SECONDS = 10;
/** What is not yet in the bucket is sent at the end. */
const END_SECONDS = 120;
const RESOURCES = {
  requests: { cpu: '50m', memory: '256Mi' },
  limits: { memory: '2Gi' },
};

/** `sync` follows GitHub and writes the log; `serve` answers from it. Each has a database of its own, made anew from the log. */
export function podOf(worker: Worker, options: PodOptions): Readonly<Record<string, unknown>> {
  const names = worker.repos.map(fullName);
  const secretKeyRef = { name: options.tokenSecret, key: tokenKey(worker.name, options.tokenKeys) };
  const common = {
    image: options.image,
    securityContext: CONTAINER_SECURITY,
    resources: RESOURCES,
    volumeMounts: [
      { mountPath: '/data', name: 'data' },
      { mountPath: '/tmp', name: 'tmp' },
    ],
  };
  const settings = (folder: string) => [
    { name: 'SAMOVAR_MUTATION_LOGS', value: options.logs },
    { name: 'SAMOVAR_MUTATION_LOG_DB', value: `/data/${folder}/mutation-log.db` },
    { name: 'SAMOVAR_MUTATION_LOG_WAL', value: `/data/${folder}/wal` },
  ];
  return {
    enableServiceLinks: false,
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: END_SECONDS,
    ...(options.serviceAccount !== undefined && { serviceAccountName: options.serviceAccount }),
    securityContext: POD_SECURITY,
    containers: [
      {
        name: 'sync',
        ...common,
        args: ['mutation-log', 'sync', ...names],
        env: [...settings('sync'), { name: 'GITHUB_TOKEN', valueFrom: { secretKeyRef } }],
      },
      {
        name: 'serve',
        ...common,
        args: [
          ...['mutation-log', 'serve', '--grpc', `0.0.0.0:${GRPC_PORT}`, '--http', `0.0.0.0:${JSON_PORT}`],
          ...names,
        ],
        env: settings('serve'),
        ports: [
          { name: 'grpc', containerPort: GRPC_PORT, protocol: 'TCP' },
          { name: 'json', containerPort: JSON_PORT, protocol: 'TCP' },
        ],
        ...probes(options.replayMs),
      },
    ],
    volumes: [
      { name: 'data', emptyDir: { sizeLimit: '20Gi' } },
      { name: 'tmp', emptyDir: { sizeLimit: '1Gi' } },
    ],
  };
}

/** It listens while it replays: alive at once, ready when the replay is over. */
function probes(replayMs: number) {
  const grpc = (service: string) => ({ grpc: { port: GRPC_PORT, service }, periodSeconds: PROBE_SECONDS });
  return {
    startupProbe: {
      ...grpc('liveness'),
      failureThreshold: Math.max(1, Math.ceil(replayMs / 1000 / PROBE_SECONDS)),
    },
    livenessProbe: { ...grpc('liveness'), timeoutSeconds: 5, failureThreshold: 6 },
    readinessProbe: { ...grpc('drghs.v1.IssueService'), timeoutSeconds: 5 },
  };
}

const POD_SECURITY = {
  runAsNonRoot: true,
  runAsUser: 65_532,
  runAsGroup: 65_532,
  fsGroup: 65_532,
  seccompProfile: { type: 'RuntimeDefault' },
};

const CONTAINER_SECURITY = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

/** The same one while it is there: a key more or less moves few workers. */
function tokenKey(worker: string, keys: readonly string[]): string {
  const ranked = [...keys].sort((a, b) => (hashOf(`${a} ${worker}`) < hashOf(`${b} ${worker}`) ? -1 : 1));
  return ranked[0] ?? '';
}
