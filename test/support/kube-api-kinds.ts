import { KINDS, type Kind } from '../../pipeline/k8s/cluster.ts';
import { type Cause, type Doc, dig, docAt, docsAt, isDoc, setDefaults, textAt } from './kube-api-json.ts';

/** What a server knows of a kind beyond its name; of the schemas only what the modules' mistakes would break. */
export interface Rules {
  readonly kind: Kind;
  readonly status: boolean;
  readonly scale: boolean;
  /** Counts changes of `spec`; `annotations`: of these too. */
  readonly generation?: 'spec' | 'annotations';
  readonly prepare: (object: Doc) => void;
  readonly causes: (object: Doc, old: Doc | undefined) => readonly Cause[];
}

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL_1035 = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const LABEL_KEY = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/;
const ANNOTATIONS_LENGTH_MAX = 256 * 1024;

const none = { status: false, scale: false, prepare: () => {}, causes: () => [] };
const keyed = { ...none, causes: dataCauses };
const RULES: Readonly<Record<string, Omit<Rules, 'kind'>>> = {
  Deployment: { ...workload(deploymentDefaults), generation: 'annotations' },
  StatefulSet: { ...workload(statefulSetDefaults), generation: 'spec' },
  Service: { ...none, status: true, prepare: prepareService, causes: serviceCauses },
  Pod: { ...none, status: true, prepare: preparePod, causes: (pod) => podCauses(pod.spec, 'spec') },
  Event: { ...none, causes: eventCauses },
  ConfigMap: keyed,
  Secret: keyed,
  Namespace: {
    ...none,
    status: true,
    prepare: (object) => setDefaults(docAt(object, 'status'), { phase: 'Active' }),
  },
  Ingress: {
    ...none,
    status: true,
    generation: 'spec',
    prepare: (object) => setDefaults(object, { status: { loadBalancer: {} } }),
  },
  EndpointSlice: { ...none, causes: sliceCauses },
  HorizontalPodAutoscaler: { ...none, status: true, prepare: prepareScaler, causes: scalerCauses },
  Lease: { ...none, causes: leaseCauses },
};

export const ALL_RULES: readonly Rules[] = Object.values(KINDS).map((kind) => ({
  ...none,
  ...RULES[kind.kind],
  kind,
}));

/** Of every kind: what its metadata must be. */
export function metadataCauses(kind: Kind, { metadata }: Doc): readonly Cause[] {
  const { name, namespace, labels = {}, annotations = {} } = metadata as Doc;
  const pattern = kind.kind === 'Service' ? LABEL_1035 : kind.kind === 'Namespace' ? LABEL : SUBDOMAIN;
  const found: Cause[] = [];
  if (typeof name !== 'string' || !pattern.test(name))
    found.push(
      invalid(
        'metadata.name',
        name,
        'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters',
      ),
    );
  if (kind.namespaced && !LABEL.test(String(namespace)))
    found.push(invalid('metadata.namespace', namespace, 'a lowercase RFC 1123 label'));
  for (const [key, value] of Object.entries(labels as Doc))
    if (!LABEL_KEY.test(key) || typeof value !== 'string' || !LABEL_VALUE.test(value))
      found.push(
        invalid(
          'metadata.labels',
          value,
          'a valid label must be an empty string or consist of alphanumeric characters',
        ),
      );
  const entries = Object.entries(annotations as Doc);
  for (const [key, value] of entries)
    if (!LABEL_KEY.test(key) || typeof value !== 'string')
      found.push(invalid('metadata.annotations', key, 'name part must consist of alphanumeric characters'));
  if (JSON.stringify(entries).length > ANNOTATIONS_LENGTH_MAX)
    found.push(invalid('metadata.annotations', 'Too long', 'may not be more than 262144 bytes'));
  return found;
}

function invalid(field: string, value: unknown, why: string): Cause {
  return { field, reason: 'FieldValueInvalid', message: `Invalid value: ${JSON.stringify(value)}: ${why}` };
}

function required(field: string, why = ''): Cause {
  return { field, reason: 'FieldValueRequired', message: `Required value${why && `: ${why}`}` };
}

function deploymentDefaults(spec: Doc): void {
  setDefaults(spec, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600, strategy: {} });
  const strategy = docAt(spec, 'strategy');
  setDefaults(strategy, { type: 'RollingUpdate' });
  if (strategy.type === 'RollingUpdate')
    setDefaults(docAt(strategy, 'rollingUpdate'), { maxSurge: '25%', maxUnavailable: '25%' });
}

