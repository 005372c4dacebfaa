import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly resources?: Readonly<Record<'requests' | 'limits', Readonly<Record<string, string>>>>;
  readonly livenessProbe?: object;
  readonly readinessProbe?: object;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly enableServiceLinks?: boolean;
  readonly securityContext?: Readonly<Record<string, unknown>>;
  readonly volumes?: readonly { readonly name: string }[];
}

export interface PodTemplate {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: PodSpec;
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

const ROOT = 'config/k8s';
export const BASES = readdirSync(join(ROOT, 'base')).map((name) => join(ROOT, 'base', name));
export const OVERLAYS = readdirSync(join(ROOT, 'overlays')).map((name) => join(ROOT, 'overlays', name));
export const BACKFILL = join(ROOT, 'backfill-job.yaml');
/** Each is applied by itself. */
export const ALL = [...BASES, ...OVERLAYS, BACKFILL];

/** Why manifests cannot be built here; undefined: they can. */
export function kubectlMissing(): string | undefined {
  const { error } = spawnSync('kubectl', ['version', '--client'], { stdio: 'ignore' });
  return error === undefined ? undefined : 'needs kubectl, which builds kustomizations';
}

const built = new Map<string, readonly Manifest[]>();

/** What a folder with a kustomization, or a file, comes to. */
export function build(place: string): readonly Manifest[] {
  const known = built.get(place);
  if (known !== undefined) return known;
  const text = existsSync(join(place, 'kustomization.yaml'))
    ? kustomized(place)
    : readFileSync(place, 'utf8');
  const manifests = parsed(text, place);
  built.set(place, manifests);
  return manifests;
}

function kustomized(place: string): string {
  const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', place], { encoding: 'utf8' });
  // Warnings too: what is deprecated will not build one day.
  if (status !== 0 || stderr !== '') throw new Error(`${place}: ${stderr}`);
  return stdout;
}

function parsed(text: string, place: string): readonly Manifest[] {
  return parseAllDocuments(text, { uniqueKeys: true }).map((document) => {
    if (document.errors.length > 0) throw new Error(`${place}: ${document.errors.join('; ')}`);
    return document.toJS() as Manifest;
  });
}

/** The pod that an object makes; undefined: it makes none. */
export function templateOf({ kind, spec }: Manifest): PodTemplate | undefined {
  if (['Deployment', 'StatefulSet', 'Job'].includes(kind)) return spec?.template as PodTemplate;
  if (kind !== 'CronJob') return undefined;
  const job = spec?.jobTemplate as { readonly spec: { readonly template: PodTemplate } } | undefined;
  return job?.spec.template;
}

export function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.name}`;
}

export interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

export function selects(
  { matchLabels = {}, matchExpressions = [] }: Selector,
  labels: Readonly<Record<string, string>>,
): boolean {
  const equal = Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
  return (
    equal &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator !== 'In') throw new Error(`${operator} is not known here`);
      return values.includes(labels[key] ?? '');
    })
  );
}
