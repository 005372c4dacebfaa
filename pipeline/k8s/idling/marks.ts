import type { KubeObject } from '../cluster.ts';
import { textAt } from './fields.ts';

/**
 * Glossary: an *app* is what answers one host: an Ingress, Services, and workloads; a *workload* is a Deployment or a StatefulSet;
 * to *idle* is to scale an app's workloads to 0 and send its Services to the unidler; to *wake* is to undo that.
 */

/** Names of the original idler and unidler: either side can be another's. */
export const IDLED_LABEL = 'mojanalytics.xyz/idled';
export const IDLED_AT = 'mojanalytics.xyz/idled-at';
export const REPLICAS = 'mojanalytics.xyz/replicas-when-unidled';
export const IDLEABLE_SELECTOR = 'mojanalytics.xyz/idleable=true';

/** Ours, beside them. Each but `stay` and `group`, which are labels, is an annotation. */
export const OURS = {
  /** Of a Service: its `spec` before it was idled, as JSON. */
  service: 'samovar/service-before-idling',
  /** Of a workload: when it was woken last, RFC 3339. */
  wokenAt: 'samovar/unidled-at',
  /** Of a workload: when somebody asked it for something last, RFC 3339. */
  lastRequest: 'samovar/last-request',
  /** Of a workload: a whole number, 0 where it is not set; lower ones are woken first and idled last. */
  order: 'samovar/wake-order',
  /** Of a workload or a namespace: `true` keeps it from being idled. */
  stay: 'samovar/stay-awake',
  /** Workloads of one namespace with the same value are idled and woken together. */
  group: 'samovar/idle-group',
} as const;

export interface Idled {
  /** Undefined where it is not said, or not readable. */
  readonly atMs: number | undefined;
  /** To go back to; at least 1. */
  readonly replicas: number;
}

/** How a workload was idled; undefined: it is not. Idlers before 1.0 had no annotation of replicas: `idled-at` was `time,replicas`. */
export function idledOf({ metadata }: KubeObject): Idled | undefined {
  const { labels = {}, annotations = {} } = metadata;
  if (labels[IDLED_LABEL] === undefined && annotations[IDLED_AT] === undefined) return undefined;
  const [time = '', legacy = ''] = (annotations[IDLED_AT] ?? '').split(/[,;]/);
  const atMs = Date.parse(time.trim());
  return {
    atMs: Number.isNaN(atMs) ? undefined : atMs,
    replicas: replicasOf(annotations[REPLICAS] ?? legacy),
  };
}

function replicasOf(text: string): number {
  const count = /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : 0;
  return count < 1 ? 1 : count;
}

/** A merge patch of a workload's metadata. */
export function markIdled(replicas: number, nowMs: number) {
  return {
    labels: { [IDLED_LABEL]: 'true' },
    annotations: {
      // As the original wrote it: seconds, and an offset instead of Z.
      [IDLED_AT]: new Date(nowMs).toISOString().replace(/\.\d+Z$/, '+00:00'),
      [REPLICAS]: String(replicas),
    },
  };
}

/** The reverse. */
export function markWoken(nowMs: number) {
  return {
    labels: { [IDLED_LABEL]: null },
    annotations: {
      [IDLED_AT]: null,
      [REPLICAS]: null,
      [OURS.wokenAt]: new Date(nowMs).toISOString(),
    },
  };
}

/** Lower first when waking. */
export function orderOf(workload: KubeObject): number {
  const order = Number(textAt(workload, 'metadata', 'annotations', OURS.order) || 0);
  return Number.isInteger(order) ? order : 0;
}

/** Milliseconds; undefined where there is no such annotation or no time in it. */
export function timeAt(object: KubeObject, annotation: string): number | undefined {
  const ms = Date.parse(textAt(object, 'metadata', 'annotations', annotation));
  return Number.isNaN(ms) ? undefined : ms;
}