function statefulSetDefaults(spec: Doc): void {
  setDefaults(spec, { replicas: 1, revisionHistoryLimit: 10, podManagementPolicy: 'OrderedReady' });
  setDefaults(spec, { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } } });
}

function workload(defaults: (spec: Doc) => void): Omit<Rules, 'kind'> {
  return {
    status: true,
    scale: true,
    prepare: (object) => {
      const spec = docAt(object, 'spec');
      defaults(spec);
      podDefaults(docAt(spec, 'template', 'spec'));
      docAt(object, 'status');
    },
    causes: (object, old) => [
      ...replicasCauses(dig(object, 'spec', 'replicas')),
      ...selectorCauses(object, old),
      ...podCauses(dig(object, 'spec', 'template', 'spec'), 'spec.template.spec'),
    ],
  };
}

function replicasCauses(replicas: unknown): readonly Cause[] {
  if (Number.isInteger(replicas) && (replicas as number) >= 0) return [];
  return [invalid('spec.replicas', replicas, 'must be greater than or equal to 0')];
}

function selectorCauses(object: Doc, old: Doc | undefined): readonly Cause[] {
  const selector = dig(object, 'spec', 'selector');
  const wanted = dig(selector, 'matchLabels');
  if (!isDoc(wanted) || Object.keys(wanted).length === 0) return [required('spec.selector')];
  const labels = dig(object, 'spec', 'template', 'metadata', 'labels') ?? {};
  const found: Cause[] = [];
  if (Object.entries(wanted).some(([key, value]) => (labels as Doc)[key] !== value))
    found.push(
      invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'),
    );
  if (old !== undefined && JSON.stringify(dig(old, 'spec', 'selector')) !== JSON.stringify(selector))
    found.push(invalid('spec.selector', selector, 'field is immutable'));
  return found;
}

function podDefaults(spec: Doc): void {
  setDefaults(spec, {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
  });
  setDefaults(spec, { terminationGracePeriodSeconds: 30, securityContext: {} });
  for (const container of docsAt(spec, 'containers')) {
    const latest = /:latest$|^[^:@]*$/.test(textAt(container, 'image'));
    setDefaults(container, { imagePullPolicy: latest ? 'Always' : 'IfNotPresent', resources: {} });
    setDefaults(container, {
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
    });
    for (const port of docsAt(container, 'ports')) setDefaults(port, { protocol: 'TCP' });
  }
}

function preparePod(pod: Doc): void {
  podDefaults(docAt(pod, 'spec'));
  setDefaults(docAt(pod, 'status'), { phase: 'Pending' });
}

function podCauses(spec: unknown, path: string): readonly Cause[] {
  const containers = docsAt(spec, 'containers');
  if (containers.length === 0) return [required(`${path}.containers`)];
  const names = containers.map((container) => textAt(container, 'name'));
  return containers.flatMap((container, at) => {
    const name = names[at] ?? '';
    const field = `${path}.containers[${at}]`;
    const found: Cause[] = [];
    if (name === '') found.push(required(`${field}.name`));
    else if (!LABEL.test(name)) found.push(invalid(`${field}.name`, name, 'a lowercase RFC 1123 label'));
    if (names.indexOf(name) !== at)
      found.push({
        field: `${field}.name`,
        reason: 'FieldValueDuplicate',
        message: `Duplicate value: ${JSON.stringify(name)}`,
      });
    if (textAt(container, 'image') === '') found.push(required(`${field}.image`));
    return found;
  });
}

let lastAddress = 1;

function prepareService(service: Doc): void {
  const spec = docAt(service, 'spec');
  setDefaults(spec, { type: 'ClusterIP', sessionAffinity: 'None' });
  for (const port of docsAt(spec, 'ports')) {
    setDefaults(port, { protocol: 'TCP' });
    if (spec.type !== 'ExternalName') setDefaults(port, { targetPort: port.port });
  }
  if (spec.type === 'ExternalName') delete spec.clusterIP;
  else if (!spec.clusterIP) {
    lastAddress += 1;
    spec.clusterIP = `10.0.${lastAddress >> 8}.${lastAddress & 255}`;
  }
  if (spec.type === 'ExternalName') delete spec.clusterIPs;
  else spec.clusterIPs = [spec.clusterIP];
  setDefaults(service, { status: { loadBalancer: {} } });
}

