import type { Kind } from '../../pipeline/k8s/cluster.ts';
import { type Doc, dig, failure, textAt } from './kube-api-json.ts';

export type Matches = (object: Doc) => boolean;

const KEY = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?$/;
const VALUE = /^([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?$/;

/** `app=x,tier!=db,zone in (a, b),!idled,named` */
export function labelMatcher(selector: string): Matches {
  const requirements = splitTop(selector)
    .filter((part) => part.trim() !== '')
    .map((part) => requirement(part.trim(), selector));
  return (object) => {
    const labels = (dig(object, 'metadata', 'labels') ?? {}) as Record<string, string>;
    return requirements.every((matches) => matches(labels));
  };
}

function splitTop(selector: string): string[] {
  return selector.split(/,(?![^(]*\))/);
}

type OfLabels = (labels: Readonly<Record<string, string>>) => boolean;

function requirement(text: string, selector: string): OfLabels {
  const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(text);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    check(key, values, selector);
    return (labels) => (key in labels && values.includes(labels[key] ?? '')) === (operator === 'in');
  }
  const equal = /^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(text);
  if (equal) {
    const [, key = '', operator, value = ''] = equal;
    check(key, [value], selector);
    return (labels) => (labels[key] === value) === (operator !== '!=');
  }
  const absent = text.startsWith('!');
  const key = absent ? text.slice(1).trim() : text;
  check(key, [], selector);
  return (labels) => key in labels !== absent;
}

function check(key: string, values: readonly string[], selector: string): void {
  if (KEY.test(key) && values.every((value) => VALUE.test(value))) return;
  throw failure(
    400,
    'BadRequest',
    `unable to parse requirement: invalid label selector ${JSON.stringify(selector)}`,
  );
}

const OF_KIND: Readonly<Record<string, readonly string[]>> = {
  Pod: ['spec.nodeName', 'spec.restartPolicy', 'spec.serviceAccountName', 'status.phase', 'status.podIP'],
  Event: [
    ...['involvedObject.kind', 'involvedObject.namespace', 'involvedObject.name', 'involvedObject.uid'],
    ...['reason', 'type', 'reportingComponent', 'source'],
  ],
  Secret: ['type'],
  Namespace: ['status.phase'],
  Service: ['spec.clusterIP', 'spec.type'],
};

/** `metadata.name=x,status.phase!=Running`: only of the few fields that a kind lets one select by. */
export function fieldMatcher(kind: Kind, selector: string): Matches {
  const allowed = ['metadata.name', 'metadata.namespace', ...(OF_KIND[kind.kind] ?? [])];
  const tests = selector
    .split(',')
    .filter((part) => part !== '')
    .map((part): Matches => {
      const [, field = '', operator, value = ''] = /^([^=!]+)(==|=|!=)(.*)$/.exec(part) ?? [];
      if (!allowed.includes(field))
        throw failure(
          400,
          'BadRequest',
          `Unable to find ${JSON.stringify(`${kind.group}/${kind.version}, Resource=${kind.plural}`)} that match label selector "", field selector ${JSON.stringify(selector)}: field label not supported: ${field}`,
        );
      return (object) => (textAt(object, ...field.split('.')) === value) === (operator !== '!=');
    });
  return (object) => tests.every((matches) => matches(object));
}