function serviceCauses({ spec }: Doc, old: Doc | undefined): readonly Cause[] {
  const { type, externalName, clusterIP } = spec as Doc;
  const ports = docsAt(spec, 'ports');
  const found: Cause[] = [];
  if (!['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'].includes(String(type)))
    found.push(invalid('spec.type', type, 'unsupported value'));
  if (type === 'ExternalName' && !externalName) found.push(required('spec.externalName'));
  if (type !== 'ExternalName' && ports.length === 0 && clusterIP !== 'None')
    found.push(required('spec.ports'));
  const before = dig(old, 'spec', 'clusterIP');
  if (
    type !== 'ExternalName' &&
    dig(old, 'spec', 'type') !== 'ExternalName' &&
    before &&
    before !== clusterIP
  )
    found.push(invalid('spec.clusterIPs[0]', [clusterIP], 'may not change once set'));
  ports.forEach((port, at) => {
    const field = `spec.ports[${at}]`;
    const { port: number, name } = port;
    if (!Number.isInteger(number) || (number as number) < 1 || (number as number) > 65_535)
      found.push(invalid(`${field}.port`, number, 'must be between 1 and 65535, inclusive'));
    if (ports.length > 1 && !name) found.push(required(`${field}.name`));
    if (name && ports.findIndex((other) => other.name === name) !== at)
      found.push({
        field: `${field}.name`,
        reason: 'FieldValueDuplicate',
        message: `Duplicate value: ${JSON.stringify(name)}`,
      });
    if (ports.findIndex((other) => other.port === number && other.protocol === port.protocol) !== at)
      found.push({
        field,
        reason: 'FieldValueDuplicate',
        message: `Duplicate value: ${JSON.stringify({ protocol: port.protocol, port: number })}`,
      });
  });
  return found;
}

function dataCauses({ data = {} }: Doc): readonly Cause[] {
  return Object.entries(data as Doc).flatMap(([key, value]) =>
    /^[-._a-zA-Z0-9]{1,253}$/.test(key) && typeof value === 'string'
      ? []
      : [invalid(`data[${key}]`, key, 'a valid config key must consist of alphanumeric characters')],
  );
}

function eventCauses(event: Doc): readonly Cause[] {
  const about = textAt(event, 'involvedObject', 'namespace');
  if (about === '' || about === textAt(event, 'metadata', 'namespace')) return [];
  return [invalid('involvedObject.namespace', about, 'does not match event.namespace')];
}

function sliceCauses({ addressType, endpoints }: Doc): readonly Cause[] {
  const found: Cause[] = [];
  if (!['IPv4', 'IPv6', 'FQDN'].includes(String(addressType))) found.push(required('addressType'));
  docsAt({ endpoints }, 'endpoints').forEach((endpoint, at) => {
    const { addresses } = endpoint;
    if (!Array.isArray(addresses) || addresses.length === 0)
      found.push(required(`endpoints[${at}].addresses`, 'must contain at least 1 address'));
  });
  return found;
}

function prepareScaler(scaler: Doc): void {
  setDefaults(docAt(scaler, 'spec'), { minReplicas: 1 });
  setDefaults(scaler, { status: { desiredReplicas: 0, currentMetrics: null } });
}

function scalerCauses({ spec }: Doc): readonly Cause[] {
  const { minReplicas, maxReplicas, scaleTargetRef } = spec as Doc;
  const found: Cause[] = [];
  if (!isDoc(scaleTargetRef)) found.push(required('spec.scaleTargetRef.kind'));
  if (!(Number(maxReplicas) >= 1))
    found.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0'));
  if (Number(minReplicas) < 1)
    found.push(invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'));
  if (Number(maxReplicas) < Number(minReplicas))
    found.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'));
  return found;
}

function leaseCauses({ spec }: Doc): readonly Cause[] {
  const { leaseDurationSeconds, leaseTransitions, renewTime, acquireTime } = (spec ?? {}) as Doc;
  const found: Cause[] = [];
  if (leaseDurationSeconds !== undefined && !(Number(leaseDurationSeconds) > 0))
    found.push(invalid('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0'));
  if (leaseTransitions !== undefined && Number(leaseTransitions) < 0)
    found.push(invalid('spec.leaseTransitions', leaseTransitions, 'must be greater than or equal to 0'));
  for (const [field, time] of Object.entries({ renewTime, acquireTime }))
    if (time !== undefined && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(String(time)))
      found.push(invalid(`spec.${field}`, time, 'is no time with microseconds'));
  return found;
}
